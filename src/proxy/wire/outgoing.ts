/** Gathers a head and what follows it into one write. */
import { writeLatin1 } from '../../bytes/latin1.ts'
import { lookAt } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'
import { takePiece } from '../../base/slab.ts'
import { formatChunkSize, formatLastChunk } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'

/** What leaves together: latin1 text, pieces of a body, latin1 text; each of them may be empty. */
export interface Parcel {
  readonly before: string
  readonly pieces: readonly Lent[]
  readonly after: string
  /** Bytes of all of it. */
  readonly size: number
}

/**
 * `head` (latin1 text, may be empty) followed by the pieces of a body: as they are, or as one chunk, and the end of a
 * chunked body when `done`.
 */
export function frame(
  head: string,
  pieces: readonly Lent[],
  chunked: boolean,
  done: boolean,
  trailers?: HeaderList,
): Parcel {
  let size = 0
  for (const piece of pieces) size += piece.length
  if (!chunked) return { before: head, pieces, after: '', size: head.length + size }
  const before = size > 0 ? head + formatChunkSize(size) : head
  const after = (size > 0 ? '\r\n' : '') + (done ? formatLastChunk(trailers) : '')
  return { before, pieces, after, size: before.length + size + after.length }
}

/** Copies all of it to the beginning of `bytes`. */
export function pack(bytes: Buffer, { before, pieces, after }: Parcel): void {
  let at = before === '' ? 0 : writeLatin1(bytes, before, 0)
  for (const piece of pieces) {
    bytes.set(lookAt(piece), at)
    at += piece.length
  }
  if (after !== '') writeLatin1(bytes, after, at)
}

/** The bytes of it: a single piece as it is, else copied. Undefined when there is nothing to send. */
export function gather(parcel: Parcel): Lent | undefined {
  const { before, pieces, after, size } = parcel
  if (before === '' && after === '' && pieces.length === 1) return pieces[0]
  if (size === 0) return undefined
  const bytes = takePiece(size)
  pack(bytes, parcel)
  return bytes
}
