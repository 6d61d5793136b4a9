import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takePiece } from '#src/base/slab.js'

test('pieces have the size that was asked for, and share no byte', () => {
  const sizes = [0, 1, 7, 8, 9, 8191, 8192, 8193, 65_536, 100_000]
  const pieces = Array.from({ length: 500 }, (_, at) => takePiece(sizes[at % sizes.length] ?? 0))
  for (const [at, piece] of pieces.entries()) piece.fill(at & 0xff)
  for (const [at, piece] of pieces.entries()) {
    assert.equal(piece.length, sizes[at % sizes.length])
    assert.ok(piece.every((byte) => byte === (at & 0xff)))
  }
})
