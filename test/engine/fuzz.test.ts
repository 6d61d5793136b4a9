import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEngine, EngineError } from 'sluice/engine'
import { ack, frame, startAgent } from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]

/** Bytes that an agent might send: rubbish, or frames with something wrong in them. */
const hex = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const piece = fc.oneof(
  hex,
  hex.map((bytes) => frame(bytes)),
  hex.map((bytes) => ack('0101', bytes)),
  hex.map((bytes) => ack('0201', bytes, '00000003')),
  hex.map((bytes) => frame(`66 00000001 00 00 ${bytes}`)),
  hex.map((bytes) => frame(`65 00000001 00 00 ${bytes}`)),
)

test('whatever an agent sends and however it is cut, every exchange ends once, with an outcome', async (t) => {
  let answer: { before: string[]; after: string[] } = { before: [], after: [] }
  const agent = await startAgent(t, async (peer) => {
    const { before, after } = answer
    await peer.frame()
    for (const each of before) peer.send(each)
    peer.greetLate()
    peer.onFrame((each) => {
      if (each.type !== 3) return
      for (const bytes of after) peer.send(bytes)
      peer.socket.end()
    })
  })
  const run = async (before: string[], after: string[]) => {
    answer = { before, after }
    const engine = createEngine({
      servers: [agent.address],
      helloTimeout: 200,
      closeTimeout: 1,
      maxFailures: 1,
    })
    const ended: number[] = []
    const exchanges = Array.from({ length: 3 }, async () => {
      const outcome = await engine.send({ messages: check, timeout: 300 })
      ended.push(outcome.status)
      assert.ok(outcome.status === 0 ? outcome.error === undefined : outcome.error instanceof EngineError)
      assert.notEqual(outcome.status, 255)
    })
    await Promise.all(exchanges)
    assert.equal(ended.length, 3)
    await engine.close()
    assert.deepEqual([engine.stats.inFlight, engine.stats.queued, engine.stats.connections], [0, 0, 0])
  }
  const pieces = fc.array(piece, { maxLength: 4 })
  await fc.assert(fc.asyncProperty(fc.constant<string[]>([]), pieces, run), { numRuns: 150 })
  await fc.assert(fc.asyncProperty(pieces, fc.constant<string[]>([]), run), { numRuns: 50 })
})
