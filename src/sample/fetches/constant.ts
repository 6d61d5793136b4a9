/** Fetches that need no stream: constants, the environment, dates and random values (configuration.txt 7.3.2). */
import { Buffer } from 'node:buffer'
import type { Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { parseHex } from '../hex.ts'
import { add } from '../int64.ts'
import type { Stream } from '../stream.ts'
import type { Integer, SampleValue } from '../value.ts'
import { addr, bin, bool, meth, sint, str } from '../value.ts'
import type { Fetch, FetchSpec } from './spec.ts'
import { always, plain } from './spec.ts'

function constant(value: SampleValue): Fetch {
  return { one: () => value, constant: true }
}

function buildBool(args: Arguments): Fetch | undefined {
  const written = (args.text(0) ?? '').toLowerCase()
  if (written === 'true' || written === '1') return constant(bool(true))
  if (written === 'false' || written === '0') return constant(bool(false))
  return args.wrong(0, `bool() takes true, false, 1 or 0, not '${args.text(0) ?? ''}'`)
}

function buildBin(args: Arguments): Fetch | undefined {
  const bytes = parseHex(args.text(0) ?? '')
  return bytes === undefined
    ? args.wrong(0, `bin() takes an even number of hex digits, not '${args.text(0) ?? ''}'`)
    : constant(bin(bytes))
}

function buildMeth(args: Arguments): Fetch | undefined {
  const name = args.text(0) ?? ''
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/.test(name)
    ? constant(meth(name))
    : args.wrong(0, `meth() takes a method, not '${name}'`)
}

function buildAddress(args: Arguments): Fetch | undefined {
  const bytes = args.bytes(0)
  return bytes === undefined ? undefined : constant(addr(bytes))
}

function buildEnvironment(args: Arguments, context: BuildContext): Fetch {
  const value = context.environment.get(args.text(0) ?? '')
  const sample = value === undefined ? undefined : str(Buffer.from(value).toString('latin1'))
  return { one: () => sample }
}

/** The divisors of wall-clock milliseconds for the units of `date` and `http_date`. */
export type DateUnit = 's' | 'ms' | 'us'

/** The unit in a `unit` argument: `s` when it is left out, undefined after a complaint. */
export function readUnit(args: Arguments, at: number): DateUnit | undefined {
  const unit = args.text(at) ?? 's'
  return unit === 's' || unit === 'ms' || unit === 'us'
    ? unit
    : args.wrong(at, `'${unit}' is not a unit of time; s, ms and us are`)
}

function dateIn(unit: DateUnit, now: number): number {
  if (unit === 's') return Math.floor(now / 1000)
  return Math.floor(unit === 'ms' ? now : now * 1000)
}

function buildDate(args: Arguments): Fetch | undefined {
  const unit = readUnit(args, 1)
  if (unit === undefined) return undefined
  const offset: Integer = args.integer(0) ?? 0
  return { one: (stream) => sint(add(dateIn(unit, stream.now), offset)), mayChange: always }
}

function buildRandom(args: Arguments): Fetch {
  const range = args.integer(0)
  if (range === undefined) return { one: (stream) => sint(stream.random()), mayChange: always }
  const wide = BigInt(range)
  return { one: (stream) => sint(Number((BigInt(stream.random()) * wide) >> 32n)), mayChange: always }
}

/** A version 4 UUID from four random words. */
function uuid(stream: Stream): SampleValue {
  const bytes = Buffer.allocUnsafe(16)
  for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(stream.random() >>> 0, at)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return str(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
  )
}

function buildUuid(args: Arguments): Fetch | undefined {
  const version = args.integer(0) ?? 4
  return version === 4
    ? { one: uuid, mayChange: always }
    : args.wrong(0, `uuid(${version}): only version 4 can be made`)
}

/** The registry entries of this file. */
export const constantFetches: readonly FetchSpec[] = [
  plain('always_true', 'bool', 'constant', 'True.', () => bool(true)),
  plain('always_false', 'bool', 'constant', 'False.', () => bool(false)),
  {
    name: 'bool',
    args: [{ name: 'bool', type: 'str' }],
    type: 'bool',
    needs: ['constant'],
    doc: 'The boolean written as true, false, 1 or 0.',
    build: buildBool,
  },
  {
    name: 'int',
    args: [{ name: 'integer', type: 'sint' }],
    type: 'sint',
    needs: ['constant'],
    doc: 'The integer.',
    build: (args) => constant(sint(args.integer(0) ?? 0)),
  },
  {
    name: 'str',
    args: [{ name: 'string', type: 'str' }],
    type: 'str',
    needs: ['constant'],
    doc: 'The string.',
    build: (args) => constant(str(args.text(0) ?? '')),
  },
  {
    name: 'bin',
    args: [{ name: 'hex', type: 'str' }],
    type: 'bin',
    needs: ['constant'],
    doc: 'The bytes of the hex digits.',
    build: buildBin,
  },
  {
    name: 'ipv4',
    args: [{ name: 'ipv4', type: 'ipv4' }],
    type: 'ipv4',
    needs: ['constant'],
    doc: 'The IPv4 address.',
    build: buildAddress,
  },
  {
    name: 'ipv6',
    args: [{ name: 'ipv6', type: 'ipv6' }],
    type: 'ipv6',
    needs: ['constant'],
    doc: 'The IPv6 address.',
    build: buildAddress,
  },
  {
    name: 'meth',
    args: [{ name: 'method', type: 'str' }],
    type: 'meth',
    needs: ['constant'],
    doc: 'The method.',
    build: buildMeth,
  },
  {
    name: 'env',
    args: [{ name: 'name', type: 'str' }],
    type: 'str',
    needs: ['constant'],
    doc: 'An environment variable, as it was when the configuration was read; none when it is not set.',
    build: buildEnvironment,
  },
  {
    name: 'hostname',
    args: [],
    type: 'str',
    needs: ['constant'],
    doc: 'The name of this machine.',
    build: (_args, context) => constant(str(context.hostname)),
  },
  {
    name: 'date',
    args: [
      { name: 'offset', type: 'sint', optional: true },
      { name: 'unit', type: 'str', optional: true },
    ],
    type: 'sint',
    needs: ['constant'],
    doc: 'Seconds (unit s, the default), milliseconds (ms) or microseconds (us) since 1970, plus the offset.',
    build: buildDate,
  },
  plain('date_us', 'sint', 'constant', 'The microseconds within the current second.', {
    one: (stream) => sint(Math.floor((stream.now % 1000) * 1000)),
    mayChange: always,
  }),
  {
    name: 'rand',
    args: [{ name: 'range', type: 'sint', optional: true }],
    type: 'sint',
    needs: ['constant'],
    doc: 'A random integer from 0 to range - 1, or of 32 bits.',
    build: buildRandom,
  },
  {
    name: 'uuid',
    args: [{ name: 'version', type: 'sint', optional: true }],
    type: 'str',
    needs: ['constant'],
    doc: 'A random UUID; 4 is the only version.',
    build: buildUuid,
  },
]
