import { UsageError } from '../base/errors.ts'
import { IpAddress } from './ip-address.ts'
import { parseIp, wordAt } from './ip.ts'
import { Ipv4Ranges } from './ipv4-ranges.ts'
import { Ipv6Ranges } from './ipv6-ranges.ts'
import { refuseArgument, show } from '../base/options.ts'

/** A parsed range: `bits` leading bits of `bytes` (4 or 16 of them) count. */
export interface Cidr {
  /** The address: 4 bytes, or 16. */
  readonly bytes: Uint8Array
  /** How many of its bits count, from the left. */
  readonly bits: number
}

/** Parses `192.0.2.0/24`, `2001:db8::/32` or a bare address; undefined when it is none of these. */
export function parseCidr(text: string): Cidr | undefined {
  if (typeof text !== 'string') return undefined
  const slash = text.indexOf('/')
  const bytes = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  if (slash < 0) return { bytes, bits: bytes.length * 8 }
  const suffix = text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(suffix)) return undefined
  const bits = Number(suffix)
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined
}

/**
 * Maps address ranges in CIDR form to values; the longest prefix wins. Look-ups cost one hash probe per distinct
 * prefix length in use, whatever the number of ranges. (`net.BlockList` scans all of its rules on Node 20, and
 * carries no value.)
 *
 * IPv4-mapped IPv6 addresses (`::ffff:192.0.2.1`) are looked up as IPv4 first. Values must
 * not be undefined.
 */
export class CidrMap<Value> {
  readonly #v4 = new Ipv4Ranges()
  readonly #v6 = new Ipv6Ranges()
  /** By the numbers of the ranges. */
  readonly #values: Value[] = []
  #size = 0

  /** How many ranges were set. */
  get size(): number {
    return this.#size
  }

  /**
   * Gives `value` to a range. A range set twice has the later value.
   * @throws UsageError `ERR_SLUICE_ADDRESS` when `range` is not a CIDR range or an address, `ERR_SLUICE_OPTION` for a value
   * of undefined.
   */
  set(range: string | Cidr, value: Value): this {
    const cidr = typeof range === 'string' ? parseCidr(range) : range
    if (!isCidr(cidr)) {
      throw new UsageError('ERR_SLUICE_ADDRESS', `${show(range)} is not an address or CIDR range`)
    }
    if (value === undefined) refuseArgument('CidrMap: the value', 'must not be undefined', value)
    const { bytes, bits } = cidr
    const free = this.#values.length
    const number =
      bytes.length === 4 ? this.#v4.add(wordAt(bytes, 0), bits, free) : this.#v6.add(bytes, bits, free)
    this.#values[number] = value
    this.#size++
    return this
  }

  /** The value of the longest range that holds the address (text, its 4 or 16 bytes, or an IpAddress). */
  get(address: string | Uint8Array | IpAddress): Value | undefined {
    if (address instanceof IpAddress) {
      return address.family === 4 ? this.#getV4(address.v4) : this.#getBytes(address.bytes)
    }
    if (typeof address !== 'string' && !(address instanceof Uint8Array)) {
      refuseArgument('CidrMap: the address', 'must be a string, bytes or an IpAddress', address)
    }
    const bytes = typeof address === 'string' ? parseIp(address) : address
    return bytes === undefined ? undefined : this.#getBytes(bytes)
  }

  #getV4(address: number): Value | undefined {
    return this.#values[this.#v4.get(address)]
  }

  #getBytes(bytes: Uint8Array): Value | undefined {
    if (bytes.length === 4) return this.#getV4(wordAt(bytes, 0))
    // A server that listens on `::` sees IPv4 clients so: a range such as `::/0` must not hide the IPv4 ranges.
    const mapped = isMapped(bytes) ? this.#getV4(wordAt(bytes, 12)) : undefined
    return mapped ?? this.#values[this.#v6.get(bytes)]
  }

  /** Whether any range holds the address. */
  has(address: string | Uint8Array | IpAddress): boolean {
    return this.get(address) !== undefined
  }
}

function isCidr(given: Cidr | undefined): given is Cidr {
  if (typeof given !== 'object' || given === null || !(given.bytes instanceof Uint8Array)) return false
  const { length } = given.bytes
  const fits = Number.isInteger(given.bits) && given.bits >= 0 && given.bits <= length * 8
  return (length === 4 || length === 16) && fits
}

function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}
