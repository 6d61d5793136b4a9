import { wordAt } from './ip.ts'

/** IPv6 ranges with a number each: a table for each prefix length, keyed by the masked address. */
export class Ipv6Ranges {
  readonly #tables = new Map<number, AddressTable>()
  /** The longest prefix first. */
  #byLength: readonly { readonly bits: number; readonly table: AddressTable }[] = []
  /** The masked address that is looked for. */
  readonly #key = new Uint32Array(4)

  get isEmpty(): boolean {
    return this.#byLength.length === 0
  }

  /** Gives a number to the range of `bits` leading bits, unless it has one. The number that it has then. */
  add(bytes: Uint8Array, bits: number, number: number): number {
    const table = this.#tables.get(bits) ?? this.#addTable(bits)
    this.#mask(bytes, bits)
    return table.add(this.#key, number)
  }

  /** The number of the longest range that holds the address, or -1. */
  get(bytes: Uint8Array): number {
    for (const { bits, table } of this.#byLength) {
      this.#mask(bytes, bits)
      const number = table.get(this.#key)
      if (number >= 0) return number
    }
    return -1
  }

  #mask(bytes: Uint8Array, bits: number): void {
    for (let word = 0; word < 4; word++) {
      const rest = bits - word * 32
      const mask = rest <= 0 ? 0 : rest >= 32 ? -1 : -1 << (32 - rest)
      this.#key[word] = wordAt(bytes, word * 4) & mask
    }
  }

  #addTable(bits: number): AddressTable {
    const table = new AddressTable()
    this.#tables.set(bits, table)
    const entries = [...this.#tables].sort(([a], [b]) => b - a)
    this.#byLength = entries.map(([bits, table]) => ({ bits, table }))
    return table
  }
}

/** As NumberTable of base/, with keys of four words. */
class AddressTable {
  #keys = new Uint32Array(16)
  /** One more than the number of a key; 0 where a slot is free. */
  #numbers = new Int32Array(4)
  #size = 0

  get(key: Uint32Array): number {
    return (this.#numbers[this.#slotOf(key)] ?? 0) - 1
  }

  /** Gives a number to a key that has none. The number that it has then. */
  add(key: Uint32Array, number: number): number {
    const slot = this.#slotOf(key)
    const known = this.#numbers[slot] ?? 0
    if (known > 0) return known - 1
    this.#keys.set(key, slot * 4)
    this.#numbers[slot] = number + 1
    if (++this.#size * 2 > this.#numbers.length) this.#grow()
    return number
  }

  /** The slot of a key, or the free one that it would have. */
  #slotOf(key: Uint32Array): number {
    const last = this.#numbers.length - 1
    let hash = 0
    for (let word = 0; word < 4; word++) {
      hash = Math.imul(hash ^ (key[word] ?? 0), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    let slot = hash & last
    while (this.#numbers[slot] !== 0 && !this.#has(slot, key)) slot = (slot + 1) & last
    return slot
  }

  #has(slot: number, key: Uint32Array): boolean {
    for (let word = 0; word < 4; word++) if (this.#keys[slot * 4 + word] !== key[word]) return false
    return true
  }

  #grow(): void {
    const keys = this.#keys
    const numbers = this.#numbers
    this.#keys = new Uint32Array(keys.length * 2)
    this.#numbers = new Int32Array(numbers.length * 2)
    for (let old = 0; old < numbers.length; old++) {
      if (numbers[old] === 0) continue
      const key = keys.subarray(old * 4, old * 4 + 4)
      const slot = this.#slotOf(key)
      this.#keys.set(key, slot * 4)
      this.#numbers[slot] = numbers[old] ?? 0
    }
  }
}
