/**
 * Maps address ranges in CIDR form to values; the longest prefix wins. Look-ups cost one hash probe per distinct
 * prefix length in use, whatever the number of ranges. (`net.BlockList` scans all of its rules on Node 20, and
 * carries no value.)
 */
import { UsageError } from './errors.ts'
import { parseIp } from './ip.ts'

/** A parsed range: `bits` leading bits of `bytes` (4 or 16 of them) count. */
export interface Cidr {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** Parses `192.0.2.0/24`, `2001:db8::/32` or a bare address; undefined when it is none of these. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const bytes = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  if (slash < 0) return { bytes, bits: bytes.length * 8 }
  const suffix = text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(suffix)) return undefined
  const bits = Number(suffix)
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined
}

class Family<Value> {
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
      const table = this.#byLength.get(bits)
      const key = prefixKey(bytes, bits)
      if (table?.has(key)) return table.get(key)
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

/** See the head of this file. IPv4-mapped IPv6 addresses (`::ffff:192.0.2.1`) are looked up as IPv4 first. */
export class CidrMap<Value> {
  readonly #v4 = new Family<Value>()
  readonly #v6 = new Family<Value>()
  #size = 0

  /** How many ranges were set. */
  get size(): number {
    return this.#size
  }

  /**
   * Gives `value` to a range. A range set twice has the later value.
   * @throws UsageError `ERR_SLUICE_ADDRESS` when `range` is not a CIDR range or an address.
   */
  set(range: string | Cidr, value: Value): this {
    const cidr = typeof range === 'string' ? parseCidr(range) : range
    if (cidr === undefined)
      throw new UsageError('ERR_SLUICE_ADDRESS', `'${range as string}' is not an address or CIDR range`)
    const family = cidr.bytes.length === 4 ? this.#v4 : this.#v6
    family.set(cidr.bytes, cidr.bits, value)
    this.#size++
    return this
  }

  /** The value of the longest range that holds the address (text, or its 4 or 16 bytes). */
  get(address: string | Uint8Array): Value | undefined {
    const bytes = typeof address === 'string' ? parseIp(address) : address
    if (bytes === undefined) return undefined
    if (bytes.length === 4) return this.#v4.get(bytes)
    const mapped = isMapped(bytes) ? this.#v4.get(bytes.subarray(12)) : undefined
    return mapped ?? this.#v6.get(bytes)
  }

  /** Whether any range holds the address. */
  has(address: string | Uint8Array): boolean {
    return this.get(address) !== undefined
  }
}

function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}
