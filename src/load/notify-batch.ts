/** NOTIFYs that differ in their stream id alone, ready in one buffer: to send one is to write the bytes of its id. */
import { Buffer } from 'node:buffer'
import { Writer } from '../bytes/writer.ts'
import { beginFrame, endFrame, FrameFlag, FrameType } from '../spop/frame-head.ts'

/** Bytes before the ids: length, type and flags. */
const idsAt = 9

/** How many bytes an id takes. */
function widthOf(id: number): number {
  if (id < 240) return 1
  if (id < 2288) return 2
  if (id < 264_432) return 3
  return id < 33_818_864 ? 4 : 5
}

/** The least id of each width. */
const leastIds = [0, 0, 240, 2288, 264_432, 33_818_864] as const

/** See the head of this file. Their frame id is 1. */
export class NotifyBatch {
  readonly #payload: Buffer
  readonly #room: number
  #width = 0
  #size = 0
  #bytes = Buffer.alloc(0)
  #at = 0
  #view = Buffer.alloc(0)

  readonly #flush: () => void

  /**
   * @param room how many it holds at most.
   * @param flush sends what waits, when an id has another length, or there is no room.
   */
  constructor(payload: Buffer, room: number, flush: () => void) {
    this.#payload = payload
    this.#room = room
    this.#flush = flush
  }

  /** Bytes that wait to be sent. */
  get length(): number {
    return this.#at
  }

  /** Adds a NOTIFY. */
  add(streamId: number): void {
    const width = widthOf(streamId)
    if (width !== this.#width || this.#at === this.#bytes.length) this.#prepare(width)
    const bytes = this.#bytes
    let at = this.#at + idsAt
    this.#at += this.#size
    if (width === 1) {
      bytes[at] = streamId
      return
    }
    bytes[at++] = (streamId & 15) | 240
    let rest = (streamId - 240) >>> 4
    while (rest >= 128) {
      bytes[at++] = (rest & 127) | 128
      rest = (rest - 128) >>> 7
    }
    bytes[at] = rest
  }

  #prepare(width: number): void {
    if (this.#at > 0) this.#flush()
    if (width !== this.#width) this.#build(width)
  }

  /** Frames with ids of that many bytes. */
  #build(width: number): void {
    const writer = new Writer()
    const start = beginFrame(writer, FrameType.Notify, FrameFlag.Fin, leastIds[width] ?? 0, 1)
    writer.copy(this.#payload)
    endFrame(writer, start)
    const frame = writer.view()
    this.#width = width
    this.#size = frame.length
    this.#bytes = Buffer.allocUnsafeSlow(frame.length * this.#room)
    this.#bytes.fill(frame)
    this.#view = this.#bytes.subarray(0, 0)
  }

  /** What waits. It is mostly as long as the time before. */
  view(): Buffer {
    if (this.#view.length !== this.#at) this.#view = this.#bytes.subarray(0, this.#at)
    return this.#view
  }

  /** All was sent; `ours`: the buffer can be written again. */
  reset(ours: boolean): void {
    this.#at = 0
    if (!ours) this.#width = 0
  }
}
