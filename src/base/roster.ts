/** What can be on a roster. The field belongs to it. */
export interface Seated {
  /** Where it is; -1 for nowhere. */
  seat: number
}

/**
 * A set whose items come and go for as long as the process lives. Pure. In no order.
 *
 * A Set or a Map would do, but for the collector: each time its table is full of what was deleted, V8 makes a new one, and the old
 * one keeps what was in it. Once a table lies in old space a scavenge takes what such old ones know for alive, until a full
 * collection: a third of new space, measured with 32 items that came and went in any order.
 */
export class Roster<T extends Seated> {
  size = 0
  readonly #seats: (T | undefined)[] = []
  readonly #free: number[] = []

  /** It must be on no roster. */
  add(item: T): void {
    const seat = this.#free.pop() ?? this.#seats.length
    item.seat = seat
    this.#seats[seat] = item
    this.size++
  }

  has(item: T): boolean {
    return this.#seats[item.seat] === item
  }

  /** False when it was not there. */
  delete(item: T): boolean {
    const { seat } = item
    if (this.#seats[seat] !== item) return false
    this.#seats[seat] = undefined
    this.#free.push(seat)
    item.seat = -1
    this.size--
    return true
  }

  /** What comes while somebody looks may be missed, what goes is not seen. */
  *[Symbol.iterator](): Generator<T> {
    for (const item of this.#seats) if (item !== undefined) yield item
  }
}
