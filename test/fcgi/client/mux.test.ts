/** One connection for an owner who makes connections himself, driven as a proxy drives it. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { lentMemory, lentView } from '#src/base/lent.js'
import { FcgiMux, resolveMuxOptions } from '#src/fcgi/client/mux.js'
import { LingeringSocket } from '#src/net/lingering-socket.js'
import type { FcgiMuxOptions, MuxExchange } from '#src/fcgi/client/mux.js'
import type { FcgiError, FcgiRequest } from 'sluice/fcgi'
import { begin, end, pair, record, reply, startApp } from '../support.ts'
import type { Peer } from '../support.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../../support/php-fpm.ts'
import { until } from '../../support/until.ts'

async function connected<T extends Socket>(t: TestContext, socket: T): Promise<T> {
  t.after(() => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.removeAllListeners()
  return socket
}

const plain = (t: TestContext, path: string) => connected(t, connect({ path, allowHalfOpen: true }))
const lingering = (t: TestContext, path: string) => connected(t, new LingeringSocket().connect({ path }))

/** A connection whose owner writes down what it hears. */
function watch(socket: Socket, options: FcgiMuxOptions = {}) {
  const seen: string[] = []
  const mux = new FcgiMux(socket, 'app', resolveMuxOptions({ keepConn: true, ...options }), {
    released: (each) => seen.push(`released, room ${each.room} beside ${each.active}`),
    closed: (each, error) => seen.push(`closed, room ${each.room}: ${error.code}`),
  })
  return { mux, seen }
}

interface Outcome {
  readonly exchange: MuxExchange
  readonly body: string
  readonly error: FcgiError | undefined
}

function run(mux: FcgiMux, request: FcgiRequest = { params: [] }, seen: string[] = []): Promise<Outcome> {
  return new Promise((resolve) => {
    let body = ''
    const over = (error?: FcgiError) => {
      seen.push(error === undefined ? 'ended' : 'failed')
      resolve({ exchange, body, error })
    }
    const exchange = mux.start(request, {
      onHead() {},
      onBody: (chunk) => ((body += chunk.toString()), true),
      onEnd: () => over(),
      onError: over,
    })
  })
}

const summary = ({ exchange: { progress, reused, attempts }, error }: Outcome) => ({
  progress,
  reused,
  attempts,
  code: error?.code,
  notRun: error?.notRun,
})

async function answerAll(peer: Peer): Promise<void> {
  for (let first = await peer.next(); first !== undefined; first = await peer.next()) {
    await peer.until('STDIN', first.id)
    peer.send(reply(first.id))
  }
}

describe('a connection', () => {
  for (const [kind, open] of [
    ['a plain socket', plain],
    ['a lingering socket', lingering],
  ] as const) {
    it(`serves one request after the other, on ${kind}`, async (t) => {
      const app = await startApp(t, answerAll)
      const { mux, seen } = watch(await open(t, app.endpoint))
      assert.deepEqual([mux.room, mux.active, mux.served, mux.answered], [1, 0, 0, false])
      const first = run(mux, undefined, seen)
      assert.deepEqual([mux.room, mux.active, mux.served], [0, 1, 1])
      assert.deepEqual([(await first).body, (await first).exchange.reused], ['hello', false])
      assert.deepEqual([mux.room, mux.active, mux.answered], [1, 0, true])
      const second = await run(mux, undefined, seen)
      assert.deepEqual([second.body, second.exchange.reused], ['hello', true])
      assert.deepEqual(summary(second).progress, 'answered')
      mux.close()
      await sleep(10)
      const served = ['released, room 1 beside 0', 'ended']
      assert.deepEqual(seen, [...served, ...served, 'closed, room 0: ERR_FCGI_CONNECTION_LOST'])
    })
  }

  it('takes more when the application says so', async (t) => {
    const app = await startApp(t, async (peer) => {
      const asked = await peer.expect('GET_VALUES')
      assert.equal(asked.id, 0)
      await peer.until('STDIN', 1)
      peer.send(record('VALUES', 0, pair('FCGI_MPXS_CONNS', '1') + pair('FCGI_MAX_REQS', '7')))
      await peer.until('STDIN', 3)
      peer.send(reply(3), reply(1))
    })
    const { mux, seen } = watch(await plain(t, app.endpoint), { getValues: true, maxRequests: 3 })
    const first = run(mux, undefined, seen)
    await until(() => seen.length > 0)
    assert.deepEqual(seen.splice(0), ['released, room 2 beside 1'])
    await Promise.all([run(mux, undefined, seen), first])
    assert.deepEqual(seen, ['released, room 2 beside 1', 'ended', 'released, room 3 beside 0', 'ended'])
    app.check()
  })

  it('gives back the place of what is aborted, or ends', async (t) => {
    const app = await startApp(t, () => {})
    const single = watch(await plain(t, app.endpoint))
    const handler = { onHead() {}, onBody: () => true, onEnd() {}, onError() {} }
    single.mux.start({ params: [] }, handler).abort()
    assert.deepEqual([single.mux.room, single.mux.active], [0, 0])
    await until(() => single.seen.length > 0)
    assert.deepEqual(single.seen, ['closed, room 0: ERR_FCGI_CONNECTION_LOST'])
    const many = watch(await plain(t, app.endpoint), { multiplex: true, maxRequests: 2 })
    many.mux.start({ params: [] }, handler).abort()
    // The application counts it until it has said END_REQUEST.
    assert.deepEqual(many.seen.splice(0), ['released, room 1 beside 0'])
    app.peers[1]?.send(end(1))
    await until(() => many.seen.length > 0)
    assert.deepEqual(many.seen, ['released, room 2 beside 0'])
  })
})

