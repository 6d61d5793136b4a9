import { Buffer } from 'node:buffer'
import { takePiece } from './slab.ts'

/** Most that one read brings, in bytes. */
const readSize = 65_536

/** What sockets read into, one after the other: see {@link Lent}. */
export const lentMemory = Buffer.allocUnsafeSlow(readSize)
const { buffer: memory } = lentMemory

/** Reads of a few bytes are often of one size, and to make a view of memory takes as long as to read a short head. */
const longestView = 2048
/** By their lengths; an array with holes would become a table of hashes. */
const views: (Buffer | undefined)[] = Array.from({ length: longestView + 1 }, () => undefined)

/** What a read of so many bytes has brought. */
export function lentView(size: number): Buffer {
  if (size > longestView) return lentMemory.subarray(0, size)
  return (views[size] ??= lentMemory.subarray(0, size))
}

/**
 * Bytes for the time of the call that brings them: they may be in memory that the next read writes again. Every Buffer is
 * one; to make a Buffer of one says whether it is to be looked at meanwhile ({@link lookAt}) or to stay ({@link keep}).
 */
export type Lent = Pick<Buffer, 'length' | 'buffer'>

/** To be read, or copied from, before this call returns; never to be kept, or written to a stream. */
export function lookAt(piece: Lent): Buffer {
  // The only way to get one is from a Buffer.
  return piece as Buffer
}

/** Whether they are there no longer than this call. */
export function isLent(piece: Lent): boolean {
  return piece.buffer === memory
}

/** The same bytes in memory that is never written again: a copy of those that are lent, others as they are. */
export function keep(piece: Lent): Buffer {
  const bytes = lookAt(piece)
  if (!isLent(bytes)) return bytes
  const kept = takePiece(bytes.length)
  bytes.copy(kept)
  return kept
}
