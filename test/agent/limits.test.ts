/** Every wait for a peer ends, and every limit holds what its name says, as memory. */
import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import {
  ack,
  agentHello,
  frame,
  hello,
  idsOf,
  notify,
  notifyStart,
  Peer,
  readDisconnect,
  unset,
  unsetFin,
} from '../support/peer.ts'
import { until } from '../support/until.ts'
import { deferred, stage } from './support.ts'

const question = notify('01 01', '01 "m" 00')

/** A NOTIFY of `size` bytes of payload and a few more; two bytes of varint say up to 2287. */
function large(ids: string, size = 2000): Buffer {
  const rest = (size - 240) >> 4
  const length = Buffer.of(
    (size & 15) | 240,
    (rest & 127) | (rest >= 128 ? 128 : 0),
    ...(rest >= 128 ? [(rest - 128) >> 7] : []),
  )
  return frame(`03 00000001 ${ids} 01 "m" 01 01 "a" 09 ${length.toString('hex')} ${'00'.repeat(size)}`)
}

/** A stream whose other end reads nothing. It keeps what it was given, as a socket does. */
class StuckSocket extends Duplex {
  readonly #kept = new Set<ArrayBufferLike>()

  override _read(): void {}

  override _write(chunk: Buffer): void {
    this.#kept.add(chunk.buffer)
  }

  override _writev(chunks: { readonly chunk: Buffer }[]): void {
    for (const { chunk } of chunks) this.#kept.add(chunk.buffer)
  }

  /** Bytes of memory behind what the stream holds: what it has in hand, and what it has not. */
  get memory(): number {
    const handed = [...this.#kept].reduce((sum, each) => sum + each.byteLength, 0)
    return handed + this.writableLength
  }
}

/** A stream whose other end reads when it is told to. */
class GatedSocket extends Duplex {
  shut = false
  given = 0
  #waiting: (() => void) | undefined

  // What Node.js thinks enough has changed from version to version.
  constructor() {
    super({ highWaterMark: 16_384 })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.given += chunk.length
    if (this.shut) this.#waiting = done
    else done()
  }

  open(): void {
    this.shut = false
    this.#waiting?.()
  }
}

describe('a peer that does not read', { concurrency: 6 }, () => {
  for (const burst of [1500, 50]) {
    it(`is not read from: ${burst} questions at a time`, async (t) => {
      const { open, agent } = await stage(t, { maxPendingOutput: 100_000 }, (it) =>
        it.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000))),
      )
      const peer = await open()
      peer.socket.pause()
      // More than all buffers on the way hold: without a pause, the agent would go on reading and drop what it cannot take.
      const count = 1500
      const one = large('01 01', 15_000)
      for (let sent = 0; sent < count; sent += burst)
        peer.send(Buffer.concat(Array.from({ length: burst }, () => one)))
      await until(async () => {
        const { received } = agent.stats.bytes
        await sleep(150)
        return received > 1000 && received === agent.stats.bytes.received
      }, 'it reads no more')
      assert.ok(peer.socket.writableLength > 0, 'all was read')
      const { acks } = agent.stats.frames
      assert.ok(acks < count)
      // Nothing of it is lost.
      peer.socket.resume()
      await until(() => agent.stats.frames.acks === count, 'the rest is answered')
      peer.close()
    })
  }

  for (const size of [15_000, 2000, 10]) {
    it(`costs no more memory than maxPendingOutput, with answers of ${size} bytes that come later`, async (t) => {
      const maxPendingOutput = 300_000
      const agent = createAgent({ maxPendingOutput })
      t.after(() => agent.destroy())
      const answer = deferred()
      agent.message('m', async (_, actions) => {
        await answer.promise
        actions.setVar('txn', 'x', 'y'.repeat(size))
      })
      const socket = new StuckSocket()
      agent.accept(socket)
      socket.push(hello())
      const asked = 900
      for (let id = 0; id < asked; id++) socket.push(notify(idsOf(id), '01 "m" 00'))
      await until(() => agent.stats.inFlight === asked)
      answer.resolve()
      await until(() => agent.stats.inFlight === 0)
      await sleep(1600)
      assert.ok(socket.destroyed || socket.memory <= maxPendingOutput, `${socket.memory} bytes`)
      // More than the limit is unread: there is no other way than to cut it.
      assert.equal(socket.destroyed, size * asked > maxPendingOutput)
      assert.equal(agent.stats.errors['ERR_AGENT_STALLED'], size * asked > maxPendingOutput ? 1 : undefined)
    })

    it(`costs no more than that with answers of ${size} bytes, one a turn`, async (t) => {
      const maxPendingOutput = 300_000
      const agent = createAgent({ maxPendingOutput })
      t.after(() => agent.destroy())
      agent.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(size)))
      const socket = new StuckSocket()
      agent.accept(socket)
      socket.push(hello())
      let pushed = 0
      while (pushed < 20_000 && !socket.isPaused()) {
        socket.push(question)
        if (++pushed % 20 === 0) await new Promise(setImmediate)
      }
      await new Promise(setImmediate)
      assert.ok(socket.memory <= maxPendingOutput, `${socket.memory} bytes`)
      // With small answers the pause comes when as many bytes wait: not for the sake of buffers that are nearly empty.
      if (size > 100) assert.ok(socket.isPaused())
    })
  }

  it('is cut off after stallTimeout, also when little waits for it and it asks no more', async (t) => {
    const agent = createAgent({ stallTimeout: 100 })
    t.after(() => agent.destroy())
    agent.message('m', (_, actions) => void actions.setVar('txn', 'x', 1))
    const sockets = [new StuckSocket(), new StuckSocket()]
    for (const socket of sockets) agent.accept(socket)
    await agent.listen('127.0.0.1:0') // begins to look at the time
    for (const socket of sockets) socket.push(hello())
    sockets[0]?.push(question)
    await until(() => agent.stats.connections.active === 0)
    assert.equal(agent.stats.errors['ERR_AGENT_STALLED'], 2)
  })

  it('is not cut off while it reads, however slowly', async (t) => {
    const { open, agent } = await stage(t, { stallTimeout: 600, maxPendingOutput: 100_000 }, (it) =>
      it.message('m', (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000))),
    )
    const peer = await open()
    peer.send(...Array.from({ length: 2000 }, () => question))
    for (let count = 0; count < 6; count++) {
      peer.socket.pause()
      await sleep(300)
      peer.socket.resume()
      await sleep(20)
    }
    await peer.frames(2000)
    assert.equal(agent.stats.errors['ERR_AGENT_STALLED'], undefined)
  })
})

