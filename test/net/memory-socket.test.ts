/** Connections within the process: when what is written arrives, and that nothing arrives within a reader's own work. */
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { connectInProcess, MemorySocket } from '#src/net/memory-socket.js'
import { until } from '../support/until.ts'

/** Both ends, connected, and what each has read. */
async function connect() {
  let theirs: Duplex | undefined
  const read: Record<'ours' | 'theirs', string[]> = { ours: [], theirs: [] }
  const acceptor = {
    accept(stream: Duplex, peer?: string) {
      assert.equal(peer, 'me')
      theirs = stream
      stream.on('data', (chunk: Buffer) => void read.theirs.push(String(chunk)))
    },
  }
  const ours = connectInProcess(acceptor, 'me')
  assert.equal(ours.connecting, true)
  ours.on('data', (chunk: Buffer) => void read.ours.push(String(chunk)))
  await new Promise((resolve) => ours.once('connect', resolve))
  await turn()
  assert.ok(theirs instanceof MemorySocket)
  return { ours, theirs, read }
}

test('what is written has arrived when write() returns, as a copy', async () => {
  const { ours, theirs, read } = await connect()
  const bytes = Buffer.from('one')
  ours.write(bytes)
  assert.deepEqual(read.theirs, ['one'])
  assert.equal(ours.writableLength, 0)
  let kept: Buffer | undefined
  theirs.once('data', (chunk: Buffer) => (kept = chunk))
  ours.write(bytes)
  bytes.write('two')
  assert.equal(String(kept), 'one')
  theirs.write('back')
  assert.deepEqual(read.ours, ['back'])
})

test('nothing arrives within the work on what came before, and the order stays', async () => {
  const { ours, theirs, read } = await connect()
  let atWork = false
  const seen: string[] = []
  theirs.on('data', (chunk: Buffer) => {
    assert.equal(atWork, false)
    atWork = true
    if (String(chunk) === 'first') theirs.write('question')
    seen.push(String(chunk))
    atWork = false
  })
  ours.on('data', (chunk: Buffer) => {
    // Within the other end's work: its answer waits for a later turn, and so does what is written behind it.
    if (String(chunk) === 'question') ours.write('second')
  })
  ours.write('first')
  ours.write('third')
  assert.deepEqual(read.ours, ['question'])
  await until(() => seen.length >= 3)
  assert.deepEqual(seen, ['first', 'second', 'third'])
})

test('a reader that pauses holds up the writer, and loses nothing', async () => {
  const { ours, theirs, read } = await connect()
  theirs.pause()
  const piece = 'x'.repeat(40_000)
  let writable = true
  let written = 0
  while (writable) {
    writable = ours.write(piece)
    written++
  }
  assert.ok(written > 1 && written < 10, `${written} pieces`)
  assert.deepEqual(read.theirs, [])
  const drained = new Promise((resolve) => ours.once('drain', resolve))
  theirs.resume()
  await drained
  ours.end('end')
  await new Promise((resolve) => theirs.once('end', resolve))
  const all = read.theirs.join('')
  assert.equal(all.length, written * piece.length + 3)
  assert.ok(all.endsWith('end'))
})

test('each end may go at any time', async () => {
  for (const who of ['ours', 'theirs'] as const) {
    const ends = await connect()
    const other = who === 'ours' ? ends.theirs : ends.ours
    const gone = new Promise((resolve) => other.once('close', resolve))
    other.on('error', () => {})
    other.on('end', () => other.destroy())
    ends[who].once('data', () => ends[who].destroy())
    other.write('go')
    await gone
    assert.ok(ends[who].destroyed)
  }
})

test('what accept() throws is thrown', () => {
  const acceptor = {
    accept() {
      throw new Error('closed')
    },
  }
  assert.throws(() => connectInProcess(acceptor, 'me'), /closed/)
})
