/** The pair in memory behaves as a TCP connection does, where tests rely on it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { createSocketPair, type MemorySocket } from 'sluice/testing'

function pair(t: TestContext): [MemorySocket, MemorySocket] {
  const ends = createSocketPair()
  t.after(() => ends.forEach((end) => end.destroy()))
  return ends
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('one write is one chunk, and comes in a later turn', async (t) => {
  const [left, right] = pair(t)
  const chunks: string[] = []
  right.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  left.write('one')
  left.write('two')
  assert.deepEqual(chunks, [])
  await turn()
  await turn()
  assert.deepEqual(chunks, ['one', 'two'])
})

test('a writer may use its buffer again at once', async (t) => {
  const [left, right] = pair(t)
  const bytes = Buffer.from('good')
  left.write(bytes)
  assert.equal(left.writableLength, 0)
  bytes.fill('x')
  const [chunk] = (await once(right, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'good')
})

test('an end that was ended still receives', async (t) => {
  const [left, right] = pair(t)
  left.end()
  right.resume()
  await once(right, 'end')
  right.write('later')
  const [chunk] = (await once(left, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'later')
})

test('destroying is a FIN, and what was written before it arrives', async (t) => {
  const [left, right] = pair(t)
  left.write('last words')
  left.destroy()
  const received: string[] = []
  right.on('data', (chunk: Buffer) => received.push(chunk.toString()))
  await once(right, 'end')
  assert.deepEqual(received, ['last words'])
})

test('a reset is ECONNRESET at the other end, and writing to it EPIPE', async (t) => {
  const [left, right] = pair(t)
  left.resetAndDestroy()
  const [error] = (await once(right, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNRESET')
  const [first, second] = pair(t)
  first.destroy()
  second.write('x')
  const [broken] = (await once(second, 'error')) as [NodeJS.ErrnoException]
  assert.equal(broken.code, 'EPIPE')
})

test('who does not read makes the writer wait', async (t) => {
  const [left, right] = pair(t)
  const chunk = Buffer.alloc(16_384)
  let wrote = 0
  while (left.write(chunk) && wrote < 100) wrote++
  assert.ok(wrote < 100)
  assert.ok(left.writableLength > 0)
  let received = 0
  right.on('data', (bytes: Buffer) => (received += bytes.length))
  await once(left, 'drain')
  await turn()
  assert.equal(received, (wrote + 1) * chunk.length)
})

test('it can connect later, as a socket does', async (t) => {
  const [left] = pair(t)
  left.connectLater()
  assert.equal(left.connecting, true)
  await once(left, 'connect')
  assert.equal(left.connecting, false)
})

test('destroySoon sends everything first', async (t) => {
  const [left, right] = pair(t)
  left.write('x'.repeat(200_000))
  left.destroySoon()
  let size = 0
  right.on('data', (bytes: Buffer) => (size += bytes.length))
  await once(right, 'end')
  assert.equal(size, 200_000)
  if (!left.destroyed) await once(left, 'close')
})
