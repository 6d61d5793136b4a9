import { UsageError } from '../base/errors.ts'
import { IpAddress } from './ip-address.ts'
import { parseIp, wordAt } from './ip.ts'
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

/** IPv4 ranges: a table per prefix length, keyed by the masked address as a number. */
class Ipv4Ranges<Value> {
  readonly #tables = new Map<number, Map<number, Value>>()
  #byLength: readonly { readonly mask: number; readonly table: Map<number, Value> }[] = []

  set(address: number, bits: number, value: Value): void {
    const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0
    let table = this.#tables.get(mask)
    if (table === undefined) {
      table = new Map()
      this.#tables.set(mask, table)
      // The longest prefix has the largest mask.
      const entries = [...this.#tables].sort(([a], [b]) => b - a)
      this.#byLength = entries.map(([mask, table]) => ({ mask, table }))
    }
    table.set((address & mask) >>> 0, value)
  }

  get(address: number): Value | undefined {
    for (const { mask, table } of this.#byLength) {
      const value = table.get((address & mask) >>> 0)
      if (value !== undefined) return value
    }
    return undefined
  }
}

/** IPv6 ranges likewise, keyed by the masked bytes as a string. */
class Ipv6Ranges<Value> {
  readonly #byLength = new Map<number, Map<string, Value>>()
  #lengths: readonly number[] = []

  set(bytes: Uint8Array, bits: number, value: Value): void {
    let table = this.#byLength.get(bits)
    if (table === undefined) {
      table = new Map()
      this.#byLength.set(bits, table)
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a)
    }
    table.set(prefixKey(bytes, bits), value)
  }

  get(bytes: Uint8Array): Value | undefined {
    for (const bits of this.#lengths) {
      const value = this.#byLength.get(bits)?.get(prefixKey(bytes, bits))
      if (value !== undefined) return value
    }
    return undefined
  }
}

/** The first `bits` bits, as a string usable as a key. */
function prefixKey(bytes: Uint8Array, bits: number): string {
  let key = ''
  const whole = bits >> 3
  for (let at = 0; at < whole; at++) key += String.fromCharCode(bytes[at] ?? 0)
  const rest = bits & 7
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) & (0xff00 >> rest))
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
  readonly #v4 = new Ipv4Ranges<Value>()
  readonly #v6 = new Ipv6Ranges<Value>()
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
    if (cidr.bytes.length === 4) this.#v4.set(wordAt(cidr.bytes, 0), cidr.bits, value)
    else this.#v6.set(cidr.bytes, cidr.bits, value)
    this.#size++
    return this
  }

  /** The value of the longest range that holds the address (text, its 4 or 16 bytes, or an IpAddress). */
  get(address: string | Uint8Array | IpAddress): Value | undefined {
    if (address instanceof IpAddress) {
      return address.family === 4 ? this.#v4.get(address.v4) : this.#getBytes(address.bytes)
    }
    if (typeof address !== 'string' && !(address instanceof Uint8Array)) {
      refuseArgument('CidrMap: the address', 'must be a string, bytes or an IpAddress', address)
    }
    const bytes = typeof address === 'string' ? parseIp(address) : address
    return bytes === undefined ? undefined : this.#getBytes(bytes)
  }

  #getBytes(bytes: Uint8Array): Value | undefined {
    if (bytes.length === 4) return this.#v4.get(wordAt(bytes, 0))
    // A server that listens on `::` sees IPv4 clients so: a range such as `::/0` must not hide the IPv4 ranges.
    const mapped = isMapped(bytes) ? this.#v4.get(wordAt(bytes, 12)) : undefined
    return mapped ?? this.#v6.get(bytes)
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
