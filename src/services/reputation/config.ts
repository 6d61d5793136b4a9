/** The configuration of ip-reputation. */
import * as v from 'valibot'
import { age, duration, noDoubles, percent, range, size, text, whole } from '../frame/schemas.ts'
import { listFormats } from './formats.ts'

const url = v.pipe(
  text,
  v.check(
    (value) => /^https?:\/\//.test(value) && URL.canParse(value),
    "must begin with 'http://' or 'https://'",
  ),
)

const source = v.pipe(
  v.strictObject({
    name: v.pipe(text, v.regex(/^[\w.-]{1,64}$/, "must be letters, digits, '.', '_' and '-'")),
    file: v.optional(text),
    url: v.optional(url),
    format: v.optional(v.picklist(listFormats), 'plain'),
    column: v.optional(v.union([whole(1, 1000), text], 'must be a number from 1, or a name')),
    delimiter: v.optional(v.pipe(text, v.length(1, 'must be one character')), ','),
    pointer: v.optional(v.pipe(text, v.startsWith('/', "must begin with '/'"))),
    weight: v.optional(whole(1, 100), 100),
    category: v.optional(v.pipe(text, v.regex(/^[^,]+$/, 'must have no comma')), undefined),
    allow: v.optional(v.boolean(), false),
    strict: v.optional(v.boolean()),
    refresh: v.optional(duration, '1h'),
    jitter: v.optional(percent, '10%'),
    timeout: v.optional(duration, '10s'),
    max_bytes: v.optional(size, '64MiB'),
    max_entries: v.optional(whole(1, 50_000_000), 2_000_000),
    min_entries: v.optional(whole(0), 0),
    max_shrink: v.optional(percent, '50%'),
    sha256: v.optional(v.pipe(text, v.regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hexadecimal digits'))),
    headers: v.optional(v.record(v.string(), v.string()), {}),
  }),
  v.check(
    ({ file, url }) => (file === undefined) !== (url === undefined),
    "must have 'file' or 'url', and not both",
  ),
  v.check(
    ({ format, pointer }) => format !== 'json' || pointer !== undefined,
    "with format 'json' must have 'pointer'",
  ),
)

/** One list. */
export type ListConfig = v.InferOutput<typeof source>

/** Checks the entry of the agent. */
export const reputationSchema = v.strictObject({
  sources: v.pipe(
    v.array(source),
    v.nonEmpty('must have at least one list'),
    noDoubles(({ name }: ListConfig) => name),
  ),
  allow: v.optional(v.array(range), []),
  trusted_proxies: v.optional(v.array(range), []),
  cache_dir: v.optional(text),
  state_max_age: v.optional(age, '7d'),
  default_action: v.optional(v.picklist(['allow', 'log', 'challenge', 'deny']), 'allow'),
  thresholds: v.optional(
    v.pipe(
      v.strictObject({
        log: v.optional(whole(1, 100), 1),
        challenge: v.optional(whole(1, 101), 50),
        deny: v.optional(whole(1, 101), 80),
      }),
      v.check(
        ({ log, challenge, deny }) => log <= challenge && challenge <= deny,
        'must rise: log, challenge, deny',
      ),
    ),
    {},
  ),
})

/** What it makes. */
export type ReputationConfig = v.InferOutput<typeof reputationSchema>
