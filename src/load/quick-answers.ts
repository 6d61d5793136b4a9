/**
 * The usual case of a closed loop, where every NOTIFY is like the others: an ACK with the answer that was right before, and the
 * next NOTIFY in its stead. All of it is done where the ACK lies, in one loop; whatever is not of this kind is left to the lane.
 */
import { FrameType } from '../spop/frame-head.ts'
import type { Expectations } from './expect.ts'
import type { Meter } from './meter.ts'
import type { NotifyBatch } from './notify-batch.ts'
import type { Pending } from './pending.ts'

/** What the loop works with. */
export interface QuickSettings {
  readonly pending: Pending
  readonly batch: NotifyBatch
  /** Of the connection. */
  readonly lane: number
  /** Whether ids count streams of all connections, or the NOTIFYs of this one. */
  readonly byStream: boolean
  readonly expectations: Expectations | undefined
  readonly meter: Meter
}

/** See the head of this file. */
export class QuickAnswers {
  readonly #pending: Pending
  readonly #batch: NotifyBatch
  readonly #lane: number
  readonly #byStream: boolean
  readonly #expectations: Expectations | undefined
  readonly #meter: Meter

  constructor({ pending, batch, lane, byStream, expectations, meter }: QuickSettings) {
    this.#pending = pending
    this.#batch = batch
    this.#lane = lane
    this.#byStream = byStream
    this.#expectations = expectations
    this.#meter = meter
  }

  /** Handles ACKs from `at` on; answers where the first frame begins that is left. */
  take(bytes: Buffer, at: number, end: number, now: number): number {
    const pending = this.#pending
    const batch = this.#batch
    const byStream = this.#byStream
    // Those that left together have one time.
    let sent = -1
    let alike = 0
    let next = at
    for (;;) {
      const stop = stopOf(bytes, next, end)
      if (stop < 0) break
      const slot = this.#slotOf(bytes, next + 9, stop)
      if (slot < 0) break
      const sentAt = pending.sent[slot] as number // within bounds
      if (sentAt !== sent) {
        if (alike > 0) this.#meter.answeredTogether(sent, now, alike)
        sent = sentAt
        alike = 0
      }
      alike++
      const key = pending.again(slot, now)
      batch.add(byStream ? key : 2 * key + 1)
      next = stop
    }
    if (alike > 0) this.#meter.answeredTogether(sent, now, alike)
    return next
  }

  /** Where the exchange waits that the ACK with its ids at `at` answers; -1 when a closer look is wanted. */
  #slotOf(bytes: Buffer, at: number, stop: number): number {
    let id = bytes[at] as number // a frame has seven bytes at least
    let next = at + 1
    if (id >= 240) {
      let factor = 16
      let byte = 128
      while (byte >= 128 && next < stop) {
        byte = bytes[next++] as number // below stop
        id += byte * factor
        factor *= 128
      }
    }
    // The frame id is always 1, and ids of connections are odd.
    if (next >= stop || bytes[next] !== 1 || (!this.#byStream && (id & 1) === 0)) return -1
    const slot = this.#pending.find(this.#byStream ? id : (id - 1) / 2)
    if (slot < 0 || this.#pending.lanes[slot] !== this.#lane) return -1
    if (this.#expectations?.isLikeLast(bytes, next + 1, stop) === false) return -1
    return slot
  }
}

/** Where the ACK at `at` ends; -1 when it is none, has other flags than FIN, or is not whole. */
function stopOf(bytes: Buffer, at: number, end: number): number {
  if (end - at < 11) return -1
  // No frame that we take has 65536 bytes.
  if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 4] !== FrameType.Ack || bytes[at + 8] !== 1)
    return -1
  const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number) // eleven bytes are there
  const stop = at + 4 + length
  return length < 7 || stop > end ? -1 : stop
}
