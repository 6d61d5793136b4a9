import type { Buffer } from 'node:buffer'
import { parseIp } from '../../net/ip.ts'
import { Ipv4Ranges } from '../../net/ipv4-ranges.ts'
import { Ipv6Ranges } from '../../net/ipv6-ranges.ts'
import { firstZeros, mapToIpv6, parseIpv6, parseMask } from '../address.ts'
import { addressNumber } from '../cast.ts'
import type { SampleValue } from '../value.ts'
import type { PatternSet } from './pattern-set.ts'

const [dot, slash, zero] = [0x2e, 0x2f, 0x30]

/**
 * Addresses and networks: the method `ip` (configuration.txt 7.1.6). The longest network that holds the address counts, of equal ones
 * the first.
 */
export class AddressPatterns implements PatternSet {
  readonly #v4 = new Ipv4Ranges()
  readonly #v6 = new Ipv6Ranges()
  /** Masks with holes, which HAProxy accepts. */
  readonly #odd: { readonly address: number; readonly mask: number; readonly number: number }[] = []
  #size = 0

  add(bytes: Buffer, start: number, end: number): string | undefined {
    const added = this.#addPlain(bytes, start, end) || this.#addText(bytes.toString('latin1', start, end))
    if (added) {
      this.#size++
      return undefined
    }
    const pattern = bytes.toString('latin1', start, end)
    const named = /^[^/]*[A-Za-z]/.test(pattern) && !pattern.includes(':')
    return `'${pattern}' is not a valid IPv4 or IPv6 address${named ? ' (names are not resolved)' : ''}`
  }

  find(sample: SampleValue): number {
    if (sample.type === 'ipv4') return this.#findIpv4(sample.value, !this.#v6.isEmpty)
    if (sample.type !== 'ipv6') return -1
    const direct = this.#v6.get(sample.value)
    if (direct >= 0) return direct
    const v4 = ipv4Within(sample.value)
    return v4 === undefined ? -1 : this.#findIpv4(v4, false)
  }

  /** Where nothing else does, it may match as `::ffff:a.b.c.d`. */
  #findIpv4(v4: Uint8Array, mayMap: boolean): number {
    const address = addressNumber(v4)
    const direct = this.#v4.get(address)
    if (direct >= 0) return direct
    const mapped = mayMap ? this.#v6.get(mapToIpv6(v4)) : -1
    if (mapped >= 0) return mapped
    return this.#odd.find((each) => ((address ^ each.address) & each.mask) === 0)?.number ?? -1
  }

  /** `a.b.c.d` or `a.b.c.d/n`, as nearly all lines are: no object is made for them. */
  #addPlain(bytes: Uint8Array, start: number, end: number): boolean {
    let address = 0
    let parts = 0
    let part = -1
    for (let at = start; at < end; at++) {
      const code = bytes[at] ?? 0
      const digit = code - zero
      if (digit >= 0 && digit <= 9) {
        // What begins with 0 is read with more care.
        if (part === 0) return false
        part = part < 0 ? digit : part * 10 + digit
        if (part > 255) return false
      } else {
        if (part < 0 || code !== (parts === 3 ? slash : dot) || parts > 3) return false
        address = address * 256 + part
        part = -1
        parts++
      }
    }
    if (part < 0 || parts < 3 || (parts === 4 && (part < 1 || part > 32))) return false
    if (parts === 3) this.#v4.add(address * 256 + part, 32, this.#size)
    else this.#v4.add(address, part, this.#size)
    return true
  }

  #addText(pattern: string): boolean {
    const at = pattern.lastIndexOf('/')
    const text = at < 0 ? pattern : pattern.slice(0, at)
    const suffix = at < 0 ? undefined : pattern.slice(at + 1)
    return text.includes(':') ? this.#addIpv6(text, suffix) : this.#addIpv4(text, suffix)
  }

  #addIpv4(text: string, suffix: string | undefined): boolean {
    const bytes = parseIp(text) ?? parseIpv4Pattern(text)
    const mask = suffix === undefined ? 0xffff_ffff : maskOf(suffix)
    if (bytes === undefined || mask === undefined) return false
    const address = addressNumber(bytes)
    // A mask without holes has nothing but ones, from the left.
    const bits = Math.clz32(~mask)
    if (bits === 32 || (~mask >>> 0) + 1 === 2 ** (32 - bits)) this.#v4.add(address, bits, this.#size)
    else this.#odd.push({ address, mask, number: this.#size })
    return true
  }

  #addIpv6(text: string, suffix: string | undefined): boolean {
    const bytes = parseIpv6(text)
    const bits = suffix === undefined ? 128 : /^\d{1,3}$/.test(suffix) ? Number(suffix) : 129
    if (bytes === undefined || bits > 128) return false
    this.#v6.add(bytes, bits, this.#size)
    return true
  }
}

/** A number of bits, or an address, as a mask. */
function maskOf(suffix: string): number | undefined {
  const bits = suffix.length <= 2 ? Number(suffix) : Number.NaN
  if (bits >= 1 && bits <= 32 && Number.isInteger(bits)) return (-1 << (32 - bits)) >>> 0
  const bytes = parseMask(suffix, 4)
  return bytes === undefined ? undefined : addressNumber(bytes)
}

/**
 * The full form, or an abbreviated one in which the last number fills what is left: 10.12 is 10.0.0.12.
 */
function parseIpv4Pattern(text: string): Uint8Array | undefined {
  if (!/^\d+(?:\.\d+){0,3}$/.test(text)) return undefined
  const numbers = text.split('.').map(Number)
  const last = numbers.pop() ?? 0
  const room = 4 - numbers.length
  if (numbers.some((each) => each > 255) || last >= 256 ** room) return undefined
  const bytes = new Uint8Array(4)
  bytes.set(numbers)
  for (let at = 3, rest = last; at >= numbers.length; at--, rest = Math.floor(rest / 256))
    bytes[at] = rest % 256
  return bytes
}

/** The IPv4 address in `::ffff:a.b.c.d`, `::a.b.c.d` or `2002:aabb:ccdd::`, or undefined. */
function ipv4Within(v6: Uint8Array): Uint8Array | undefined {
  if (v6[0] === 0x20 && v6[1] === 0x02) return v6.subarray(2, 6)
  if (!firstZeros(v6, 8)) return undefined
  const middle = addressNumber(v6.subarray(8, 12))
  return middle === 0 || middle === 0xffff ? v6.subarray(12) : undefined
}
