/**
 * Addresses between text and bytes with the manners of the functions that HAProxy uses: casts of strings accept an
 * IPv4 address followed by anything (`192.0.2.1:80`), and text is what inet_ntop writes.
 */
import { formatIp, parseIp } from '../net/ip.ts'

/**
 * The IPv4 address that `text` starts with, and its length; undefined when there is none. Leading zeros are accepted
 * and decimal (`buf2ip` in src/tools.c).
 */
export function readIpv4(text: string): { bytes: Uint8Array; length: number } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)/.exec(text)
  if (match === null || text[match[0].length] === '.') return undefined
  const bytes = new Uint8Array(4)
  for (let at = 0; at < 4; at++) {
    const octet = Number(match[at + 1])
    if (octet > 255) return undefined
    bytes[at] = octet
  }
  return { bytes, length: match[0].length }
}

/** The 16 bytes of an IPv6 address, or undefined. */
export function parseIpv6(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIp(text) : undefined
}

/** The 4 or 16 bytes of what a string is cast to when an address is wanted, or undefined. */
export function readAddress(text: string): Uint8Array | undefined {
  return readIpv4(text)?.bytes ?? parseIpv6(text)
}

/** As inet_ntop: RFC 5952, and the old form `::192.0.2.1` for addresses that only have their last 32 bits. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 16 && (bytes[12] !== 0 || bytes[13] !== 0) && firstZeros(bytes, 12))
    return `::${bytes.subarray(12).join('.')}`
  return formatIp(bytes)
}

/** Whether the first `count` bytes are 0. */
export function firstZeros(bytes: Uint8Array, count: number): boolean {
  for (let at = 0; at < count; at++) if (bytes[at] !== 0) return false
  return true
}

/** `::ffff:` in front of an IPv4 address. */
export function mapToIpv6(v4: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes[10] = 0xff
  bytes[11] = 0xff
  bytes.set(v4, 12)
  return bytes
}

/** The IPv4 address in `::ffff:a.b.c.d`, or undefined. */
export function unmapIpv6(v6: Uint8Array): Uint8Array | undefined {
  return firstZeros(v6, 10) && v6[10] === 0xff && v6[11] === 0xff ? v6.subarray(12) : undefined
}

/** A netmask of `size` bytes from a number of bits or from an address in text, or undefined. */
export function parseMask(text: string, size: 4 | 16): Uint8Array | undefined {
  if (text.includes(size === 4 ? '.' : ':')) {
    const bytes = parseIp(text)
    return bytes?.length === size ? bytes : undefined
  }
  if (!/^\d{1,3}$/.test(text) || Number(text) > size * 8) return undefined
  const mask = new Uint8Array(size)
  for (let bit = 0; bit < Number(text); bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return mask
}
