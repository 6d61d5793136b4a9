import { Readable } from 'node:stream'
import { Writer } from '../../bytes/writer.ts'

/**
 * STDIN as a stream. What its reader has not asked for yet is held as bytes in one piece, so that a body that comes in
 * many small records costs no more memory than its bytes do.
 */
export class StdinStream extends Readable {
  /** Whether all that came was handed out, and more is asked for. */
  #wanting = false
  #ended = false
  #held: Writer | undefined
  readonly #onAsked: () => void

  /** @param onAsked - after what is held was handed out, or when more is wanted. */
  constructor(onAsked: () => void) {
    // One piece is handed out ahead of the reader; the rest is held here.
    super({ highWaterMark: 1 })
    this.#onAsked = onAsked
    // A handler that does not look at the body must not be brought down when that is aborted.
    this.on('error', () => {})
  }

  get wanting(): boolean {
    return this.#wanting && !this.#ended
  }

  /** Bytes that nobody has asked for yet. */
  get held(): number {
    return this.#held?.at ?? 0
  }

  /** Takes a piece, in memory that is not written again. The reader may be called from within. */
  give(content: Buffer): void {
    if (this.#ended) return
    if (this.#wanting) {
      this.#wanting = false
      this.push(content)
      return
    }
    this.#held ??= new Writer(content.length)
    this.#held.copy(content)
  }

  /** Nothing more comes. */
  finish(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#held === undefined) this.push(null)
  }

  /** The request is over: a reader that is still there sees an end rather than waiting for ever. */
  discard(): void {
    this.#held = undefined
    if (!this.destroyed) this.finish()
  }

  override _read(): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) {
      this.push(held.view())
      if (this.#ended) this.push(null)
    } else this.#wanting = true
    this.#onAsked()
  }
}
