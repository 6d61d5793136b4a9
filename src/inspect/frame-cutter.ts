/** Cuts one direction into frames, and knows in how many pieces each came. */
import { Buffer } from 'node:buffer'
import { FrameSplitter, type Framing } from '../bytes/frame-splitter.ts'

/** A frame as it came. */
export interface CutFrame {
  /** A view, or memory of its own; nobody writes to it. */
  readonly bytes: Buffer
  /** Bytes of it in the first chunk that had any: all of them when it came whole. */
  readonly firstPiece: number
}

/** Beyond repair: what is left of the stream is no frames. */
export interface CutError {
  readonly error: unknown
  /** From where the broken frame begins. */
  readonly rest: Buffer
}

const nothing = Buffer.alloc(0)

/** One direction of a connection. */
export class FrameCutter {
  readonly #splitter: FrameSplitter
  readonly #headerSize: number
  /** Bytes of a frame that has begun. */
  #held = 0
  #firstPiece = 0
  /** The held bytes, as long as they are less than a header: what is broken is found out there. */
  #header: Buffer = nothing
  #broken = false

  constructor(framing: Framing) {
    this.#splitter = new FrameSplitter(framing)
    this.#headerSize = framing.headerSize
  }

  /** Bytes of a frame whose rest has not come. */
  get held(): number {
    return this.#held
  }

  get broken(): boolean {
    return this.#broken
  }

  /** Hands out the frames that are whole now. Answers what was wrong, once; after that nothing is cut any more. */
  push(chunk: Buffer, onFrame: (frame: CutFrame) => void): CutError | undefined {
    if (this.#broken) return undefined
    this.#splitter.push(chunk)
    let used = 0
    for (;;) {
      const found = this.#next()
      if (typeof found === 'object') {
        this.#broken = true
        return { ...found, rest: Buffer.concat([this.#header, chunk.subarray(used)]) }
      }
      if (!found) break
      const { bytes, start, end } = this.#splitter
      const firstPiece = this.#held > 0 ? this.#firstPiece : end - start
      used += end - start - this.#held
      this.#held = 0
      this.#header = nothing
      onFrame({ bytes: bytes.subarray(start, end), firstPiece })
    }
    this.#hold(chunk.subarray(used))
    return undefined
  }

  #next(): boolean | { readonly error: unknown } {
    try {
      return this.#splitter.next()
    } catch (error) {
      return { error }
    }
  }

  #hold(left: Buffer): void {
    if (left.length === 0) return
    if (this.#held === 0) this.#firstPiece = left.length
    this.#held += left.length
    this.#header = this.#held < this.#headerSize ? Buffer.concat([this.#header, left]) : nothing
  }
}
