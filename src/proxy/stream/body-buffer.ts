import { Buffer } from 'node:buffer'
import { keep } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'

/** The beginning of a request body, kept until the rules have seen it. */
export class BodyBuffer {
  readonly pieces: Buffer[] = []
  size = 0

  add(pieces: readonly Lent[]): void {
    for (const piece of pieces) {
      this.pieces.push(keep(piece))
      this.size += piece.length
    }
  }

  /** All of it in one piece; undefined when there is nothing. */
  get bytes(): Buffer | undefined {
    return this.size === 0 ? undefined : Buffer.concat(this.pieces, this.size)
  }
}
