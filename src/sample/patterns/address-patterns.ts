import { CidrMap } from '../../net/cidr-map.ts'
import { parseIp } from '../../net/ip.ts'
import { firstZeros, mapToIpv6, parseIpv6, parseMask } from '../address.ts'
import { addressNumber } from '../cast.ts'
import type { SampleValue } from '../value.ts'
import type { PatternSet } from './pattern-set.ts'

/** Addresses and networks: the method `ip` (configuration.txt 7.1.6). The longest network that holds the address counts. */
export class AddressPatterns<Value> implements PatternSet<Value> {
  readonly #networks = new CidrMap<Value>()
  /** Masks with holes, which HAProxy accepts. */
  readonly #odd: { readonly address: number; readonly mask: number; readonly value: Value }[] = []

  add(pattern: string, value: Value): string | undefined {
    const slash = pattern.lastIndexOf('/')
    const text = slash < 0 ? pattern : pattern.slice(0, slash)
    const suffix = slash < 0 ? undefined : pattern.slice(slash + 1)
    const added = text.includes(':') ? this.#addIpv6(text, suffix, value) : this.#addIpv4(text, suffix, value)
    if (added) return undefined
    const named = /[A-Za-z]/.test(text) && !text.includes(':')
    return `'${pattern}' is not a valid IPv4 or IPv6 address${named ? ' (names are not resolved)' : ''}`
  }

  find(sample: SampleValue): Value | undefined {
    if (sample.type !== 'ipv4' && sample.type !== 'ipv6') return undefined
    const direct = this.#networks.get(sample.value)
    if (direct !== undefined) return direct
    if (sample.type === 'ipv4') {
      const mapped = this.#networks.get(mapToIpv6(sample.value))
      return mapped ?? this.#findOdd(sample.value)
    }
    const v4 = ipv4Within(sample.value)
    if (v4 === undefined) return undefined
    const found = this.#networks.get(v4)
    return found ?? this.#findOdd(v4)
  }

  #findOdd(v4: Uint8Array): Value | undefined {
    if (this.#odd.length === 0) return undefined
    const number = addressNumber(v4)
    return this.#odd.find(({ address, mask }) => ((number ^ address) & mask) === 0)?.value
  }

  #addIpv4(text: string, suffix: string | undefined, value: Value): boolean {
    const bytes = parseIp(text) ?? parseIpv4Pattern(text)
    const mask = suffix === undefined ? 0xffff_ffff : maskOf(suffix)
    if (bytes === undefined || mask === undefined) return false
    // A mask without holes has nothing but ones, from the left.
    const bits = Math.clz32(~mask)
    if (bits === 32 || (~mask >>> 0) + 1 === 2 ** (32 - bits)) this.#setOnce(bytes, bits, value)
    else this.#odd.push({ address: addressNumber(bytes), mask, value })
    return true
  }

  #addIpv6(text: string, suffix: string | undefined, value: Value): boolean {
    const bytes = parseIpv6(text)
    const bits = suffix === undefined ? 128 : /^\d{1,3}$/.test(suffix) ? Number(suffix) : 129
    if (bytes === undefined || bits > 128) return false
    this.#setOnce(bytes, bits, value)
    return true
  }

  #setOnce(bytes: Uint8Array, bits: number, value: Value): void {
    this.#networks.set({ bytes, bits }, value)
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
