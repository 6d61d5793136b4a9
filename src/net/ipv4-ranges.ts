/** IPv4 ranges with a number each: a table for each prefix length, keyed by the masked address. */
import { NumberTable } from '../base/number-table.ts'

export class Ipv4Ranges {
  readonly #tables = new Map<number, NumberTable>()
  /** The longest prefix, which has the largest mask, first. */
  #byLength: readonly { readonly mask: number; readonly table: NumberTable }[] = []

  /** Gives a number to the range of `bits` leading bits, unless it has one. The number that it has then. */
  add(address: number, bits: number, number: number): number {
    const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0
    const table = this.#tables.get(mask) ?? this.#addTable(mask)
    const key = (address & mask) >>> 0
    const known = table.get(key)
    if (known >= 0) return known
    table.set(key, number)
    return number
  }

  /** The number of the longest range that holds the address, or -1. */
  get(address: number): number {
    for (const { mask, table } of this.#byLength) {
      const number = table.get((address & mask) >>> 0)
      if (number >= 0) return number
    }
    return -1
  }

  #addTable(mask: number): NumberTable {
    const table = new NumberTable()
    this.#tables.set(mask, table)
    const entries = [...this.#tables].sort(([a], [b]) => b - a)
    this.#byLength = entries.map(([mask, table]) => ({ mask, table }))
    return table
  }
}
