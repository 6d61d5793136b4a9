/**
 * Casts between sample types (`sample_casts` in src/sample.c): which exist is checked when an expression is compiled,
 * and each may still fail on a value (a string that is no address).
 */
import { Buffer } from 'node:buffer'
import { formatAddress, mapToIpv6, parseIpv6, readAddress, readIpv4, unmapIpv6 } from './address.ts'
import { readInteger } from './int64.ts'
import type { Integer, SampleType, SampleValue } from './value.ts'
import { addr, bin, integerOf, meth, sint, str, textOf } from './value.ts'

/** A cast: undefined when the value cannot be expressed in the type. */
export type Cast = (value: SampleValue) => SampleValue | undefined

const everything = ['any', 'bool', 'sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin', 'meth'] as const

const allowed: Readonly<Record<SampleType, readonly SampleType[]>> = {
  any: everything,
  bool: ['any', 'bool', 'sint', 'str', 'bin'],
  sint: ['any', 'bool', 'sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin'],
  addr: ['any'],
  ipv4: ['any', 'sint', 'addr', 'ipv4', 'ipv6', 'str', 'bin'],
  ipv6: ['any', 'addr', 'ipv4', 'ipv6', 'str', 'bin'],
  str: everything,
  bin: ['any', 'str', 'bin', 'meth'],
  meth: ['any', 'str', 'bin', 'meth'],
}

/** Whether values declared as `from` can be cast to `to`. */
export function canCast(from: SampleType, to: SampleType): boolean {
  return allowed[from].includes(to)
}

/** The cast to a type. */
export function castTo(type: SampleType): Cast {
  return casts[type]
}

/** `value` as an integer; undefined when it has none. */
export function toSint(value: SampleValue): SampleValue | undefined {
  switch (value.type) {
    case 'sint':
      return value
    case 'bool':
      return sint(integerOf(value))
    case 'ipv4':
      return sint(addressNumber(value.value))
    case 'str':
      // An empty string has no integer, other text without digits is 0.
      return value.value === '' ? undefined : sint(readInteger(value.value))
    default:
      return undefined
  }
}

/** `value` as text; undefined when it has none. */
export function toStr(value: SampleValue): SampleValue | undefined {
  switch (value.type) {
    case 'str':
      return value
    case 'bool':
      return str(integerOf(value).toString())
    case 'sint':
      return str(value.value.toString())
    case 'ipv4':
    case 'ipv6':
      return str(formatAddress(value.value))
    case 'meth':
      return str(value.value)
    case 'bin': {
      // A NUL ends it, as everywhere a C string is wanted.
      const end = value.value.indexOf(0)
      return str(value.value.toString('latin1', 0, end < 0 ? value.value.length : end))
    }
  }
}

function toBool(value: SampleValue): SampleValue | undefined {
  return value.type === 'bool' ? value : toSint(value)
}

function toAddr(value: SampleValue): SampleValue | undefined {
  switch (value.type) {
    case 'ipv4':
    case 'ipv6':
      return value
    case 'sint':
      return addr(numberAddress(value.value))
    case 'str': {
      const bytes = readAddress(value.value)
      return bytes === undefined ? undefined : addr(bytes)
    }
    default:
      return undefined
  }
}

function toIpv4(value: SampleValue): SampleValue | undefined {
  switch (value.type) {
    case 'ipv4':
      return value
    case 'ipv6': {
      const bytes = unmapIpv6(value.value)
      return bytes === undefined ? undefined : addr(bytes)
    }
    case 'sint':
      return addr(numberAddress(value.value))
    case 'str': {
      const read = readIpv4(value.value)
      return read === undefined ? undefined : addr(read.bytes)
    }
    default:
      return undefined
  }
}

function toIpv6(value: SampleValue): SampleValue | undefined {
  if (value.type === 'ipv6') return value
  if (value.type === 'str') {
    const bytes = parseIpv6(value.value)
    return bytes === undefined ? undefined : addr(bytes)
  }
  const v4 = value.type === 'bool' ? undefined : toIpv4(value)
  return v4?.type === 'ipv4' ? addr(mapToIpv6(v4.value)) : undefined
}

/** Strings stay strings: what reads binary takes either, and the type over SPOP remains a string. */
function toBin(value: SampleValue): SampleValue | undefined {
  switch (value.type) {
    case 'str':
    case 'bin':
      return value
    case 'meth':
      return str(value.value)
    case 'ipv4':
    case 'ipv6':
      return bin(Buffer.from(value.value))
    default: {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(integerOf(value)))
      return bin(bytes)
    }
  }
}

function toMeth(value: SampleValue): SampleValue | undefined {
  return value.type === 'meth'
    ? value
    : value.type === 'str' || value.type === 'bin'
      ? meth(textOf(value))
      : undefined
}

const casts: Readonly<Record<SampleType, Cast>> = {
  any: (value) => value,
  bool: toBool,
  sint: toSint,
  addr: toAddr,
  ipv4: toIpv4,
  ipv6: toIpv6,
  str: toStr,
  bin: toBin,
  meth: toMeth,
}

/** An IPv4 address as the unsigned number that it is in network order. */
export function addressNumber(v4: Uint8Array): number {
  return (((v4[0] ?? 0) << 24) | ((v4[1] ?? 0) << 16) | ((v4[2] ?? 0) << 8) | (v4[3] ?? 0)) >>> 0
}

function numberAddress(value: Integer): Uint8Array {
  const low = Number(BigInt.asUintN(32, BigInt(value)))
  return Uint8Array.of(low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255)
}
