/** What a gateway can make a responder hold, and for how long. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { createFcgiResponder } from 'sluice/fcgi'
import type { FcgiContext, FcgiError, FcgiHandler, FcgiResponderOptions } from 'sluice/fcgi'
import { until } from '../../support/until.ts'
import { begin, connectPeer, record, request, tempDir } from '../support.ts'
import type { Peer } from '../support.ts'

async function start(
  t: TestContext,
  onRequest: FcgiHandler,
  options: Omit<FcgiResponderOptions, 'onRequest'> = {},
) {
  const responder = createFcgiResponder({ onRequest, ...options })
  t.after(() => responder.destroy())
  const path = join(tempDir(t), 'r.sock')
  await responder.listen(path)
  return { responder, open: () => connectPeer(t, { path }) }
}

const answer = async (peer: Peer, id: number) =>
  (await peer.until('END', id))
    .filter((each) => each.type === 'STDOUT' && each.id === id)
    .map((each) => each.content.toString('latin1'))
    .join('')

const readAll: FcgiHandler = async ({ stdin }) => ({ body: await text(stdin) })

describe('a request whose STDIN does not end', () => {
  it('does not take a place for good: 16 connections with 64 of them each', async (t) => {
    const { open, responder } = await start(t, readAll, { stdinTimeout: 2500 })
    const peers: Peer[] = []
    for (let count = 0; count < 16; count++) {
      const peer = await open()
      for (let id = 1; id <= 64; id++) peer.send(request(id, { A: 'b' }, null))
      peers.push(peer)
    }
    const other = await open()
    await until(() => responder.stats.requests >= 1024)
    other.send(request(1, {}))
    assert.equal((await other.until('END', 1)).at(-1)?.content[4], 2, 'OVERLOADED')
    for (const peer of peers) {
      for (let id = 1; id <= 64; id++) assert.match((await answer(peer, id)).toString(), /^Status: 408 /)
    }
    assert.equal(responder.stats.active, 0)
    other.send(request(3, {}, 'x'))
    assert.match(await answer(other, 3), /x$/)
    // What the gateway still sends for it is skipped.
    peers[0]?.send(record('STDIN', 1, 'late'), record('STDIN', 1), request(99, {}, 'y'))
    assert.match(await answer(peers[0] as Peer, 99), /y$/)
  })

  it('tells its handler, by signal and by stdin', async (t) => {
    const seen: string[] = []
    const { open } = await start(
      t,
      async ({ stdin, signal }) => {
        signal.addEventListener('abort', () => seen.push((signal.reason as FcgiError).code))
        await text(stdin).catch((error: FcgiError) => seen.push(error.code))
      },
      { stdinTimeout: 30 },
    )
    const peer = await open()
    peer.send(request(1, {}, null))
    assert.match(await answer(peer, 1), /^Status: 408 /)
    assert.deepEqual(seen, ['ERR_FCGI_STDIN_TIMEOUT', 'ERR_FCGI_STDIN_TIMEOUT'])
  })

  for (const [what, handler] of [
    ['does not read', async () => sleep(120).then(() => ({ body: 'done' }))],
    [
      'has not read what is there',
      async ({ stdin }: FcgiContext) => {
        stdin.pause()
        await sleep(120)
        return { body: 'done' }
      },
    ],
  ] as const satisfies [string, FcgiHandler][]) {
    it(`may go on while the handler ${what}`, async (t) => {
      const { open } = await start(t, handler, { stdinTimeout: 30 })
      const peer = await open()
      peer.send(request(1, {}, null), record('STDIN', 1, 'some'))
      assert.match(await answer(peer, 1), /^Status: 200 .*done$/s)
    })
  }

  it('may go on while it comes, however slowly', async (t) => {
    const { open } = await start(t, readAll, { stdinTimeout: 500 })
    const peer = await open()
    peer.send(request(1, {}, null))
    for (let count = 0; count < 6; count++) {
      await sleep(110)
      peer.send(record('STDIN', 1, 'x'))
    }
    peer.send(record('STDIN', 1))
    assert.match(await answer(peer, 1), /^Status: 200 .*xxxxxx$/s)
  })
})

describe('parameters that do not end', () => {
  it('are timed for each request, not for the connection', async (t) => {
    const { open } = await start(t, readAll, { paramsTimeout: 400 })
    const peer = await open()
    // There is always one that is not complete, and none of them for long.
    for (let id = 1; id < 10; id++) {
      peer.send(begin(id))
      await sleep(80)
      if (id > 1) peer.send(record('PARAMS', id - 1), record('STDIN', id - 1))
    }
    for (let id = 1; id < 9; id++) assert.match(await answer(peer, id), /^Status: 200 /)
  })
})

describe('a gateway that does not read', () => {
  const large = Buffer.alloc(20_000_000, 'x')
  for (const [what, handler] of [
    ['a body in one piece', () => ({ body: large })],
    ['a stream', () => ({ body: Readable.from(pieces()) })],
    [
      'a handler that waits for room',
      async (context: FcgiContext) => {
        while (!context.signal.aborted) {
          if (!context.write(large.subarray(0, 100_000))) await context.drained()
        }
      },
    ],
  ] as const satisfies [string, FcgiHandler][]) {
    it(`is cut off: ${what}`, async (t) => {
      const { open, responder } = await start(t, handler, { stallTimeout: 60 })
      const peer = await open()
      peer.socket.pause()
      peer.send(request(1, {}))
      await until(() => responder.stats.connections === 0)
      assert.equal(responder.stats.active, 0)
    })
  }

  it('is not cut off while it reads, however slowly', async (t) => {
    const { open } = await start(t, () => ({ body: large.subarray(0, 4_000_000) }), { stallTimeout: 150 })
    const peer = await open()
    peer.socket.pause()
    peer.send(request(1, {}))
    for (let count = 0; count < 15; count++) {
      await sleep(30)
      peer.socket.resume()
      await turn()
      peer.socket.pause()
    }
    peer.socket.resume()
    assert.equal((await answer(peer, 1)).length, 'Status: 200 OK\r\n\r\n'.length + 4_000_000)
  })

  it('gets all of it, even when the connection ends with the request', async (t) => {
    const { open } = await start(t, () => ({ body: large }))
    const peer = await open()
    peer.socket.pause()
    peer.send(request(1, {}, '', { keep: false }))
    await sleep(2300)
    peer.socket.resume()
    assert.equal((await answer(peer, 1)).length, 'Status: 200 OK\r\n\r\n'.length + large.length)
    assert.equal(await peer.next(), undefined)
  })

  for (const [what, records] of [
    ['questions', () => record('GET_VALUES', 0)],
    ['records that nobody knows', () => record(99, 0)],
    ['requests that are refused', (id: number) => begin(id, { role: 3 })],
    ['requests', (id: number) => request(id, {})],
  ] as const) {
    it(`is not answered without bound: ${what}`, async (t) => {
      let served = 0
      const handler: FcgiHandler = () => {
        served++
        return { body: large.subarray(0, 100_000) }
      }
      const { open, responder } = await start(t, handler, {
        maxPendingOutput: 200_000,
        maxRequestsPerConnection: 4,
        stallTimeout: 400,
      })
      const peer = await open()
      peer.socket.pause()
      const flood = Buffer.concat(Array.from({ length: 5000 }, (_, index) => records(index + 1)))
      let taken = 0
      for (let count = 0; count < 100; count++) peer.socket.write(flood, () => (taken += flood.length))
      await sleep(200)
      // What the system holds of the flood and of the answers comes on top.
      assert.ok(taken < 4_000_000, `${taken} bytes were read`)
      assert.ok(served < 40, `${served} requests were served`)
      await until(() => responder.stats.connections === 0)
    })
  }
})

it('what is held of a body costs no more than its bytes, in however small records it comes', async (t) => {
  const { open } = await start(t, async ({ stdin }) => {
    await sleep(200)
    let [chunks, size] = [0, 0]
    for await (const chunk of stdin) {
      chunks++
      size += (chunk as Buffer).length
    }
    return { body: `${size} bytes, ${chunks < 10 ? 'few' : chunks} chunks` }
  })
  const peer = await open()
  const tiny = Array.from({ length: 60_000 }, () => record('STDIN', 1, 'x'))
  peer.send(request(1, {}, null), ...tiny, record('STDIN', 1))
  assert.match(await answer(peer, 1), /60000 bytes, few chunks$/)
})

it('a stream that is answered is let go when the gateway leaves', async (t) => {
  const { open, responder } = await start(t, () => ({ body: new Readable({ read() {} }) }))
  const peer = await open()
  peer.send(request(1, {}))
  await until(() => responder.stats.active > 0)
  peer.socket.destroy()
  await until(() => responder.stats.active === 0)
})

function* pieces(): Generator<Buffer> {
  for (let count = 0; count < 200; count++) yield Buffer.alloc(100_000)
}