describe('a request that fails says whether it may be sent again', () => {
  const cases: [string, (peer: Peer) => Promise<void>, object][] = [
    [
      'its new connection ends',
      async (peer) => {
        await peer.request()
        peer.socket.end()
      },
      { progress: 'sent', reused: false, notRun: false },
    ],
    [
      'its kept connection ends',
      async (peer) => {
        peer.send(reply((await peer.request()).id))
        await peer.request()
        peer.socket.end()
      },
      { progress: 'sent', reused: true, notRun: false },
    ],
    [
      'the application had said something',
      async (peer) => {
        peer.send(reply((await peer.request()).id))
        const { id } = await peer.request()
        peer.send(record('STDERR', id, 'oh'))
        peer.socket.end()
      },
      { progress: 'answered', reused: true, notRun: false },
    ],
    [
      'the application has not run it',
      async (peer) => {
        const { id } = await peer.request()
        peer.send(end(id, 2))
      },
      { progress: 'answered', reused: false, notRun: true, code: 'ERR_FCGI_OVERLOADED' },
    ],
  ]
  for (const [what, script, expected] of cases) {
    it(what, async (t) => {
      const app = await startApp(t, script)
      const { mux } = watch(await plain(t, app.endpoint))
      let outcome = await run(mux)
      if (outcome.error === undefined) outcome = await run(mux)
      const usual = { attempts: 1, code: 'ERR_FCGI_CONNECTION_LOST' }
      assert.deepEqual(summary(outcome), { ...usual, ...expected })
      app.check()
    })
  }

  it('the connection had died before', async (t) => {
    const app = await startApp(t, (peer) => void peer.socket.destroy())
    const { mux, seen } = watch(await plain(t, app.endpoint))
    await until(() => seen.length > 0)
    const outcome = await run(mux)
    const expected = { progress: 'unsent', reused: false, attempts: 0, notRun: true }
    assert.deepEqual(summary(outcome), { ...expected, code: 'ERR_FCGI_CONNECTION_LOST' })
  })

  it('the connection dies in the turn in which it came: nothing has been written', async (t) => {
    const app = await startApp(t, answerAll)
    const { mux } = watch(await plain(t, app.endpoint))
    await run(mux)
    const outcome = run(mux)
    mux.destroy()
    const expected = { progress: 'unsent', reused: true, attempts: 1, notRun: true }
    assert.deepEqual(summary(await outcome), { ...expected, code: 'ERR_FCGI_CONNECTION_LOST' })
  })

  for (const [kind, open] of [
    ['a plain socket', plain],
    ['a lingering socket', lingering],
  ] as const) {
    it(`${kind}: the application had closed, and nobody has read that yet: nothing has arrived`, async (t) => {
      const peers: Peer[] = []
      const app = await startApp(t, (peer) => (peers.push(peer), answerAll(peer)))
      const { mux } = watch(await open(t, app.endpoint))
      await run(mux)
      peers[0]?.socket.destroy()
      const expected = { progress: 'unsent', reused: true, attempts: 1, notRun: true }
      assert.deepEqual(summary(await run(mux)), { ...expected, code: 'ERR_FCGI_CONNECTION_LOST' })
    })
  }

  it('it has an answer, and a body that could not be written: its connection takes no other', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id } = await peer.expect('BEGIN')
      peer.send(reply(id))
      peer.socket.destroy()
      exchange.write(Buffer.from('body'))
      exchange.end()
    })
    const { mux, seen } = watch(await lingering(t, app.endpoint))
    const params: FcgiRequest['params'] = [['CONTENT_LENGTH', '4']]
    let exchange!: MuxExchange // before anything can come
    await new Promise<void>((resolve, reject) => {
      const rest = { onHead() {}, onBody: () => true }
      exchange = mux.start({ params, hasBody: true }, { ...rest, onEnd: () => resolve(), onError: reject })
    })
    assert.equal(mux.room, 0)
    await until(() => seen.some((each) => each.startsWith('closed')))
    app.check()
  })

  it('there was no room', async (t) => {
    const app = await startApp(t, answerAll)
    const { mux } = watch(await plain(t, app.endpoint))
    const first = run(mux)
    const { progress, notRun } = summary(await run(mux))
    assert.deepEqual([progress, notRun, (await first).body], ['unsent', true, 'hello'])
  })
})

