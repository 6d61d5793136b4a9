/** Gathers a head and what follows it into one write. */
import { writeLatin1 } from '../../bytes/latin1.ts'
import { takePiece } from '../../base/slab.ts'
import { formatChunkSize, formatLastChunk } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'

/**
 * The bytes of `head` (latin1 text, may be empty) followed by the pieces of a body: as they are, or as one chunk, and
 * the end of a chunked body when `done`. Undefined when there is nothing to send.
 */
export function gather(
  head: string,
  pieces: readonly Buffer[],
  chunked: boolean,
  done: boolean,
  trailers?: HeaderList,
): Buffer | undefined {
  let size = 0
  for (const piece of pieces) size += piece.length
  if (head === '' && !chunked && pieces.length === 1) return pieces[0]
  const before = chunked && size > 0 ? head + formatChunkSize(size) : head
  const after = chunked ? (size > 0 ? '\r\n' : '') + (done ? formatLastChunk(trailers) : '') : ''
  const total = before.length + size + after.length
  if (total === 0) return undefined
  const bytes = takePiece(total)
  let at = before === '' ? 0 : writeLatin1(bytes, before, 0)
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  if (after !== '') writeLatin1(bytes, after, at)
  return bytes
}
