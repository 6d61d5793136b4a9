import { Buffer } from 'node:buffer'

const slabSize = 262_144
/** Larger pieces have memory of their own. */
const largest = 32_768

let slab = Buffer.allocUnsafeSlow(slabSize).buffer
let used = 0

/**
 * Memory for what is sent on or read within a moment, not cleared. Small pieces are cut from one slab, which none of them
 * is given back to: making a slab costs as much as the work of dozens of messages, and Node.js's own holds seven
 * of 1 KB. A piece keeps its slab alive, so what stays for long is copied.
 */
export function takePiece(size: number): Buffer {
  if (size > largest) return Buffer.allocUnsafeSlow(size)
  if (used + size > slabSize) {
    slab = Buffer.allocUnsafeSlow(slabSize).buffer
    used = 0
  }
  const at = used
  // Whole words: what copies into a piece is quicker.
  used = at + ((size + 7) & ~7)
  return Buffer.from(slab, at, size)
}
