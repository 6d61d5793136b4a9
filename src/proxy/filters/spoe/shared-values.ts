import type { Writer } from '../../../spop/index.ts'

/** Calls into the runtime cost more than this many steps of a loop. */
const short = 32

/**
 * Values that several messages of one NOTIFY have: what was written for the first is copied for the others, since agents are
 * often sent the same address, method and path under several names.
 */
export class SharedValues {
  readonly #slots = new Map<string, number>()
  /** Where each value stands in what is being written; -1: not yet. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  /** The place of what an expression gives. */
  slotOf(expression: string): number {
    let slot = this.#slots.get(expression)
    if (slot === undefined) {
      slot = this.#slots.size
      this.#slots.set(expression, slot)
      this.#starts.push(-1)
      this.#ends.push(-1)
    }
    return slot
  }

  /** Another NOTIFY begins. */
  clear(): void {
    this.#starts.fill(-1)
  }

  /** The value stands in the writer, between these two. */
  keep(slot: number, start: number, end: number): void {
    this.#starts[slot] = start
    this.#ends[slot] = end
  }

  /** Writes the value again; false when it has not been written yet. */
  copy(writer: Writer, slot: number): boolean {
    const start = this.#starts[slot] as number // a slot that was given
    if (start < 0) return false
    const end = this.#ends[slot] as number // likewise
    let to = writer.reserve(end - start)
    const { bytes } = writer
    if (end - start > short) bytes.copyWithin(to, start, end)
    else for (let at = start; at < end; at++) bytes[to++] = bytes[at] as number // within what was written
    return true
  }
}