describe('a body without a length', () => {
  const unsized: FcgiRequest = { params: [['REQUEST_METHOD', 'POST']], hasBody: true }
  const start = (mux: FcgiMux, seen: string[]) =>
    mux.start(unsized, {
      onHead() {},
      onBody: () => true,
      onEnd: () => seen.push('ended'),
      onError: ({ code, notRun }) => seen.push(`failed: ${code}, ${notRun}`),
    })

  it('takes the place of its request while it is gathered', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id, params, body } = await peer.request()
      assert.deepEqual([params.get('CONTENT_LENGTH'), body], ['6', 'abcdef'])
      peer.send(reply(id))
    })
    const { mux, seen } = watch(await plain(t, app.endpoint))
    const exchange = start(mux, seen)
    assert.deepEqual([mux.room, mux.active, mux.served, exchange.progress], [0, 1, 0, 'unsent'])
    exchange.write(Buffer.from('abc'))
    exchange.write(Buffer.from('def'))
    exchange.end()
    assert.deepEqual([mux.room, mux.active, mux.served, exchange.progress], [0, 1, 1, 'sent'])
    await until(() => seen.length >= 2)
    assert.deepEqual(seen, ['released, room 1 beside 0', 'ended'])
    app.check()
  })

  it('gives the place back when it is too large, or given up', async (t) => {
    const app = await startApp(t, () => {})
    const { mux, seen } = watch(await plain(t, app.endpoint), { maxUnsizedBody: 5 })
    start(mux, seen).write(Buffer.alloc(6))
    start(mux, seen).abort()
    await sleep(1)
    const released = 'released, room 1 beside 0'
    assert.deepEqual(seen.splice(0), [released, released, 'failed: ERR_FCGI_LENGTH_UNKNOWN, false'])
    // Both: who has given it up is told nothing, though the failure came first.
    const both = start(mux, seen)
    both.write(Buffer.alloc(6))
    both.abort()
    await sleep(5)
    assert.deepEqual(seen, [released])
  })

  for (const how of ['dies', 'is closed'] as const) {
    it(`fails as not sent when the connection ${how} meanwhile`, async (t) => {
      const app = await startApp(t, () => {})
      const { mux, seen } = watch(await plain(t, app.endpoint))
      start(mux, seen)
      if (how === 'is closed') mux.close()
      else app.peers[0]?.socket.destroy()
      await until(() => seen.length >= 2)
      const closed = 'closed, room 0: ERR_FCGI_CONNECTION_LOST'
      const failed = 'failed: ERR_FCGI_CONNECTION_LOST, true'
      assert.deepEqual(seen, how === 'dies' ? [closed, failed] : [failed, closed])
    })
  }
})

it('an answer that comes before the application goes away with the request unread is not lost', async (t) => {
  const app = await startApp(t, async (peer) => {
    await peer.expect('BEGIN')
    peer.socket.pause()
    peer.send(reply(1))
    await sleep(20)
    peer.socket.destroy()
  })
  const { mux } = watch(await lingering(t, app.endpoint))
  const outcome = await run(mux, { params: [], body: Buffer.alloc(5_000_000) })
  assert.deepEqual([outcome.body, outcome.error], ['hello', undefined])
})

