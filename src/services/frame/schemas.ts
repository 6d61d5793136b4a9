/** Kinds of values that configurations of ready agents have in common: durations, sizes, addresses, ranges. */
import * as v from 'valibot'
import { longestTimer } from '../../base/clock.ts'
import { parseEndpoint } from '../../net/endpoint.ts'
import { toStatusEndpoint } from '../../status/address.ts'
import { parseCidr } from '../../net/cidr-map.ts'

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const bytes: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

const timeRule = "must be a time with its unit, such as '10s' (ms, s, m, h or d)"

function time(most: number, rule: string) {
  return v.pipe(
    v.string(rule),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(dataset.value)
      const value = Number(match?.[1]) * (milliseconds[match?.[2] ?? ''] ?? NaN)
      if (value <= most) return value
      addIssue({ message: rule })
      return NEVER
    }),
  )
}

/** `250ms`, `10s`, `5m`, `1h`, `7d`: milliseconds that a timer can wait for. */
export const duration = time(longestTimer, `${timeRule}, of 24 days at most`)

/** The same for ages, up to ten years. */
export const age = time(10 * 365 * 86_400_000, timeRule)

/** `65536`, `64KiB`, `64MiB`: bytes. */
export const size = v.pipe(
  v.union([v.number(), v.string()], "must be a size, such as '64MiB'"),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const match = /^(\d+)(|KiB|MiB|GiB)$/.exec(String(dataset.value))
    const value = Number(match?.[1]) * (bytes[match?.[2] ?? ''] ?? NaN)
    if (Number.isSafeInteger(value)) return value
    addIssue({ message: "must be a size, such as 65536 or '64MiB' (KiB, MiB or GiB)" })
    return NEVER
  }),
)

/** `50%`: a share from 0 to 1. */
export const percent = v.pipe(
  v.string("must be a share, such as '50%'"),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const match = /^(\d{1,3}(?:\.\d+)?)%$/.exec(dataset.value)
    const value = Number(match?.[1]) / 100
    if (value >= 0 && value <= 1) return value
    addIssue({ message: "must be a share from '0%' to '100%'" })
    return NEVER
  }),
)

/** A whole number within bounds. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER) {
  const rule =
    most === Number.MAX_SAFE_INTEGER
      ? `must be a whole number from ${least}`
      : `must be a whole number from ${least} to ${most}`
  return v.pipe(
    v.number(rule),
    v.check((value) => Number.isSafeInteger(value) && value >= least && value <= most, rule),
  )
}

/** A text that is not empty. */
export const text = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'))

/** An address to listen on, as `agent.listen` takes it. */
export const address = v.pipe(
  v.string("must be an address, such as '127.0.0.1:12345'"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    try {
      parseEndpoint(dataset.value)
    } catch (error) {
      addIssue({ message: (error as Error).message })
    }
  }),
)

/** An address of a status port: a port alone is one of loopback. */
export const statusAddress = v.pipe(
  v.union([v.number(), v.string()], "must be an address or a port, such as '127.0.0.1:9100'"),
  v.transform(String),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    try {
      toStatusEndpoint(dataset.value)
    } catch (error) {
      addIssue({ message: (error as Error).message })
    }
  }),
)

/** An address or a range of them, `192.0.2.0/24`. */
export const range = v.pipe(
  v.string('must be an address or a CIDR range'),
  v.check(
    (value) => parseCidr(value) !== undefined,
    'must be an address or a CIDR range, such as 192.0.2.0/24',
  ),
)

/** One of a kind, or a list of them: always a list. */
export function oneOrMore<const Item extends v.GenericSchema<unknown, unknown>>(item: Item) {
  return v.pipe(
    v.custom<unknown>(() => true),
    v.transform((given) => (Array.isArray(given) ? given : [given])),
    v.array(item),
  )
}

/** Refuses a list in which one thing stands twice. */
export function noDoubles<Item>(nameOf: (item: Item) => string) {
  return v.rawCheck<Item[]>(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const seen = new Set<string>()
    for (const each of dataset.value) {
      if (seen.has(nameOf(each))) addIssue({ message: `has '${nameOf(each)}' twice` })
      seen.add(nameOf(each))
    }
  })
}
