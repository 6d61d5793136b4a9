/**
 * What was sent and has no answer yet, in typed arrays that are walked round: no object is made for an exchange. A key is
 * what its stream id counts; its place is the key's low bits.
 */

const empty = -1
const mostAbandoned = 100_000

/** What happens to an exchange whose time is over; `key` was its key. */
export type OnExpired = (slot: number, key: number) => void

/** See the head of this file. Times are milliseconds of the monotonic clock. */
export class Pending {
  readonly #mask: number
  /** The keys of what waits. */
  readonly #keys: Int32Array
  /** When it was due. */
  readonly scheduled: Float64Array
  /** When it was written. */
  readonly sent: Float64Array
  /** Which connection has it. */
  readonly lanes: Uint32Array
  /** Which NOTIFY of its stream it is. */
  readonly steps: Uint16Array
  /** Which stream it belongs to. */
  readonly streams: Float64Array
  #next = 0
  #count = 0
  readonly #limit: number
  /** Keys of what was given up, with the time when it was sent: their answers are late, if they come. */
  readonly #abandoned = new Map<number, number>()

  /**
   * @param room how many may wait at a time.
   * @param limit keys stay below it, and begin again with 0. At most 2^31.
   */
  constructor(room: number, limit: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(room * 4, 64)))
    this.#mask = size - 1
    this.#keys = new Int32Array(size).fill(empty)
    this.scheduled = new Float64Array(size)
    this.sent = new Float64Array(size)
    this.lanes = new Uint32Array(size)
    this.steps = new Uint16Array(size)
    this.streams = new Float64Array(size)
    this.#limit = limit
  }

  /** How many wait. */
  get count(): number {
    return this.#count
  }

  /** The key that comes next: those below it were given out. */
  get next(): number {
    return this.#next
  }

  /** A new key, whose place is free. What waits long is stepped over. */
  begin(): number {
    for (;;) {
      const key = this.#next
      this.#next = key + 1 < this.#limit ? key + 1 : 0
      if (this.#keys[key & this.#mask] === empty) return key
    }
  }

  /** Whether a key that was answered can wait again, for the next NOTIFY of its stream. */
  canWait(key: number): boolean {
    return this.#keys[key & this.#mask] === empty
  }

  /** The exchange waits from now on. */
  wait(key: number, lane: number, stream: number, step: number, scheduled: number, sent: number): void {
    const slot = key & this.#mask
    this.#keys[slot] = key
    this.lanes[slot] = lane
    this.streams[slot] = stream
    this.steps[slot] = step
    this.scheduled[slot] = scheduled
    this.sent[slot] = sent
    this.#count++
  }

  /** One was answered, and another of the same connection waits in its stead: the first of its stream, and due at once. */
  again(slot: number, now: number): number {
    this.#keys[slot] = empty
    const key = this.begin()
    const next = key & this.#mask
    this.#keys[next] = key
    this.lanes[next] = this.lanes[slot] as number // within bounds
    this.steps[next] = 0
    this.scheduled[next] = now
    this.sent[next] = now
    return key
  }

  /** Where the exchange of that key waits; -1 when it does not. */
  find(key: number): number {
    const slot = key & this.#mask
    return this.#keys[slot] === key ? slot : -1
  }

  /** It waits no longer. What stands at its place stays until the place is taken. */
  settle(slot: number): void {
    this.#keys[slot] = empty
    this.#count--
  }

  /** It was given up: an answer to it will be late. The oldest of very many are forgotten. */
  abandon(slot: number, key: number): void {
    this.#abandoned.set(key, this.sent[slot] as number) // within bounds
    if (this.#abandoned.size <= mostAbandoned) return
    for (const oldest of this.#abandoned.keys()) {
      this.#abandoned.delete(oldest)
      return
    }
  }

  /** When what was given up had been sent, once: undefined for what was not given up, or has been answered since. */
  takeAbandoned(key: number): number | undefined {
    if (this.#abandoned.size === 0) return undefined
    const sent = this.#abandoned.get(key)
    this.#abandoned.delete(key)
    return sent
  }

  /** Calls for each one of a connection that was due at or before `before`, when it is settled. */
  expire(before: number, lane: number, onExpired: OnExpired): void {
    this.#settleAll(
      (slot) => this.lanes[slot] === lane && (this.scheduled[slot] as number) <= before,
      onExpired,
    )
  }

  /** Calls for each one of a connection, when it is settled. */
  drop(lane: number, onDropped: OnExpired): void {
    this.#settleAll((slot) => this.lanes[slot] === lane, onDropped)
  }

  #settleAll(isMeant: (slot: number) => boolean, onSettled: OnExpired): void {
    if (this.#count === 0) return
    for (let slot = 0; slot <= this.#mask; slot++) {
      const key = this.#keys[slot] as number // within bounds
      if (key === empty || !isMeant(slot)) continue
      this.settle(slot)
      onSettled(slot, key)
    }
  }
}
