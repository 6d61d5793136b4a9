import type { Socket } from 'node:net'
import { handleOf } from '../../net/inside.ts'
import { waitingBytes } from '../../net/quick-write.ts'
import type { RecordSender } from '../record-sender.ts'

/**
 * Notices a peer that takes nothing of what was written for it.
 *
 * One timer while something is on its way; none when `timeout` is 0.
 */
export class StallWatch {
  #timer: NodeJS.Timeout | undefined
  /** What had been taken when the timer was last set. */
  #taken = 0
  #queued = 0
  readonly #socket: Socket
  readonly #sender: RecordSender
  readonly #timeout: number
  readonly #onStall: () => void

  /** @param timeout - milliseconds without progress. */
  constructor(socket: Socket, sender: RecordSender, timeout: number, onStall: () => void) {
    this.#socket = socket
    this.#sender = sender
    this.#timeout = timeout
    this.#onStall = onStall
  }

  /** Something was written. */
  written(): void {
    if (this.#timer === undefined && this.#timeout > 0) this.#arm()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #arm(): void {
    this.#taken = this.#sender.taken
    this.#queued = inKernelQueue(this.#socket)
    this.#timer = setTimeout(() => this.#check(), this.#timeout).unref()
  }

  #check(): void {
    this.#timer = undefined
    if (waitingBytes(this.#socket) === 0) return
    const moves = this.#sender.taken > this.#taken || inKernelQueue(this.#socket) !== this.#queued
    if (moves) this.#arm()
    else this.#onStall()
  }
}

/**
 * What is left of a write that the kernel has taken a part of. A write is reported when it is whole, which for a large
 * body to a slow peer may be minutes later; a socket's own time-out looks at the same number.
 */
function inKernelQueue(socket: Socket): number {
  // Without it only whole writes count.
  return handleOf(socket)?.writeQueueSize ?? 0
}
