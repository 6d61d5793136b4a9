/** Bytes that belong together and are kept back for the capture until the secrets in the whole of them are hidden. */
import { Buffer } from 'node:buffer'

const star = 0x2a

/** A frame, or record, and the part of it that belongs to the whole: a view of the same memory. */
export interface HeldPiece {
  readonly bytes: Buffer
  readonly payload: Buffer
  readonly time: number
}

/** See the head of this file. */
export class HeldPieces {
  #pieces: HeldPiece[] = []
  /** Bytes of all payloads. */
  size = 0

  add(piece: HeldPiece): void {
    this.#pieces.push(piece)
    this.size += piece.payload.length
  }

  /** A copy of the whole. */
  joined(): Buffer {
    return Buffer.concat(this.#pieces.map(({ payload }) => payload))
  }

  /** How long the payloads are. */
  sizes(): number[] {
    return this.#pieces.map(({ payload }) => payload.length)
  }

  /**
   * Gives everything back. `masked` is the whole without secrets, which is put into the pieces; undefined for one that could not
   * be read: nothing of it is shown then.
   */
  release(masked: Buffer | undefined, showSecrets: boolean): readonly HeldPiece[] {
    const held = this.#pieces
    this.#pieces = []
    this.size = 0
    if (showSecrets) return held
    let at = 0
    for (const { payload } of held) {
      if (masked === undefined || at + payload.length > masked.length) payload.fill(star)
      else masked.copy(payload, 0, at, at + payload.length)
      at += payload.length
    }
    return held
  }
}
