/** What can stand in a list, in one at a time. The fields belong to it. */
export interface Linked<T extends Linked<T>> {
  previous: T | undefined
  next: T | undefined
}

/**
 * A list whose items are linked through their own fields: adding and removing allocate nothing, and removing finds its
 * item without a search. Pure.
 *
 * Oldest first.
 */
export class LinkedList<T extends Linked<T>> {
  size = 0
  first: T | undefined
  #last: T | undefined

  push(item: T): void {
    const last = this.#last
    item.previous = last
    item.next = undefined
    if (last === undefined) this.first = item
    else last.next = item
    this.#last = item
    this.size++
  }

  /** Only what is in this list. */
  remove(item: T): void {
    const { previous, next } = item
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    item.previous = undefined
    item.next = undefined
    this.size--
  }

  /** Empties the list and returns what was in it. */
  takeAll(): T[] {
    const all: T[] = []
    while (this.first !== undefined) {
      all.push(this.first)
      this.remove(this.first)
    }
    return all
  }
}
