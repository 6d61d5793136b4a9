/** Makes flat ranges of listed ones, in whatever order these come and however they overlap. */
import type { Cidr } from '../../net/cidr-map.ts'
import { wordAt } from '../../net/ip.ts'
import { hole, type FlatRanges } from './range-table.ts'

/** Collects ranges. The longest one that holds an address counts; of the same range twice, the greater value. */
export class RangeBuilder {
  // Start, bits and value in one number, so that a typed array sorts them: 32 + 6 + 8 bits are exact in a double.
  #v4 = new Float64Array(1024)
  #count = 0
  // The same, in 128 + 8 + 8 bits.
  readonly #v6: bigint[] = []

  /** How many ranges were added. */
  get entries(): number {
    return this.#count + this.#v6.length
  }

  /** `value` is from 0 to 254. Bits of the address behind the prefix do not count. */
  add({ bytes, bits }: Cidr, value: number): void {
    if (bytes.length === 4) this.#addV4(wordAt(bytes, 0) >>> 0, bits, value)
    // `::ffff:192.0.2.0/120` lists IPv4 addresses, which are looked up as such.
    else if (bits >= 96 && isMapped(bytes)) this.#addV4(wordAt(bytes, 12) >>> 0, bits - 96, value)
    else this.#v6.push((((mask(bigOf(bytes), bits) << 8n) | BigInt(bits)) << 8n) | BigInt(value))
  }

  #addV4(address: number, bits: number, value: number): void {
    if (this.#count === this.#v4.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#v4)
      this.#v4 = larger
    }
    const start = bits === 0 ? 0 : (address & (0xffff_ffff << (32 - bits))) >>> 0
    this.#v4[this.#count++] = (start * 64 + bits) * 256 + value
  }

  /** Ends the collecting. */
  finish(): { readonly v4: FlatRanges; readonly v6: FlatRanges } {
    return { v4: this.#finishV4(), v6: this.#finishV6() }
  }

  #finishV4(): FlatRanges {
    const sorted = this.#v4.subarray(0, this.#count).sort()
    const out = new FlatWriter(sorted.length * 2, 1)
    const open: { readonly end: number; readonly bits: number; readonly value: number }[] = []
    const closeBelow = (start: number) => {
      for (let last = open.at(-1); last !== undefined && last.end < start; last = open.at(-1)) {
        open.pop()
        const outer = open.at(-1)
        if (last.end < 0xffff_ffff) out.put(outer?.bits ?? 0, outer?.value ?? hole, last.end + 1)
      }
    }
    for (const packed of sorted) {
      const value = packed % 256
      const bits = Math.floor(packed / 256) % 64
      const start = Math.floor(packed / 16_384)
      closeBelow(start)
      out.put(bits, value, start)
      open.push({ end: start + 2 ** (32 - bits) - 1, bits, value })
    }
    closeBelow(Infinity)
    return out.finish()
  }

  #finishV6(): FlatRanges {
    const sorted = this.#v6.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    const out = new FlatWriter(sorted.length * 2, 4)
    const put = (bits: number, value: number, start: bigint) =>
      out.put(bits, value, word(start, 96n), word(start, 64n), word(start, 32n), word(start, 0n))
    const open: { readonly end: bigint; readonly bits: number; readonly value: number }[] = []
    const closeBelow = (start: bigint) => {
      for (let last = open.at(-1); last !== undefined && last.end < start; last = open.at(-1)) {
        open.pop()
        const outer = open.at(-1)
        if (last.end < lastV6) put(outer?.bits ?? 0, outer?.value ?? hole, last.end + 1n)
      }
    }
    for (const packed of sorted) {
      const value = Number(packed & 255n)
      const bits = Number((packed >> 8n) & 255n)
      const start = packed >> 16n
      closeBelow(start)
      put(bits, value, start)
      open.push({ end: start + (1n << BigInt(128 - bits)) - 1n, bits, value })
    }
    closeBelow(lastV6 + 1n)
    return out.finish()
  }
}

const lastV6 = (1n << 128n) - 1n

/** Writes flat ranges one behind the other. */
class FlatWriter {
  readonly #words: number
  readonly #starts: Uint32Array<ArrayBuffer>
  readonly #bits: Uint8Array<ArrayBuffer>
  readonly #values: Uint8Array<ArrayBuffer>
  #count = 0

  constructor(most: number, words: number) {
    this.#words = words
    this.#starts = new Uint32Array(most * words)
    this.#bits = new Uint8Array(most)
    this.#values = new Uint8Array(most)
  }

  put(bits: number, value: number, ...start: readonly number[]): void {
    const words = this.#words
    // A range that begins where another one ended, or an inner one where its outer one begins.
    const isSame =
      this.#count > 0 && start.every((each, at) => this.#starts[(this.#count - 1) * words + at] === each)
    const index = isSame ? this.#count - 1 : this.#count++
    start.forEach((each, at) => (this.#starts[index * words + at] = each))
    this.#bits[index] = bits
    this.#values[index] = value
  }

  finish(): FlatRanges {
    const count = this.#count
    const starts = this.#starts.slice(0, count * this.#words)
    return {
      starts,
      bits: this.#bits.slice(0, count),
      values: this.#values.slice(0, count),
      index: this.#words === 1 && count >= leastIndexed ? indexOf(starts) : new Uint32Array(0),
    }
  }
}

/** The index takes 256 KB. */
const leastIndexed = 4096

function indexOf(starts: Uint32Array): Uint32Array<ArrayBuffer> {
  const index = new Uint32Array(65_537)
  let at = 0
  for (let head = 0; head < 65_536; head++) {
    while (at < starts.length && (starts[at] as number) < head * 65_536) at++ // within bounds
    index[head] = at
  }
  index[65_536] = starts.length
  return index
}

function word(value: bigint, shift: bigint): number {
  return Number((value >> shift) & 0xffff_ffffn)
}

function mask(value: bigint, bits: number): bigint {
  const rest = BigInt(128 - bits)
  return (value >> rest) << rest
}

function bigOf(bytes: Uint8Array): bigint {
  let value = 0n
  for (let at = 0; at < 16; at += 4) value = (value << 32n) | BigInt(wordAt(bytes, at) >>> 0)
  return value
}

function isMapped(bytes: Uint8Array): boolean {
  return wordAt(bytes, 0) === 0 && wordAt(bytes, 4) === 0 && wordAt(bytes, 8) === 0xffff
}
