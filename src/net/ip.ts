/**
 * IP addresses between text and bytes (RFC 4291 section 2.2, RFC 5952), without `node:net`: pure, and fast enough
 * for every NOTIFY.
 */

import { UsageError } from '../base/errors.ts'
import { show } from '../base/options.ts'

/** The 4 or 16 bytes of the address, or undefined when `text` is not an IPv4 or IPv6 address. */
export function parseIp(text: string): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let at = 0
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== 0x2e) return undefined
    const first = at
    let value = 0
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    // A leading zero is refused: some resolvers would read it as octal.
    if (at === first || at - first > 3 || value > 255 || (at - first > 1 && text[first] === '0'))
      return undefined
    bytes[part] = value
  }
  return at === text.length ? bytes : undefined
}

/** Groups of 16 bits, read in place; those behind `::` move to the end. */
function parseIpv6(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16)
  let filled = 0
  let gap = text.startsWith('::') ? 0 : -1
  let at = gap === 0 ? 2 : 0
  while (at < text.length) {
    const first = at
    let group = 0
    for (let digit = hexDigit(text, at); digit >= 0; digit = hexDigit(text, ++at)) group = group * 16 + digit
    // The embedded IPv4 form is allowed only at the end.
    if (text[at] === '.') {
      const v4 = filled <= 12 ? parseIpv4(text.slice(first)) : undefined
      if (v4 === undefined) return undefined
      bytes.set(v4, filled)
      filled += 4
      break
    }
    if (at === first || at - first > 4 || filled > 14) return undefined
    bytes[filled++] = group >> 8
    bytes[filled++] = group & 255
    if (at === text.length) break
    if (text[at] !== ':' || ++at === text.length) return undefined
    if (text[at] !== ':') continue
    if (gap >= 0) return undefined
    gap = filled
    at++
  }
  return spread(bytes, filled, gap)
}

/** Moves what stands behind the gap to the end; without one, all bytes must be there. */
function spread(bytes: Uint8Array, filled: number, gap: number): Uint8Array | undefined {
  if (gap < 0) return filled === 16 ? bytes : undefined
  // The gap is one group, at least.
  if (filled > 14) return undefined
  const end = 16 - (filled - gap)
  bytes.copyWithin(end, gap, filled)
  return bytes.fill(0, gap, end)
}

/** The value of the digit at `at`, or -1. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Four bytes as a big-endian number, signed: `>>> 0` makes it unsigned. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  )
}

/**
 * The text of 4 or 16 address bytes; IPv6 in the short form of RFC 5952.
 * @throws UsageError `ERR_SLUICE_ADDRESS` for anything else.
 */
export function formatIp(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array) || (bytes.length !== 4 && bytes.length !== 16)) {
    throw new UsageError('ERR_SLUICE_ADDRESS', `an address has 4 or 16 bytes, not ${show(bytes)}`)
  }
  return bytes.length === 4 ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` : formatIpv6(bytes)
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (mapped) return `::ffff:${bytes.subarray(12).join('.')}`
  const { start, length } = longestZeroRun(groups)
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  if (length < 2) return hex(groups)
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  })
  return best
}
