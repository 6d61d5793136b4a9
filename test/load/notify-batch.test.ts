/** Frames beside bytes that are written by hand, at the borders of every length of an id (SPOE.txt 3.1). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotifyBatch } from '#src/load/notify-batch.js'

const payload = '016d00' // the message "m" without arguments
/** A batch, and what it has sent. */
function batchOf(room = 4): { batch: NotifyBatch; sent: string[] } {
  const sent: string[] = []
  const batch: NotifyBatch = new NotifyBatch(Buffer.from(payload, 'hex'), room, () => {
    sent.push(batch.view().toString('hex'))
    batch.reset(true)
  })
  return { batch, sent }
}

const ids: readonly (readonly [id: number, bytes: string])[] = [
  [0, '00'],
  [239, 'ef'],
  [240, 'f000'],
  [255, 'ff00'],
  [256, 'f001'],
  [2287, 'ff7f'],
  [2288, 'f08000'],
  [264_431, 'ffff7f'],
  [264_432, 'f0808000'],
  [33_818_863, 'ffffff7f'],
  [33_818_864, 'f080808000'],
  [1_073_741_823, 'fff0fefe1e'],
]

function frameOf(idBytes: string): string {
  const content = `0300000001${idBytes}01${payload}`
  return (content.length / 2).toString(16).padStart(8, '0') + content
}

test('each id has its bytes, one after the other in one buffer', () => {
  for (const [id, bytes] of ids) {
    const { batch } = batchOf()
    batch.add(id)
    assert.equal(batch.view().toString('hex'), frameOf(bytes), String(id))
    batch.add(id)
    assert.equal(batch.view().toString('hex'), frameOf(bytes).repeat(2), String(id))
  }
})

test('ids of another length wait for those before them, and so does what has no room', () => {
  const { batch, sent } = batchOf(2)
  batch.add(239)
  batch.add(3)
  assert.deepEqual(sent, [])
  batch.add(4)
  assert.deepEqual(sent, [frameOf('ef') + frameOf('03')])
  batch.add(240)
  assert.deepEqual(sent.slice(1), [frameOf('04')])
  assert.equal(batch.view().toString('hex'), frameOf('f000'))
  batch.reset(true)
  assert.equal(batch.length, 0)
})

test('bytes that the kernel has not taken are never written again', () => {
  const { batch } = batchOf()
  batch.add(1)
  const held = batch.view()
  batch.reset(false)
  batch.add(2)
  assert.equal(held.toString('hex'), frameOf('01'))
  assert.equal(batch.view().toString('hex'), frameOf('02'))
})
