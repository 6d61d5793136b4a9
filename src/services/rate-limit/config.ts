/** The configuration of rate-limit. */
import * as v from 'valibot'
import { duration, noDoubles, range, text, whole } from '../frame/schemas.ts'

/** What a key may be made of: arguments of the message. */
const keyParts = ['src', 'host', 'path', 'method', 'token', 'key'] as const

const template = v.pipe(
  text,
  v.check(
    (value) =>
      partsOf(value).every((part) => keyParts.some((known) => known === part)) &&
      !/[{}]/.test(value.replace(/\{\w+\}/g, '')),
    `may have ${keyParts.map((part) => `{${part}}`).join(', ')}, and no other braces`,
  ),
  v.check(
    (value) => partsOf(value).length > 0,
    'must have a part in braces, such as {src}: all requests would share one limit',
  ),
)

/** The names in the braces of a template. */
export function partsOf(value: string): string[] {
  return [...value.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

const policy = v.pipe(
  v.strictObject({
    name: v.pipe(text, v.regex(/^[\w.-]{1,64}$/, "must be letters, digits, '.', '_' and '-'")),
    key: v.optional(template, '{src}'),
    limit: whole(1, 1_000_000_000),
    window: duration,
    algorithm: v.optional(v.picklist(['sliding-window', 'gcra']), 'sliding-window'),
    burst: v.optional(whole(1, 1_000_000_000)),
    ipv4_prefix: v.optional(whole(1, 32), 32),
    ipv6_prefix: v.optional(whole(1, 128), 64),
    dry_run: v.optional(v.boolean(), false),
    exempt: v.optional(v.array(range), []),
  }),
  v.check(
    ({ algorithm, burst }) => burst === undefined || algorithm === 'gcra',
    "has 'burst', which is for algorithm 'gcra'",
  ),
)

/** One policy. */
export type PolicyConfig = v.InferOutput<typeof policy>

const node = v.pipe(
  v.string("must be 'host:port'"),
  v.regex(/^(?:\[[^\]]+\]|[^:[\]]+):\d{1,5}$/, "must be 'host:port' or '[v6]:port'"),
)
const nodes = v.pipe(v.array(node), v.nonEmpty('must have at least one address'))

const store = v.pipe(
  v.strictObject({
    url: v.optional(
      v.pipe(
        text,
        v.check(
          (value) => /^rediss?:\/\//.test(value) && URL.canParse(value),
          "must begin with 'redis://' or 'rediss://'",
        ),
      ),
    ),
    sentinels: v.optional(nodes),
    master: v.optional(text),
    cluster: v.optional(nodes),
    username: v.optional(text),
    password: v.optional(text),
    sentinel_password: v.optional(text),
    db: v.optional(whole(0, 1000)),
    tls: v.optional(
      v.union([
        v.boolean(),
        v.strictObject({
          ca: v.optional(text),
          cert: v.optional(text),
          key: v.optional(text),
          server_name: v.optional(text),
        }),
      ]),
      false,
    ),
    prefix: v.optional(text, 'sluice:'),
    timeout: v.optional(duration, '20ms'),
  }),
  v.check(
    ({ url, sentinels, cluster }) =>
      [url, sentinels, cluster].filter((each) => each !== undefined).length === 1,
    "must have one of 'url', 'sentinels' and 'cluster'",
  ),
  v.check(
    ({ sentinels, master }) => (sentinels === undefined) === (master === undefined),
    "must have 'master' with 'sentinels', and only with them",
  ),
  v.check(
    ({ cluster, db }) => cluster === undefined || db === undefined,
    "has 'db', and a cluster has only one",
  ),
)

/** A shared store. */
export type StoreConfig = v.InferOutput<typeof store>

/** Checks the entry of the agent. */
export const rateLimitSchema = v.strictObject({
  policies: v.pipe(
    v.array(policy),
    v.nonEmpty('must have at least one policy'),
    noDoubles(({ name }: PolicyConfig) => name),
  ),
  store: v.optional(store),
  fallback: v.optional(v.picklist(['local', 'open', 'closed']), 'local'),
  replicas: v.optional(whole(1, 10_000), 1),
  local_cache: v.optional(whole(0, 10_000_000), 10_000),
  local_keys: v.optional(whole(1, 10_000_000), 100_000),
  trusted_proxies: v.optional(v.array(range), []),
})

/** What it makes. */
export type RateLimitConfig = v.InferOutput<typeof rateLimitSchema>
