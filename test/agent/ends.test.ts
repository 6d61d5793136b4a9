/** How connections end, where several things come together: a FIN while nothing is read, answers that wait for a slow peer. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { describe, it, mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import { Closing } from '#src/agent/closing.js'
import { ack, frame, haproxyDisconnect, hello, notify, readDisconnect, type Peer } from '../support/peer.ts'
import { until } from '../support/until.ts'
import { stage, SpySocket } from './support.ts'

const question = notify('01 01', '01 "m" 00')

describe('a FIN that comes while nothing is read', () => {
  const count = 1000

  for (const kind of ['TCP', 'a unix socket'])
    it(`comes behind the questions before it, which are answered: ${kind}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'ends-'))
      const { agent, port, connect } = await stage(t, { maxPendingOutput: 1 }, (it) =>
        it.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000))),
      )
      t.after(() => rmSync(folder, { recursive: true }))
      if (kind !== 'TCP') await agent.listen(`${folder}/socket`)
      const peer = await connect(kind === 'TCP' ? { port } : { path: `${folder}/socket` })
      await peer.greet()
      peer.socket.pause()
      peer.send(...Array.from({ length: count }, () => question))
      peer.end()
      await until(() => agent.stats.frames.acks > 10)
      // Whoever is greeted behind it finds it read.
      await (await connect()).greet()
      assert.ok(agent.stats.frames.acks < count, 'the output was full')
      peer.socket.resume()
      await peer.frames(count)
      assert.equal(await peer.ended(), 'end')
      assert.deepEqual(agent.stats.errors, {})
    })

  it('comes behind half a frame, which is told', async (t) => {
    let answer: () => void = () => {}
    const { agent, open, connect } = await stage(t, { maxPendingInput: 1, deadline: 0 }, (it) =>
      it.message('m', () => new Promise<void>((resolve) => (answer = resolve))),
    )
    const peer = await open()
    peer.send(question, question.subarray(0, 9))
    peer.end()
    await until(() => agent.stats.inFlight === 1)
    await (await connect()).greet()
    answer()
    assert.deepEqual(await peer.frame(), ack('01 01'))
    assert.equal(readDisconnect(await peer.frame()).status, 4)
    assert.deepEqual(agent.stats.errors, { ERR_SPOP_TRUNCATED: 1 })
  })

  it('comes behind a question that is held like the one before it', async (t) => {
    const answers: (() => void)[] = []
    const { agent, open, connect } = await stage(t, { maxPendingInput: 1, deadline: 0 }, (it) =>
      it.message('m', () => new Promise<void>((resolve) => answers.push(resolve))),
    )
    const peer = await open()
    peer.send(question, notify('02 01', '01 "m" 00'))
    peer.end()
    await until(() => agent.stats.inFlight === 1)
    await (await connect()).greet()
    answers[0]?.()
    assert.deepEqual(await peer.frame(), ack('01 01'))
    await until(() => answers.length === 2)
    answers[1]?.()
    assert.deepEqual(await peer.frame(), ack('02 01'))
    assert.equal(await peer.ended(), 'end')
  })
})

/** A stream that keeps what is written until it is told to go on. */
class SlowSocket extends Duplex {
  #done: (() => void) | undefined

  override _read(): void {}

  override _write(_: Buffer, __: BufferEncoding, done: () => void): void {
    this.#done = done
  }

  /** The peer has read. */
  async readAll(): Promise<void> {
    this.#done?.()
    await new Promise(setImmediate)
  }
}

describe('a peer that was told', () => {
  it('has its second when it has read everything, however long that takes', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    const socket = new SlowSocket()
    const closing = new Closing(socket, 10)
    socket.write('all answers')
    closing.endSoon()
    mock.timers.tick(10)
    assert.ok(socket.writableEnded)
    mock.timers.tick(60_000)
    assert.equal(socket.destroyed, false)
    await socket.readAll()
    mock.timers.tick(1009)
    assert.equal(socket.destroyed, false)
    mock.timers.tick(1)
    assert.equal(socket.destroyed, true)
  })

  it('that is gone meanwhile leaves no timer', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    const socket = new SlowSocket()
    const closing = new Closing(socket, 10)
    socket.write('all answers')
    closing.end()
    closing.endSoon()
    socket.destroy()
    closing.clear()
    await new Promise(setImmediate)
    mock.timers.tick(60_000)
    assert.equal(socket.destroyed, true)
  })
})

it('a connection that was told of a fault is read on, so that what it is told arrives', async (t) => {
  const { agent } = await stage(t, { maxPendingOutput: 1 }, (it) =>
    it.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000))),
  )
  /** The peer reads nothing: after two answers and the farewell the output is full. */
  class Full extends SpySocket {
    override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
      if (this.writes.length === 0) super._write(chunk, encoding, done)
      else this.writes.push(Buffer.from(chunk))
    }
  }
  const socket = new Full()
  agent.accept(socket)
  socket.arrive(hello())
  await until(() => socket.writes.length === 1)
  socket.arrive(question, question, frame('03 00'))
  await until(() => socket.writableEnded)
  assert.ok(socket.writableLength > 30_000)
  assert.equal(socket.isPaused(), false)
})

it('a stream that was closed before it was accepted is no connection', async () => {
  const agent = createAgent({ logger: false, closeTimeout: 60_000 })
  const socket = new SpySocket()
  socket.destroy()
  await once(socket, 'close')
  agent.accept(socket)
  assert.equal(agent.stats.connections.active, 0)
  await agent.close()
})

describe('with async, a connection that ends while the agent closes', () => {
  const ends: Record<string, (peer: Peer) => void> = {
    'a reset': (peer) => peer.reset(),
    'HAPROXY-DISCONNECT': (peer) => peer.send(haproxyDisconnect),
  }
  for (const [how, end] of Object.entries(ends))
    it(`leaves its question to another that is still there: ${how}`, async (t) => {
      const answers: (() => void)[] = []
      const { agent, open } = await stage(t, { async: true, deadline: 0 }, (it) =>
        it.message('m', () => new Promise<void>((resolve) => answers.push(resolve))),
      )
      const [asking, sibling] = [await open(), await open()]
      asking.send(question)
      await until(() => answers.length === 1)
      sibling.send(notify('02 01', '01 "m" 00'))
      await until(() => answers.length === 2)
      const closed = agent.close()
      await nextTurn()
      end(asking)
      if (how === 'a reset') await until(() => agent.stats.connections.active === 1)
      else assert.equal((await asking.farewell()).status, 0)
      for (const answer of answers) answer()
      assert.deepEqual(await sibling.frames(2), [ack('01 01'), ack('02 01')])
      assert.equal((await sibling.farewell()).status, 0)
      asking.close()
      sibling.close()
      await closed
    })
})
