/**
 * Cuts a stream of chunks into frames. It knows how large a frame is (from a {@link Framing}), not what is in it.
 *
 * The usual case, a frame whole within a chunk, costs one length read: no copy and no object. A frame in pieces is
 * gathered into a buffer of exactly its size, each byte copied once, after its length was checked.
 */

import { Buffer } from 'node:buffer'
import { refuseArgument } from '../base/options.ts'

/** How a protocol says where a frame ends. */
export interface Framing {
  /** Bytes that must be there before the size is known. */
  readonly headerSize: number
  /** Whole size, header included, of the frame starting at `at`. Throws when a limit is broken. */
  sizeAt(bytes: Buffer, at: number): number
}

const nothing = Buffer.alloc(0)

/**
 * `push` a chunk, then call `next` until it answers false; a chunk that was not drained is lost. After `true` the
 * frame is `bytes` from `start` to `end`, header included. The position moves on before the frame is handed out, so
 * a caller that throws while handling a frame never sees it twice. After an exception the stream has no
 * boundaries left: the connection must be given up.
 */
export class FrameSplitter {
  /** The buffer that the current frame is in; empty when there is no frame. */
  bytes: Buffer = nothing
  /** Where the current frame begins in `bytes`. */
  start = 0
  /** Where it ends. */
  end = 0

  #chunk: Buffer = nothing
  #at = 0
  /** A frame in pieces: its header first, then, with the size known, the whole of it. */
  #partial: Buffer = nothing
  #have = 0
  #sized = false
  readonly #framing: Framing

  constructor(framing: Framing) {
    if (typeof framing?.sizeAt !== 'function' || !Number.isInteger(framing.headerSize)) {
      refuseArgument('FrameSplitter: the framing', 'must have headerSize and sizeAt()', framing)
    }
    this.#framing = framing
  }

  /** Whether part of a frame is waiting for the rest. */
  get midFrame(): boolean {
    return this.#have > 0
  }

  /** Whether the chunk was read to its end. */
  get drained(): boolean {
    return this.#at === this.#chunk.length
  }

  /**
   * Whether the chunk ends with a frame: what is left of it behind the current one is nothing, or whole frames. False, too, when
   * it breaks a limit.
   */
  get endsWhole(): boolean {
    const chunk = this.#chunk
    const { headerSize } = this.#framing
    try {
      let at = this.#at
      while (at + headerSize <= chunk.length) at += this.#framing.sizeAt(chunk, at)
      return at === chunk.length
    } catch {
      return false
    }
  }

  /** The next chunk; it must not be changed until it was drained. @throws UsageError `ERR_SLUICE_OPTION`. */
  push(chunk: Buffer): void {
    if (!Buffer.isBuffer(chunk)) refuseArgument('push: the chunk', 'must be a Buffer', chunk)
    this.#chunk = chunk
    this.#at = 0
  }

  /** Copies what is left of the chunk, whose memory may be written again from here on. */
  keepRest(): void {
    if (this.drained) return
    this.#chunk = Buffer.from(this.#chunk.subarray(this.#at))
    this.#at = 0
  }

  /** Finds the next whole frame; false: what is left of the chunk is held. Throws what the {@link Framing} does. */
  next(): boolean {
    if (this.#have > 0) return this.#resume()
    const chunk = this.#chunk
    const at = this.#at
    const left = chunk.length - at
    const headerSize = this.#framing.headerSize
    if (left >= headerSize) {
      const size = this.#framing.sizeAt(chunk, at)
      if (left >= size) return this.#found(chunk, at, (this.#at = at + size))
      this.#begin(size, true)
    } else if (left > 0) {
      this.#begin(headerSize, false)
    } else {
      this.#release()
    }
    return false
  }

  #found(bytes: Buffer, start: number, end: number): true {
    this.bytes = bytes
    this.start = start
    this.end = end
    return true
  }

  #begin(size: number, sized: boolean): void {
    this.#partial = Buffer.allocUnsafe(size)
    this.#sized = sized
    this.#gather()
  }

  /** Copies from the chunk until the partial buffer is full or the chunk is empty. */
  #gather(): void {
    const copied = this.#chunk.copy(this.#partial, this.#have, this.#at)
    this.#have += copied
    this.#at += copied
    if (this.#at === this.#chunk.length) this.#release()
  }

  /** Lets go of a chunk that is used up, and of the frame before, so that an idle connection pins no memory. */
  #release(): void {
    this.#chunk = nothing
    this.#at = 0
    this.bytes = nothing
  }

  #resume(): boolean {
    this.#gather()
    if (this.#have < this.#partial.length) return false
    if (!this.#sized) {
      const size = this.#framing.sizeAt(this.#partial, 0)
      const whole = Buffer.allocUnsafe(size)
      this.#partial.copy(whole)
      this.#partial = whole
      this.#sized = true
      this.#gather()
      if (this.#have < size) return false
    }
    const frame = this.#partial
    this.#partial = nothing
    this.#have = 0
    return this.#found(frame, 0, frame.length)
  }
}
