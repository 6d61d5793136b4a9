/**
 * The typed values that fetches return and converters transform (configuration.txt 7.1 and 7.3).
 *
 * Text is latin1: one character for each byte, so headers keep their bytes exactly. `bin` differs from `str` only in
 * what it may be cast to, and in its wire type over SPOP.
 */
import { Buffer } from 'node:buffer'

/** A signed 64-bit integer: `number` when safe, else `bigint`. */
export type Integer = number | bigint

/** One sample. */
export type SampleValue =
  /** `number` is what it is as an integer, where that is neither 0 nor 1: a code of `option set-on-error` is such a boolean. */
  | { readonly type: 'bool'; readonly value: boolean; readonly number?: Integer }
  | { readonly type: 'sint'; readonly value: Integer }
  | { readonly type: 'ipv4'; readonly value: Uint8Array }
  | { readonly type: 'ipv6'; readonly value: Uint8Array }
  | { readonly type: 'str'; readonly value: string }
  | { readonly type: 'bin'; readonly value: Buffer }
  | { readonly type: 'meth'; readonly value: string }

/**
 * The types as the registries declare them: those of values, `addr` (IPv4 or IPv6) and `any` (known only at run
 * time, as for variables).
 */
export type SampleType = SampleValue['type'] | 'addr' | 'any'

const yes: SampleValue = { type: 'bool', value: true }
const no: SampleValue = { type: 'bool', value: false }

/** A boolean sample; never allocates. */
export function bool(value: boolean): SampleValue {
  return value ? yes : no
}

/** An integer sample. `value` must be within 64 bits, and a `number` only when safe. */
export function sint(value: Integer): SampleValue {
  return { type: 'sint', value }
}

/** A string sample, latin1. */
export function str(value: string): SampleValue {
  return { type: 'str', value }
}

/** A binary sample. */
export function bin(value: Buffer): SampleValue {
  return { type: 'bin', value }
}

/** An address sample of 4 or 16 bytes. */
export function addr(value: Uint8Array): SampleValue {
  return value.length === 4 ? { type: 'ipv4', value } : { type: 'ipv6', value }
}

/** A method sample. */
export function meth(value: string): SampleValue {
  return { type: 'meth', value }
}

/** The latin1 text of a `str`, `bin` or `meth`; empty for other types, which casts rule out before. */
export function textOf(value: SampleValue): string {
  switch (value.type) {
    case 'str':
    case 'meth':
      return value.value
    case 'bin':
      return value.value.toString('latin1')
    default:
      return ''
  }
}

/** The bytes of a `str`, `bin` or `meth`. */
export function bytesOf(value: SampleValue): Buffer {
  return value.type === 'bin' ? value.value : Buffer.from(textOf(value), 'latin1')
}

/** The integer of a `sint` or `bool`; 0 for other types, which casts rule out before. */
export function integerOf(value: SampleValue): Integer {
  if (value.type === 'sint') return value.value
  if (value.type !== 'bool') return 0
  return value.number ?? (value.value ? 1 : 0)
}

/** Whether a `bool` is true or a `sint` is not 0. */
export function truthOf(value: SampleValue): boolean {
  if (value.type === 'bool') return value.value
  return value.type === 'sint' && value.value !== 0 && value.value !== 0n
}
