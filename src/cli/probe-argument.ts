/** `--arg name=type:value`: typed arguments as text. */
import { Buffer } from 'node:buffer'
import { errorMessage, UsageError } from '../base/errors.ts'
import { IpAddress } from '../net/ip-address.ts'
import type { Value } from '../spop/typed-data.ts'

type IntegerType = 'int32' | 'uint32' | 'int64' | 'uint64'

const integer =
  (type: IntegerType) =>
  (text: string): Value => {
    if (!/^-?\d{1,20}$/.test(text)) throw new Error(`'${text}' is not a whole number`)
    return { type, value: BigInt(text) }
  }

const readers: ReadonlyMap<string, (text: string) => Value> = new Map<string, (text: string) => Value>([
  ['null', () => null],
  ['bool', boolean],
  ['boolean', boolean],
  ['int', integer('int64')],
  ['int32', integer('int32')],
  ['uint32', integer('uint32')],
  ['int64', integer('int64')],
  ['uint64', integer('uint64')],
  ['ip', (text) => IpAddress.parse(text)],
  ['ipv4', (text) => IpAddress.parse(text)],
  ['ipv6', (text) => IpAddress.parse(text)],
  ['str', (text) => text],
  ['string', (text) => text],
  ['bin', binary],
  ['binary', binary],
])

function boolean(text: string): Value {
  if (text === 'true') return true
  if (text === 'false') return false
  throw new Error(`'${text}' is neither true nor false`)
}

function binary(text: string): Value {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new Error(`'${text}' is not hexadecimal`)
  return Buffer.from(text, 'hex')
}

/** An argument that was split, and not yet read. */
export interface TypedText {
  readonly name: string
  /** `int` is `int64`, and so on: one name for each type. */
  readonly type: string
  /** What stands behind the type. */
  readonly text: string
  /** All of it with its flag, for errors. */
  readonly where: string
  /** Reads such text. @throws Error saying what is wrong with it. */
  readonly read: (text: string) => Value
}

/** One name for what has several. */
const sameTypes: Readonly<Record<string, string>> = {
  boolean: 'bool',
  int: 'int64',
  ipv4: 'ip',
  ipv6: 'ip',
  string: 'str',
  binary: 'bin',
}

/**
 * Splits `name=type:value`: `ip=ip:192.0.2.1`, `=int:5` for an unnamed one.
 * @param flag names it in errors.
 * @throws UsageError `ERR_SLUICE_OPTION` naming what is wrong and which types there are.
 */
export function splitArgument(text: string, flag = '--arg'): TypedText {
  const match = /^([^=]*)=([a-z0-9]+)(?::(.*))?$/s.exec(text)
  const read = readers.get(match?.[2] ?? '')
  if (match === null || read === undefined) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `${flag} ${text}: wanted name=type:value with a type of ${[...readers.keys()].join(', ')}`,
    )
  }
  const [, name = '', type = '', value = ''] = match
  return { name, type: sameTypes[type] ?? type, text: value, where: `${flag} ${text}`, read }
}

/**
 * Reads one argument: `ip=ip:192.0.2.1`, `path=str:/`, `=int:5` for an unnamed one.
 * @throws UsageError `ERR_SLUICE_OPTION` naming what is wrong and which types there are.
 */
export function parseArgument(given: string, flag = '--arg'): readonly [name: string, value: Value] {
  const { name, text, where, read } = splitArgument(given, flag)
  try {
    return [name, read(text)]
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `${where}: ${errorMessage(error)}`, error)
  }
}
