/** What is on a connection, by ids that are odd and rise. */

const initialSize = 8

/**
 * Items by ids that are odd, rise and are never used twice, of which those in use at a time lie close together: they are found
 * by the last bits of their ids, of as many as tell them apart. Pure.
 *
 * A Map would keep requests that are over in old space: see {@link Roster} of src/base/roster.ts.
 */
export class StreamTable<Item extends { readonly id: number }> {
  size = 0
  #slots: (Item | undefined)[] = emptySlots(initialSize)

  get(id: number): Item | undefined {
    const found = this.#slots[this.#slotOf(id)]
    return found?.id === id ? found : undefined
  }

  /** Its id must not be there yet. */
  add(item: Item): void {
    while (this.#slots[this.#slotOf(item.id)] !== undefined) this.#grow()
    this.#slots[this.#slotOf(item.id)] = item
    this.size++
  }

  /** Answers what it was; undefined when there is none. */
  remove(id: number): Item | undefined {
    const found = this.get(id)
    if (found === undefined) return undefined
    this.#slots[this.#slotOf(id)] = undefined
    this.size--
    return found
  }

  /** Empties it, and answers what was in it, oldest first. */
  takeAll(): Item[] {
    const all = this.#slots.filter((each) => each !== undefined)
    this.#slots = emptySlots(initialSize)
    this.size = 0
    return all.toSorted((one, other) => one.id - other.id)
  }

  #slotOf(id: number): number {
    return (id >>> 1) & (this.#slots.length - 1)
  }

  /** Ends, at the latest, when there is a slot for each id that there is. */
  #grow(): void {
    const before = this.#slots
    this.#slots = emptySlots(before.length * 2)
    for (const item of before) if (item !== undefined) this.#slots[this.#slotOf(item.id)] = item
  }
}

function emptySlots(size: number): undefined[] {
  return Array.from({ length: size }, () => undefined)
}
