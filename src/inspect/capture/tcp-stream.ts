/** One direction of a TCP connection: segments, in any order and more than once, become a stream of bytes. */
import type { Segment } from './segments.ts'

/** What comes out of it, in order. */
export interface StreamEvents {
  onData(bytes: Buffer, time: number): void
  /** The other end has acknowledged what is not here: it may come out of order, or is not in the capture. */
  onMissed(): void
  /** So many bytes are not in the capture. */
  onGap(size: number, time: number): void
  onEnd(how: 'fin' | 'reset', time: number): void
}

/** Bytes that wait for a segment before them; when more do, that segment is taken to be missing. */
const mostWaiting = 1_048_576

/** Packets that were only captured out of order are not that far apart, in milliseconds. */
const mostDisorder = 50

/** The distance from one sequence number to another, which may be behind the turn of 32 bits. */
function distance(from: number, to: number): number {
  return (to - from) | 0
}

/** See the head of this file. */
export class TcpStream {
  readonly #events: StreamEvents
  /** The next number that is wanted; undefined before anything was seen. */
  #next: number | undefined
  #waiting: Segment[] = []
  #waitingSize = 0
  #over = false
  /** When the other end acknowledged what is not here. */
  #missedAt: number | undefined

  constructor(events: StreamEvents) {
    this.#events = events
  }

  /** Takes a segment of this direction. */
  push(segment: Segment): void {
    if (this.#over) return
    if (segment.syn) {
      this.#next = (segment.sequence + 1) >>> 0
      return
    }
    this.#next ??= segment.sequence
    if (segment.rst) return this.#end('reset', segment.time)
    if (segment.size === 0 && !segment.fin) return
    this.#waiting.push(segment)
    this.#waitingSize += segment.size
    this.#drain()
    while (this.#waitingSize > mostWaiting) this.#skip()
  }

  /** The other end has everything before this number. */
  acknowledge(number: number, time: number): void {
    if (this.#over || this.#next === undefined) return
    const missing = distance(this.#next, number)
    if (missing <= 0) {
      this.#missedAt = undefined
    } else if (this.#missedAt === undefined) {
      this.#missedAt = time
      this.#events.onMissed()
    } else if (time - this.#missedAt > mostDisorder) {
      this.#missedAt = undefined
      if (this.#waiting.length > 0) return this.#skip()
      this.#next = number
      this.#events.onGap(missing, time)
    }
  }

  /** Nothing more is in the capture: what waits for missing bytes is handed out. */
  finish(): void {
    while (this.#waiting.length > 0 && !this.#over) this.#skip()
  }

  #drain(): void {
    for (let moved = true; moved && !this.#over;) {
      moved = false
      for (const segment of this.#waiting) {
        if (distance(this.#next ?? 0, segment.sequence) > 0) continue
        this.#waiting = this.#waiting.filter((each) => each !== segment)
        this.#waitingSize -= segment.size
        this.#take(segment)
        moved = true
        break
      }
    }
  }

  /** The segment begins at, or before, what is wanted: what was handed out already is left out. */
  #take(segment: Segment): void {
    const { payload, size, time, fin, sequence } = segment
    const next = this.#next ?? sequence
    const old = distance(sequence, next)
    // Keep-alives and retransmissions bring nothing new.
    if (old > size || (old === size && !fin)) return
    this.#next = (sequence + size) >>> 0
    const fresh = payload.subarray(Math.min(old, payload.length))
    if (fresh.length > 0) this.#events.onData(fresh, time)
    const lost = size - Math.max(old, payload.length)
    if (lost > 0) this.#events.onGap(lost, time)
    if (fin) this.#end('fin', time)
  }

  /** The bytes before the first that waits are missing. */
  #skip(): void {
    const next = this.#next ?? 0
    const [first] = this.#waiting.toSorted((a, b) => distance(next, a.sequence) - distance(next, b.sequence))
    if (first === undefined) return
    const missing = distance(next, first.sequence)
    if (missing > 0) {
      this.#next = first.sequence
      this.#events.onGap(missing, first.time)
    }
    this.#drain()
  }

  #end(how: 'fin' | 'reset', time: number): void {
    // A reset may overtake data that only the capture has in another order.
    if (how === 'reset') this.finish()
    if (this.#over) return
    this.#over = true
    this.#events.onEnd(how, time)
  }
}
