/** Memory for what leaves at once: borrowed for one write, and given back when the kernel has its copy. */
import { Buffer } from 'node:buffer'
import { lentMemory } from './lent.ts'

/** What one read brings, with a head before it. */
const bufferSize = lentMemory.length + 16_384
/** As many may wait for peers that do not read. */
const most = 64

const free: SendBuffer[] = []
let made = 0

/** One of a few: making memory for each write, which V8 counts and collects, costs as much as the write. */
export class SendBuffer {
  readonly #memory = Buffer.allocUnsafeSlow(bufferSize)
  #view = this.#memory

  /**
   * Its first bytes, to be filled and written; `returned` is the callback of that write.
   * What leaves one after the other is mostly of one size, and has one view.
   */
  view(length: number): Buffer {
    if (this.#view.length !== length) this.#view = this.#memory.subarray(0, length)
    return this.#view
  }

  readonly returned = (error?: Error | null): void => {
    // Of a write that has failed nobody says what still reads from it.
    if (error === undefined || error === null) free.push(this)
    else made--
  }
}

/** Undefined when it is to be larger, or when all are on their way: memory of its own then. */
export function borrowBuffer(length: number): SendBuffer | undefined {
  if (length > bufferSize) return undefined
  const buffer = free.pop()
  if (buffer !== undefined || made >= most) return buffer
  made++
  return new SendBuffer()
}