describe('what a peer has begun and does not finish', { concurrency: 16 }, () => {
  const drops = (bytes: Buffer) => async (peer: Peer) => {
    for (const byte of bytes) {
      if (peer.over !== undefined || peer.unread > 0) return
      peer.send(Buffer.of(byte))
      await sleep(40)
    }
  }
  const cases: readonly (readonly [what: string, send: (peer: Peer) => unknown])[] = [
    ['half a frame', (peer) => peer.send(question.subarray(0, 8))],
    ['two bytes of a length', (peer) => peer.send(question.subarray(0, 2))],
    ['a frame in drops', drops(large('01 01'))],
    ['a payload in fragments', (peer) => peer.send(notifyStart('01 01', '01 "m"'))],
    [
      'a payload whose second fragment is half',
      (peer) => peer.send(notifyStart('01 01', '01 "m"'), unset('01 01', '00').subarray(0, 6)),
    ],
    [
      'a payload in fragments that never end',
      async (peer) => {
        peer.send(notifyStart('01 01', '01 "m"'))
        for (let count = 0; count < 100 && peer.unread === 0 && peer.over === undefined; count++) {
          peer.send(unset('01 01', '00'))
          await sleep(20)
        }
      },
    ],
    ['a frame behind others', (peer) => peer.send(question, question, question.subarray(0, 8))],
  ]
  for (const [what, send] of cases) {
    it(`ends after receiveTimeout, with status 2: ${what}`, async (t) => {
      const { open, agent } = await stage(t, { receiveTimeout: 100 }, (it) => it.message('m', () => {}))
      const peer = await open()
      const sending = send(peer)
      let last = await peer.frame()
      while (last[4] === 103) last = await peer.frame() // ACKs of what was whole
      assert.equal(readDisconnect(last).status, 2)
      await peer.ended()
      await sending
      assert.equal(agent.stats.errors['ERR_AGENT_RECEIVE_TIMEOUT'], 1)
    })
  }

  it('is no matter as long as frames become whole, wherever chunks end', async (t) => {
    const { open, agent } = await stage(t, { receiveTimeout: 600 }, (it) => it.message('m', () => {}))
    const peer = await open()
    peer.send(question.subarray(0, 8))
    for (let count = 0; count < 30; count++) {
      await sleep(40)
      peer.send(question.subarray(8), question.subarray(0, 8))
    }
    peer.send(question.subarray(8))
    assert.deepEqual(
      await peer.frames(31),
      Array.from({ length: 31 }, () => ack('01 01')),
    )
    assert.deepEqual(agent.stats.errors, {})
  })

  it('is no matter when the payloads that follow one another become whole', async (t) => {
    const { open, agent } = await stage(t, { receiveTimeout: 600 }, (it) => it.message('m', () => {}))
    const peer = await open()
    peer.send(notifyStart('01 01', '01 "m"'))
    for (let count = 0; count < 30; count++) {
      await sleep(40)
      peer.send(unsetFin('01 01', '00'), notifyStart('01 01', '01 "m"'))
    }
    peer.send(unsetFin('01 01', '00'))
    await peer.frames(31)
    assert.deepEqual(agent.stats.errors, {})
  })

  it('is not held against a peer that is not read from', async (t) => {
    const answer = deferred()
    const { open, agent } = await stage(t, { receiveTimeout: 100, maxPendingInput: 1, deadline: 0 }, (it) =>
      it.message('m', () => answer.promise),
    )
    const peer = await open()
    peer.send(question, question, question.subarray(0, 8))
    await until(() => agent.stats.inFlight === 1)
    await sleep(1200)
    assert.deepEqual(agent.stats.errors, {})
    answer.resolve()
    peer.send(question.subarray(8))
    assert.equal((await peer.frames(3)).length, 3)
  })

  it('is not held against a peer that this process was too busy to read from', async (t) => {
    const { agent, connect, open } = await stage(t, { handshakeTimeout: 300, receiveTimeout: 300 }, (it) =>
      it.message('m', () => {}),
    )
    const late = await open()
    late.send(question.subarray(0, 9))
    await until(() => agent.stats.bytes.received > hello().length)
    const fresh = await connect()
    await until(() => agent.stats.connections.active === 2)
    // Both are in time: their bytes are in the kernel before the loop is busy for longer than a look at the clock takes.
    fresh.send(hello())
    late.send(question.subarray(9))
    const end = performance.now() + 900
    while (performance.now() < end);
    assert.deepEqual(await fresh.frame(), agentHello())
    assert.deepEqual(await late.frame(), ack('01 01'))
    assert.deepEqual(agent.stats.errors, {})
  })

  it('has its whole time again when we read again', async (t) => {
    const answer = deferred()
    const { open, agent } = await stage(t, { receiveTimeout: 1000, maxPendingOutput: 1 }, (it) =>
      it.message('m', async (_, actions) => {
        await answer.promise
        actions.setVar('txn', 'x', 'y'.repeat(1000))
      }),
    )
    const socket = new GatedSocket()
    agent.accept(socket)
    await open() // the agent looks at the time
    socket.push(hello())
    await until(() => socket.given > 0)
    socket.shut = true
    for (let id = 10; id < 40; id++) socket.push(notify(idsOf(id), '01 "m" 00'))
    socket.push(notifyStart('02 01', '01 "m"'))
    await until(() => agent.stats.inFlight === 30)
    answer.resolve() // their answers are over half of the limit
    await until(() => agent.stats.inFlight === 0)
    socket.push(unset('02 01', '01'))
    await until(() => socket.isPaused())
    await sleep(1600)
    socket.open()
    await until(() => !socket.isPaused())
    await sleep(700)
    assert.deepEqual(agent.stats.errors, {})
    socket.push(unsetFin('02 01', '01 "a" 00'))
    await until(() => agent.stats.fragments.joined === 1)
  })
})

