/**
 * Ranges of addresses as a finished structure: flat arrays that are searched and never changed, so a new list takes the place
 * of an old one by one assignment, and arrays that a thread has made are taken over without a copy.
 */
import { IpAddress } from '../../net/ip-address.ts'
import { wordAt } from '../../net/ip.ts'

/** Ranges of one family, cut so that none overlaps: each begins where its entry says, and ends where the next one begins. */
export interface FlatRanges {
  /** The first address of each: one word for IPv4, four for IPv6. */
  readonly starts: Uint32Array<ArrayBuffer>
  /** How many leading bits the range has that counts here. */
  readonly bits: Uint8Array<ArrayBuffer>
  /** What is known of it; {@link hole} is nothing. */
  readonly values: Uint8Array<ArrayBuffer>
  /** For many ranges of IPv4: how many begin below each value of an address's first 16 bits. Empty for few. */
  readonly index: Uint32Array<ArrayBuffer>
}

/** No range counts here. */
export const hole = 255

/** What was found. */
export interface RangeMatch {
  readonly value: number
  /** How many leading bits the range has that was listed; {@link formatPrefix} writes it. */
  readonly bits: number
}

/** Ranges of both families. */
export class RangeTable {
  readonly #v4: FlatRanges
  readonly #v6: FlatRanges
  /** Ranges that were listed. */
  readonly entries: number

  constructor(v4: FlatRanges, v6: FlatRanges, entries: number) {
    this.#v4 = v4
    this.#v6 = v6
    this.entries = entries
  }

  /** The longest listed range that holds the address. An IPv4-mapped address must have been made IPv4 before. */
  find(address: IpAddress): RangeMatch | undefined {
    const ranges = address.family === 4 ? this.#v4 : this.#v6
    const at = address.family === 4 ? findV4(ranges, address.v4) : findV6(ranges.starts, address.bytes)
    const value = at < 0 ? hole : ranges.values[at]
    if (value === undefined || value === hole) return undefined
    return { value, bits: ranges.bits[at] ?? 0 }
  }

  /** Bytes of memory that the arrays take. */
  get size(): number {
    return [this.#v4, this.#v6].reduce(
      (sum, { starts, bits, values, index }) =>
        sum + starts.byteLength + bits.byteLength + values.byteLength + index.byteLength,
      0,
    )
  }
}

/** The last of the starts that is not above the address; -1 when all are. */
function findV4({ starts, index }: FlatRanges, address: number): number {
  const head = address >>> 16
  // Without the index the search would miss the processor's cache some twenty times.
  let low = index.length === 0 ? 0 : (index[head] as number) // 16 bits are within bounds
  let high = index.length === 0 ? starts.length : (index[head + 1] as number)
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] as number) <= address) low = middle + 1 // within bounds
    else high = middle
  }
  return low - 1
}

function findV6(starts: Uint32Array, address: Uint8Array): number {
  let low = 0
  let high = starts.length >>> 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isAtMost(starts, middle * 4, address)) low = middle + 1
    else high = middle
  }
  return low - 1
}

function isAtMost(starts: Uint32Array, at: number, address: Uint8Array): boolean {
  for (let word = 0; word < 4; word++) {
    const one = starts[at + word] as number // within bounds
    const other = wordAt(address, word * 4) >>> 0
    if (one !== other) return one < other
  }
  return true
}

/** The range of so many bits that holds an address, `192.0.2.0/24`; the address alone when it is all of it. */
export function formatPrefix(address: IpAddress, bits: number): string {
  const { bytes } = address
  if (bits === bytes.length * 8) return address.toString()
  const masked = bytes.map((byte, index) => byte & maskOf(bits - index * 8))
  return `${IpAddress.fromBytes(masked).toString()}/${bits}`
}

function maskOf(bits: number): number {
  return bits >= 8 ? 255 : bits <= 0 ? 0 : (0xff00 >> bits) & 255
}