it('an application that closes over GET_VALUES should not be asked again', async (t) => {
  const app = await startApp(t, async (peer) => {
    await peer.expect('GET_VALUES')
    peer.socket.end()
  })
  const { mux } = watch(await plain(t, app.endpoint), { getValues: true })
  const outcome = await run(mux)
  // It was not the first thing on the connection: GET_VALUES was, so it may be sent again.
  assert.deepEqual([outcome.exchange.reused, mux.refusedValues], [true, true])
})

it('what was held for a caller that had stopped it is told when the connection ends, if it is complete', async (t) => {
  for (const [size, last] of [
    [4, 'end'],
    [5, 'ERR_FCGI_CONNECTION_LOST'],
  ] as const) {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, `Content-Length: ${size}\r\n\r\nabcd`))
    })
    const { mux } = watch(await plain(t, app.endpoint))
    const seen: string[] = []
    const exchange = mux.start(
      { params: [] },
      {
        onHead: () => (seen.push('head'), exchange.pause()),
        onBody: (chunk) => (seen.push(chunk.toString()), false),
        onEnd: () => seen.push('end'),
        onError: ({ code }) => seen.push(code),
      },
    )
    await until(() => seen.length > 0)
    assert.deepEqual(seen, ['head'])
    mux.destroy()
    assert.deepEqual(seen, size === 4 ? ['head', 'abcd', last] : ['head', last])
  }
})

it('records of a peer that is no application end it', async (t) => {
  const app = await startApp(t, async (peer) => {
    await peer.request()
    peer.send(begin(1))
  })
  const { mux, seen } = watch(await plain(t, app.endpoint))
  assert.equal((await run(mux)).error?.code, 'ERR_FCGI_PROTOCOL')
  assert.deepEqual(seen, ['closed, room 0: ERR_FCGI_PROTOCOL'])
})

it('a body without a length that is written from lent memory is gathered as it was', async (t) => {
  for (const unsizedBodyMemory of [0, 1_000_000]) {
    const bodies: string[] = []
    const app = await startApp(t, async (peer) => {
      bodies.push((await peer.request()).body)
      peer.send(reply(1))
    })
    const { mux } = watch(await lingering(t, app.endpoint), { unsizedBodyMemory })
    const ended = new Promise<void>((resolve, reject) => {
      const handler = { onHead() {}, onBody: () => true, onEnd: () => resolve(), onError: reject }
      const exchange = mux.start({ params: [], hasBody: true }, handler)
      for (const letter of ['a', 'b', 'c']) {
        exchange.write(lentView(20_000).fill(letter))
        lentMemory.fill('!')
      }
      exchange.end()
    })
    await ended
    assert.deepEqual(bodies, [['a', 'b', 'c'].map((letter) => letter.repeat(20_000)).join('')])
  }
})

/** What a proxy does: kept connections, and another attempt for what the recycling of a worker has cost. */
it('php-fpm may replace its workers under kept connections', { skip: skipWithoutPhpFpm() }, async (t) => {
  const php = await startPhpFpm({
    scripts: { 'size.php': "<?php echo strlen(file_get_contents('php://input'));" },
    children: 2,
    maxRequests: 3,
  })
  t.after(() => php.stop())
  const idle: FcgiMux[] = []
  const options = resolveMuxOptions({})
  const open = async () =>
    new FcgiMux(await lingering(t, php.socket), 'php', options, {
      released: (mux) => {
        if (mux.active === 0 && mux.room > 0 && !idle.includes(mux)) idle.push(mux)
      },
      closed: (mux) => {
        if (idle.includes(mux)) idle.splice(idle.indexOf(mux), 1)
      },
    })
  const body = Buffer.alloc(1000)
  const params = [
    ['REQUEST_METHOD', 'POST'],
    ['CONTENT_LENGTH', '1000'],
    ['SCRIPT_FILENAME', `${php.docroot}/size.php`],
  ] as const
  let [repeated, opened] = [0, 0]
  const post = async (): Promise<string> => {
    const kept = idle.pop()
    if (kept === undefined) opened++
    const { exchange, error, body: answer } = await run(kept ?? (await open()), { params, body })
    if (error === undefined) return answer
    assert.ok(error.notRun || (exchange.reused && exchange.progress !== 'answered'), String(error))
    repeated++
    return post()
  }
  for (let round = 0; round < 50; round++) {
    assert.deepEqual(await Promise.all([post(), post()]), ['1000', '1000'])
  }
  assert.ok(opened > 20 && opened <= 100 / 3 + repeated + 20, `${opened} opened, ${repeated} repeated`)
  for (const mux of idle) mux.destroy()
})