describe('maxPendingInput', () => {
  it('stops the reading while handlers keep that much, and loses nothing', async (t) => {
    const waiting: ReturnType<typeof deferred<void>>[] = []
    const { open, agent } = await stage(
      t,
      { maxPendingInput: 200_000, deadline: 0, maxInFlight: 100_000, maxInFlightPerConnection: 100_000 },
      (it) =>
        it.message('m', () => {
          const each = deferred()
          waiting.push(each)
          return each.promise
        }),
    )
    const peer = await open()
    const count = 2500
    peer.send(Buffer.concat(Array.from({ length: count }, (_, id) => large(idsOf(id))))) // 5 MB
    let most = 0
    let answered = 0
    while (answered < count) {
      await until(() => waiting.length > 0)
      await sleep(5)
      most = Math.max(most, waiting.length)
      const done = waiting.splice(0)
      answered += done.length
      for (const each of done) each.resolve()
    }
    // The chunk that goes over the limit is read, and no more: 64 KiB of a socket's.
    assert.ok(most * 2000 <= 200_000 + 70_000, `${most} at once`)
    await peer.frames(count)
    assert.equal(agent.stats.inFlight, 0)
  })

  it('counts what is let go when the connection ends, or goes to a sibling', async (t) => {
    const answers: ReturnType<typeof deferred<void>>[] = []
    const { open, agent } = await stage(t, { maxPendingInput: 1, async: true, deadline: 0 }, (it) =>
      it.message('m', () => {
        const each = deferred()
        answers.push(each)
        return each.promise
      }),
    )
    const first = await open()
    const sibling = await open()
    first.send(question)
    await until(() => answers.length === 1)
    first.end()
    await until(() => agent.stats.connections.active === 1)
    // The sibling holds the message of the first: it is not read from.
    sibling.send(question)
    await sleep(30)
    // What came in the chunk that was read already is asked when there is room.
    answers[0]?.resolve()
    await sibling.frame()
    await until(() => answers.length === 2)
    answers[1]?.resolve()
    await sibling.frame()
  })
})
