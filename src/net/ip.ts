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

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0] ?? '')
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '') : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  // The embedded IPv4 form is allowed only at the end.
  if (halves.length === 2 && (halves[0] ?? '').includes('.')) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail]
  const bytes = new Uint8Array(16)
  groups.forEach((group, index) => {
    bytes[index * 2] = group >> 8
    bytes[index * 2 + 1] = group & 255
  })
  return bytes
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = index === parts.length - 1 ? parseIpv4(part) : undefined
      if (v4 === undefined) return undefined
      groups.push(((v4[0] ?? 0) << 8) | (v4[1] ?? 0), ((v4[2] ?? 0) << 8) | (v4[3] ?? 0))
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
    } else {
      return undefined
    }
  }
  return groups
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
