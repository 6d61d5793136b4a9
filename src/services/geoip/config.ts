/** The configuration of geoip. */
import * as v from 'valibot'
import { age, noDoubles, range, text, whole } from '../frame/schemas.ts'

const database = v.strictObject({
  path: text,
  max_age: v.optional(age, '45d'),
})

/** One database. */
export type DatabaseConfig = v.InferOutput<typeof database>

const places = v.optional(
  v.strictObject({
    countries: v.optional(
      v.array(
        v.pipe(
          v.string(),
          v.regex(
            /^[A-Z]{2}$/,
            "must be a code of two capital letters, in quotes: 'NO' alone is false in some YAML",
          ),
        ),
      ),
      [],
    ),
    asns: v.optional(v.array(whole(0, 0xffff_ffff)), []),
  }),
)

/** Checks the entry of the agent. */
export const geoipSchema = v.strictObject({
  databases: v.pipe(
    v.array(database),
    v.nonEmpty('must have at least one database'),
    noDoubles(({ path }: DatabaseConfig) => path),
  ),
  watch: v.optional(v.boolean(), true),
  locale: v.optional(text, 'en'),
  allow: places,
  deny: places,
  unknown: v.optional(v.picklist(['allow', 'deny']), 'allow'),
  trusted_proxies: v.optional(v.array(range), []),
  cache: v.optional(whole(0, 1_000_000), 10_000),
})

/** What it makes. */
export type GeoipConfig = v.InferOutput<typeof geoipSchema>
