/**
 * Arithmetic on signed 64-bit integers as HAProxy's converters do it (configuration.txt 7.3.1): bit operations wrap,
 * `add`, `sub`, `mul`, `div` and `neg` stop at the limits of 64 bits instead of wrapping, a division by zero gives the
 * largest integer, and a modulo by zero gives 0.
 *
 * Values are `number` when safe, else `bigint`; the number paths allocate nothing.
 */
import type { Integer } from './value.ts'

const largest = 0x7fff_ffff_ffff_ffffn
const smallest = -0x8000_0000_0000_0000n

/** A `number` when it is safe, else the `bigint` itself. */
export function normalize(value: bigint): Integer {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

function cap(value: bigint): Integer {
  if (value > largest) return largest
  return value < smallest ? smallest : normalize(value)
}

/** The low 64 bits, read as a signed integer. */
export function wrap(value: bigint): Integer {
  return normalize(BigInt.asIntN(64, value))
}

// -0 would print as 0 but compare with Object.is; adding 0 clears the sign.
const clean = (value: number): number => value + 0

export function add(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return cap(BigInt(a) + BigInt(b))
}

export function subtract(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (Number.isSafeInteger(difference)) return difference
  }
  return cap(BigInt(a) - BigInt(b))
}

export function multiply(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    if (Number.isSafeInteger(product)) return clean(product)
  }
  return cap(BigInt(a) * BigInt(b))
}

export function divide(a: Integer, b: Integer): Integer {
  if (b === 0) return largest
  if (typeof a === 'number' && typeof b === 'number') return clean(Math.trunc(a / b))
  return cap(BigInt(a) / BigInt(b))
}

export function modulo(a: Integer, b: Integer): Integer {
  if (b === 0) return 0
  if (typeof a === 'number' && typeof b === 'number') return clean(a % b)
  return cap(BigInt(a) % BigInt(b))
}

export function negate(a: Integer): Integer {
  return typeof a === 'number' ? clean(-a) : cap(-a)
}

export function bitAnd(a: Integer, b: Integer): Integer {
  return wrap(BigInt(a) & BigInt(b))
}

export function bitOr(a: Integer, b: Integer): Integer {
  return wrap(BigInt(a) | BigInt(b))
}

export function bitXor(a: Integer, b: Integer): Integer {
  return wrap(BigInt(a) ^ BigInt(b))
}

export function complement(a: Integer): Integer {
  // One more than the safe integers have on this side.
  return typeof a === 'number' && a !== Number.MAX_SAFE_INTEGER ? -1 - a : wrap(~BigInt(a))
}

/**
 * Reads the integer that `text` starts with: a sign, then digits; what follows is not looked at, and no digit at all
 * is 0, as when HAProxy casts a string to an integer.
 */
export function readInteger(text: string): Integer {
  const digits = /^[+-]?\d*/.exec(text)?.[0] ?? ''
  const value = Number(digits)
  if (Number.isSafeInteger(value)) return clean(value)
  return /\d/.test(digits) ? cap(BigInt(digits.startsWith('+') ? digits.slice(1) : digits)) : 0
}

/** The integer that the whole of `text` is, or undefined. */
export function parseInteger(text: string): Integer | undefined {
  return /^[+-]?\d+$/.test(text) ? readInteger(text) : undefined
}

/**
 * As {@link readInteger} but within 32 bits, wrapping, as the fetches ending in `_val` do (`strl2ic` in
 * src/tools.c). No plus sign is accepted.
 */
export function readInt32(text: string): number {
  const digits = /^-?\d+/.exec(text)?.[0]
  if (digits === undefined) return 0
  return Number(BigInt.asIntN(32, BigInt(digits)))
}
