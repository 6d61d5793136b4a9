import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { createFcgiResponder } from 'sluice/fcgi'
import type { FcgiContext, FcgiError, FcgiHandler, FcgiResponder, FcgiResponderOptions } from 'sluice/fcgi'
import { bodyOf, cut, spoil } from '../../proxy/lent-support.js'
import { begin, connectPeer, pair, pairs, record, request, tempDir } from '../support.js'
import type { Peer, SeenRecord } from '../support.js'

const hello: FcgiHandler = () => ({ headers: { 'Content-Type': 'text/plain' }, body: 'hello' })

async function start(
  t: TestContext,
  onRequest: FcgiHandler = hello,
  options: Omit<FcgiResponderOptions, 'onRequest'> = {},
): Promise<{ responder: FcgiResponder; path: string; open: () => Promise<Peer> }> {
  const responder = createFcgiResponder({ onRequest, ...options })
  t.after(() => responder.destroy())
  const path = join(tempDir(t), 'r.sock')
  await responder.listen(path)
  return { responder, path, open: () => connectPeer(t, { path }) }
}

/** What a response is, out of its records. */
function summary(seen: readonly SeenRecord[]): {
  stdout: string
  stderr: string
  app: number
  protocol: number
} {
  const content = (type: string) =>
    Buffer.concat(seen.filter((each) => each.type === type).map((each) => each.content)).toString('latin1')
  const last = seen.at(-1)
  assert.equal(last?.type, 'END')
  return {
    stdout: content('STDOUT'),
    stderr: content('STDERR'),
    app: last.content.readUInt32BE(0),
    protocol: last.content[4] ?? -1,
  }
}

const response = async (peer: Peer, id: number) => summary(await peer.until('END', id))

describe('a request', () => {
  it('is answered in one write, with an empty STDOUT before END_REQUEST', async (t) => {
    const { open } = await start(t)
    const peer = await open()
    peer.send(request(1, { REQUEST_METHOD: 'GET' }))
    const seen = await peer.until('END')
    assert.deepEqual(
      seen.map((each) => [each.type, each.id, each.content.toString('latin1')]),
      [
        ['STDOUT', 1, 'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nhello'],
        ['STDOUT', 1, ''],
        ['END', 1, '\0\0\0\0\0\0\0\0'],
      ],
    )
    assert.equal(peer.chunks, 1)
  })

  it('brings its parameters wherever their records are cut, byte by byte too', async (t) => {
    const { open } = await start(t, ({ params }) => ({ body: JSON.stringify([...params]) }))
    const peer = await open()
    const content = pair('A', '1') + pair('SCRIPT_NAME', '/x') + pair('A', '2')
    for (let cut = 1; cut < content.length; cut++) {
      const id = 1
      peer.send(
        begin(id),
        record('PARAMS', id, content.slice(0, cut)),
        record('PARAMS', id, content.slice(cut), 5),
        record('PARAMS', id),
        record('STDIN', id),
      )
      assert.match((await response(peer, id)).stdout, /\[\["A","2"\],\["SCRIPT_NAME","\/x"\]\]$/)
    }
    for (const byte of request(7, { A: 'b' })) peer.socket.write(Buffer.of(byte))
    assert.match((await response(peer, 7)).stdout, /\[\["A","b"\]\]$/)
  })

  it('streams its body, and is served before it is complete', async (t) => {
    const { open } = await start(t, async ({ stdin }) => ({ body: `got ${await text(stdin)}` }))
    const peer = await open()
    peer.send(request(1, {}, null))
    for (const piece of ['ab', 'c', 'def']) {
      peer.send(record('STDIN', 1, piece, 3))
      await sleep(2)
    }
    peer.send(record('STDIN', 1))
    assert.match((await response(peer, 1)).stdout, /got abcdef$/)
  })

  it('may be answered, and another begun, while its body still comes', async (t) => {
    const { open } = await start(t)
    const peer = await open()
    peer.send(request(1, {}, null), record('STDIN', 1, 'abc'))
    assert.match((await response(peer, 1)).stdout, /hello$/)
    peer.send(record('STDIN', 1, 'more'), record('STDIN', 1), record('STDIN', 1), request(1, {}))
    assert.match((await response(peer, 1)).stdout, /hello$/)
  })

  it('gets status, headers, streams, STDERR and appStatus as the handler says', async (t) => {
    const { open } = await start(t, (context) => {
      context.stderr('careful\n')
      return {
        status: 404,
        headers: [
          ['Set-Cookie', 'a'],
          ['Set-Cookie', 'b'],
        ],
        body: Readable.from([Buffer.from('x'), 'y']),
        appStatus: 3,
      }
    })
    const peer = await open()
    peer.send(request(1, {}))
    assert.deepEqual(await response(peer, 1), {
      stdout: 'Status: 404 Not Found\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nxy',
      stderr: 'careful\n',
      app: 3,
      protocol: 0,
    })
  })

  it('may be answered with the context alone', async (t) => {
    const { open } = await start(t, async (context) => {
      context.writeHead(103, { Link: '</a>' })
      context.writeHead(200, { A: ['1', '2'] })
      for (let count = 0; count < 3; count++) if (!context.write(`${count}`)) await context.drained()
      context.end(1)
      context.write('late')
    })
    const peer = await open()
    peer.send(request(1, {}))
    const { stdout, app } = await response(peer, 1)
    assert.equal(
      stdout,
      'Status: 103 Early Hints\r\nLink: </a>\r\n\r\nStatus: 200 OK\r\nA: 1\r\nA: 2\r\n\r\n012',
    )
    assert.equal(app, 1)
  })

  it('is a plain 200 when the handler says nothing, and 500 when it throws', async (t) => {
    const { open } = await start(t, ({ params }) => {
      if (params.has('BAD')) throw new Error('secret')
      return undefined
    })
    const peer = await open()
    peer.send(request(1, {}))
    const answers = [await response(peer, 1)]
    peer.send(request(3, { BAD: '1' }))
    answers.push(await response(peer, 3))
    assert.deepEqual(
      answers.map(({ stdout, app }) => [stdout, app]),
      [
        ['Status: 200 OK\r\n\r\n', 0],
        ['Status: 500 Internal Server Error\r\n\r\n', 1],
      ],
    )
  })

  it('is broken off when the handler throws within the response', async (t) => {
    const { open } = await start(t, (context) => {
      context.write('half')
      throw new Error('disk on fire')
    })
    const peer = await open()
    peer.send(request(1, {}))
    // END_REQUEST would say that it is whole.
    assert.equal(await peer.next(), undefined)
  })

  it('merely ends when that would cost another request its connection', async (t) => {
    const { open } = await start(t, async (context) => {
      const isBad = context.params.has('BAD')
      if (isBad) context.write('half')
      await sleep(isBad ? 10 : 100)
      if (isBad) context.destroy()
    })
    const peer = await open()
    peer.send(request(1, { BAD: '1' }), request(3, {}))
    const bad = await response(peer, 1)
    assert.deepEqual([bad.stdout, bad.app], ['Status: 200 OK\r\n\r\nhalf', 1])
    assert.equal((await response(peer, 3)).app, 0)
  })

  it('cannot be answered with a head that would be read as something else', async (t) => {
    const errors: string[] = []
    const { open } = await start(t, (context) => {
      const attempt = (run: () => void) => {
        try {
          run()
        } catch (error) {
          errors.push((error as FcgiError).code)
        }
      }
      attempt(() => context.writeHead(99))
      attempt(() => context.writeHead(101))
      attempt(() => context.writeHead(200, { 'A\r\nB': 'c' }))
      attempt(() => context.writeHead(200, { A: 'b\r\nSet-Cookie: c' }))
      attempt(() => context.writeHead(200, { Status: '404' }))
      context.writeHead(200)
      attempt(() => context.writeHead(200))
    })
    const peer = await open()
    peer.send(request(1, {}))
    assert.equal((await response(peer, 1)).stdout, 'Status: 200 OK\r\n\r\n')
    const [status, headers] = ['ERR_FCGI_STATUS', 'ERR_FCGI_HEADERS']
    assert.deepEqual(errors, [status, status, headers, headers, headers, 'ERR_FCGI_HEAD_SENT'])
  })

  it('pads its records when told', async (t) => {
    const { open } = await start(t, hello, { padding: true })
    const peer = await open()
    peer.send(request(1, {}))
    const [first] = await peer.until('END')
    assert.equal(((first?.content.length ?? 0) + (first?.padding ?? 0)) % 8, 0)
    assert.ok((first?.padding ?? 0) > 0)
  })
})

describe('several requests on a connection', () => {
  it('run at the same time and end in any order', async (t) => {
    const { open } = await start(t, async ({ params }) => {
      await sleep(Number(params.get('WAIT')))
      return { body: params.get('WAIT') }
    })
    const peer = await open()
    peer.send(
      begin(1),
      begin(3),
      record('PARAMS', 3, pair('WAIT', '5')),
      record('PARAMS', 1, pair('WAIT', '30')),
    )
    peer.send(record('PARAMS', 3), record('PARAMS', 1), record('STDIN', 1), record('STDIN', 3))
    const order: number[] = []
    while (order.length < 2) {
      const each = await peer.next()
      if (each?.type === 'END') order.push(each.id)
    }
    assert.deepEqual(order, [3, 1])
  })

  it('are all answered before a connection without KEEP_CONN is closed', async (t) => {
    const { open } = await start(t, async ({ params }) => {
      await sleep(Number(params.get('WAIT')))
      return { body: 'x' }
    })
    const peer = await open()
    peer.send(request(1, { WAIT: '1' }, '', { keep: false }), request(3, { WAIT: '30' }))
    await response(peer, 1)
    await response(peer, 3)
    assert.equal(await peer.next(), undefined)
  })

  it('beyond the limit are OVERLOADED, or CANT_MPX_CONN when there is no multiplexing', async (t) => {
    for (const [limit, protocol] of [
      [2, 2],
      [1, 1],
    ] as const) {
      let running = 0
      const { open, responder } = await start(
        t,
        async ({ stdin }) => {
          running++
          return { body: await text(stdin) }
        },
        { maxRequestsPerConnection: limit },
      )
      const peer = await open()
      for (let id = 1; id <= limit; id++) peer.send(request(id, {}, null))
      // What comes for an id that was refused is ignored.
      peer.send(request(9, {}, 'zzz'))
      assert.deepEqual(await response(peer, 9), { stdout: '', stderr: '', app: 0, protocol })
      for (let id = 1; id <= limit; id++) {
        peer.send(record('STDIN', id, `body ${id}`), record('STDIN', id))
        assert.match((await response(peer, id)).stdout, new RegExp(`body ${id}$`))
      }
      assert.equal(running, limit)
      assert.equal(responder.stats.requests, limit)
    }
  })

  it('beyond the limit of all connections are OVERLOADED', async (t) => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const { open, responder } = await start(t, () => gate.then(() => ({ body: 'x' })), { maxRequests: 1 })
    const [one, two] = [await open(), await open()]
    one.send(request(1, {}))
    await sleep(5)
    two.send(request(1, {}))
    assert.equal((await response(two, 1)).protocol, 2)
    release()
    assert.match((await response(one, 1)).stdout, /x$/)
    two.send(request(1, {}))
    assert.match((await response(two, 1)).stdout, /x$/)
    assert.equal(responder.stats.overloaded, 1)
  })
})

describe('management records', () => {
  it('GET_VALUES is answered with what was asked for and is known', async (t) => {
    const { open } = await start(t, hello, { maxConnections: 7, maxRequests: 5, maxRequestsPerConnection: 9 })
    const peer = await open()
    const ask = (...names: string[]) => record('GET_VALUES', 0, names.map((name) => pair(name, '')).join(''))
    peer.send(ask('FCGI_MPXS_CONNS', 'FCGI_WHAT', 'FCGI_MAX_CONNS', 'FCGI_MAX_REQS'), ask('FCGI_WHAT'))
    assert.deepEqual(pairs((await peer.expect('VALUES', 0)).content), [
      ['FCGI_MAX_CONNS', '7'],
      ['FCGI_MAX_REQS', '5'],
      ['FCGI_MPXS_CONNS', '1'],
    ])
    assert.equal((await peer.expect('VALUES', 0)).content.length, 0)
  })

  it('GET_VALUES and a whole request in one write are both answered', async (t) => {
    const { open } = await start(t, hello, { maxRequestsPerConnection: 1 })
    const peer = await open()
    peer.send(record('GET_VALUES', 0, pair('FCGI_MPXS_CONNS', '')), request(1, {}))
    assert.deepEqual(pairs((await peer.expect('VALUES', 0)).content), [['FCGI_MPXS_CONNS', '0']])
    assert.match((await response(peer, 1)).stdout, /hello$/)
  })

  it('others are answered UNKNOWN_TYPE', async (t) => {
    const { open } = await start(t)
    const peer = await open()
    peer.send(record(99, 0, 'what'), record('VALUES', 0))
    assert.equal((await peer.expect('UNKNOWN', 0)).content.toString('hex'), '6300000000000000')
    assert.equal((await peer.expect('UNKNOWN', 0)).content.toString('hex'), '0a00000000000000')
  })
})

describe('roles', () => {
  it('that are not served are answered UNKNOWN_ROLE', async (t) => {
    const { open } = await start(t)
    const peer = await open()
    for (const role of [2, 3, 0, 77]) {
      peer.send(request(role + 1, {}, '', { role }))
      assert.equal((await response(peer, role + 1)).protocol, 3)
    }
    peer.send(request(1, {}, '', { role: 3, keep: false }))
    assert.equal((await response(peer, 1)).protocol, 3)
    assert.equal(await peer.next(), undefined)
  })

  it('authorizer is served when asked for', async (t) => {
    const { open } = await start(t, ({ role }) => ({ body: role }), { roles: ['authorizer'] })
    const peer = await open()
    peer.send(request(1, {}, '', { role: 2 }))
    assert.match((await response(peer, 1)).stdout, /authorizer$/)
    peer.send(request(3, {}, '', { role: 1 }))
    assert.equal((await response(peer, 3)).protocol, 3)
  })
})

describe('aborting', () => {
  const waiting = (events: string[]): FcgiHandler => {
    return async (context: FcgiContext) => {
      context.stdin.on('error', (error: FcgiError) => events.push(`stdin ${error.code}`))
      await new Promise<void>((resolve) => {
        context.signal.addEventListener('abort', () => resolve())
      })
      events.push('signal')
      context.write('nobody reads this')
      return { body: 'nor this' }
    }
  }

  it('ends the request at once, and only once', async (t) => {
    const events: string[] = []
    const { open, responder } = await start(t, waiting(events))
    const peer = await open()
    peer.send(request(1, {}, null), record('STDIN', 1, 'abc'))
    await sleep(5)
    peer.send(record('ABORT', 1), record('ABORT', 1), record('ABORT', 77))
    assert.deepEqual(await response(peer, 1), { stdout: '', stderr: '', app: 0, protocol: 0 })
    peer.send(record('GET_VALUES', 0))
    assert.equal((await peer.next())?.type, 'VALUES', 'nothing comes behind the end')
    assert.deepEqual(events.toSorted(), ['signal', 'stdin ERR_FCGI_ABORTED'])
    assert.equal(responder.stats.active, 0)
  })

  it('happens to all requests when the gateway closes the connection', async (t) => {
    const events: string[] = []
    const { open, responder } = await start(t, waiting(events))
    const peer = await open()
    peer.send(request(1, {}, null), request(3, {}), begin(5))
    await sleep(5)
    assert.equal(responder.stats.active, 3)
    peer.socket.destroy()
    await sleep(20)
    const stdin = 'stdin ERR_FCGI_ABORTED'
    assert.deepEqual(events.toSorted(), ['signal', 'signal', stdin, stdin])
    assert.equal(responder.stats.active, 0)
    assert.equal(responder.stats.connections, 0)
  })

  it('before the parameters are complete leaves nothing behind', async (t) => {
    const { open, responder } = await start(t)
    const peer = await open()
    peer.send(begin(1), record('ABORT', 1), record('PARAMS', 1))
    assert.equal((await response(peer, 1)).protocol, 0)
    assert.equal(responder.stats.active, 0)
  })
})

describe('a gateway that misbehaves', () => {
  for (const [what, bytes] of [
    ['speaks HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['begins an id that is active', Buffer.concat([begin(1), begin(1)])],
    ['sends STDIN before the end of PARAMS', Buffer.concat([begin(1), record('STDIN', 1, 'x')])],
    [
      'sends PARAMS after their end',
      Buffer.concat([request(1, {}, null), record('PARAMS', 1, pair('A', 'b'))]),
    ],
    [
      'sends a pair that does not end',
      Buffer.concat([begin(1), record('PARAMS', 1, '\x09\x09a'), record('PARAMS', 1)]),
    ],
    ['sends BEGIN_REQUEST with id 0', begin(0)],
    ['sends a short BEGIN_REQUEST', record('BEGIN', 1, 'abc')],
  ] as const) {
    it(`loses its connection, and no one else does, when it ${what}`, async (t) => {
      const { open, responder } = await start(t, ({ stdin, params }) =>
        params.size > 0 ? { body: 'x' } : text(stdin).then((body) => ({ body })),
      )
      const [bad, good] = [await open(), await open()]
      bad.send(bytes)
      await bad.closed()
      good.send(request(1, { A: 'b' }))
      assert.match((await response(good, 1)).stdout, /x$/)
      await sleep(5)
      assert.equal(responder.stats.active, 0)
      assert.equal(responder.stats.connections, 1)
    })
  }

  it('is answered 431 for too many parameters, before they are held', async (t) => {
    const { open, responder } = await start(t, hello, { maxParamsSize: 100, maxParams: 3 })
    const peer = await open()
    peer.send(begin(1))
    for (let count = 0; count < 50; count++) peer.send(record('PARAMS', 1, pair('A', 'x'.repeat(20))))
    peer.send(record('PARAMS', 1), record('STDIN', 1))
    assert.match((await response(peer, 1)).stdout, /^Status: 431 /)
    peer.send(request(3, { A: '1', B: '2', C: '3', D: '4' }))
    assert.match((await response(peer, 3)).stdout, /^Status: 431 /)
    peer.send(request(5, { A: '1\x00' }))
    assert.match((await response(peer, 5)).stdout, /^Status: 400 /)
    peer.send(request(7, { A: '1' }))
    assert.match((await response(peer, 7)).stdout, /hello$/)
    assert.equal(responder.stats.active, 0)
  })

  it('cannot gather unfinished requests', async (t) => {
    const { open, responder } = await start(t, hello, { paramsTimeout: 30, maxRequestsPerConnection: 10 })
    const peer = await open()
    for (let id = 1; id < 100; id++) peer.send(begin(id))
    let refused = 0
    for (let each = await peer.next(); each !== undefined; each = await peer.next()) refused++
    assert.equal(refused, 89)
    assert.equal(responder.stats.active, 0)
  })

  it('is closed when it does nothing', async (t) => {
    const { open } = await start(t, hello, { idleTimeout: 30 })
    const peer = await open()
    peer.send(request(1, {}))
    await response(peer, 1)
    assert.equal(await peer.next(), undefined)
  })

  it('is not let in from elsewhere, nor beyond maxConnections', async (t) => {
    const responder = createFcgiResponder({ onRequest: hello, allowedPeers: ['192.0.2.0/24'] })
    t.after(() => responder.destroy())
    const endpoint = await responder.listen('127.0.0.1:0')
    assert.ok(endpoint.type === 'tcp' && endpoint.port > 0)
    await (await connectPeer(t, { port: endpoint.port })).closed()
    assert.equal(responder.stats.refusedPeers, 1)
    const { open } = await start(t, hello, { maxConnections: 1 })
    const first = await open()
    await (await open()).closed()
    first.send(request(1, {}))
    assert.match((await response(first, 1)).stdout, /hello$/)
  })
})

describe('backpressure', () => {
  it('holds no more of a body than it should while the handler does not read it', async (t) => {
    let resume = () => {}
    const gate = new Promise<void>((resolve) => {
      resume = resolve
    })
    const { open } = await start(t, async ({ stdin }) => {
      await gate
      return { body: String((await text(stdin)).length) }
    })
    const peer = await open()
    peer.send(request(1, {}, null))
    const piece = record('STDIN', 1, 'x'.repeat(50_000))
    let flushed = 0
    for (let count = 0; count < 100; count++) peer.socket.write(piece, () => flushed++)
    peer.send(record('STDIN', 1))
    await sleep(50)
    assert.ok(flushed < 60, `${flushed} records of 100`)
    resume()
    assert.match((await response(peer, 1)).stdout, /5000000$/)
  })

  it('discards a body that the handler does not want', async (t) => {
    const { open } = await start(t, () => sleep(10).then(() => ({ body: 'no' })))
    const peer = await open()
    peer.send(request(1, {}, null))
    for (let count = 0; count < 20; count++) peer.send(record('STDIN', 1, 'x'.repeat(50_000)))
    peer.send(record('STDIN', 1))
    assert.match((await response(peer, 1)).stdout, /no$/)
    peer.send(request(3, {}))
    assert.match((await response(peer, 3)).stdout, /no$/)
  })

  it('tells a handler that the gateway does not read', async (t) => {
    let written = 0
    const { open } = await start(t, async (context) => {
      for (let count = 0; count < 100; count++) {
        if (!context.write(Buffer.alloc(50_000))) await context.drained()
        written += 50_000
      }
    })
    const peer = await open()
    peer.socket.pause()
    peer.send(request(1, {}))
    await sleep(50)
    assert.ok(written < 3_000_000, `${written} bytes`)
    peer.socket.resume()
    assert.equal((await response(peer, 1)).stdout.length, 5_000_000 + 'Status: 200 OK\r\n\r\n'.length)
  })
})

describe('listening', () => {
  it('takes over a unix socket that nobody listens on, not one that is in use', async (t) => {
    const path = join(tempDir(t), 'stale.sock')
    const dead = createServer()
    await new Promise<void>((resolve) => {
      dead.listen(path, resolve)
    })
    const second = createFcgiResponder({ onRequest: hello, socketMode: 0o600 })
    t.after(() => second.destroy())
    await assert.rejects(second.listen(path), { code: 'ERR_FCGI_LISTEN', message: /in use/ })
    // A process that was killed leaves its file behind.
    const { spawnSync } = await import('node:child_process')
    dead.close()
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    assert.ok(existsSync(path))
    await second.listen(path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    await second.close()
    assert.equal(existsSync(path), false)
  })

  it('close answers what is open and resolves when all is gone', async (t) => {
    const { open, responder, path } = await start(t, () => sleep(30).then(() => ({ body: 'done' })))
    const [busy, idle] = [await open(), await open()]
    busy.send(request(1, {}))
    await sleep(5)
    const closing = responder.close()
    assert.match((await response(busy, 1)).stdout, /done$/)
    assert.equal(await busy.next(), undefined)
    await idle.closed()
    await closing
    assert.deepEqual([responder.stats.connections, responder.stats.active], [0, 0])
    await assert.rejects(connectPeer(t, { path }))
    await assert.rejects(responder.listen(path), { code: 'ERR_SLUICE_CLOSED' })
  })

  it('wants a handler', () => {
    assert.throws(() => createFcgiResponder({} as FcgiResponderOptions), { code: 'ERR_SLUICE_OPTION' })
    assert.throws(() => createFcgiResponder({ onRequest: hello, roles: [] }), { code: 'ERR_SLUICE_OPTION' })
    assert.throws(() => createFcgiResponder({ onRequest: hello, allowedPeers: ['x'] }), {
      code: 'ERR_SLUICE_ADDRESS',
    })
  })
})

describe('bytes of gateways, which are read into one memory', () => {
  it('stay what they were for handlers that read them later, however they were cut', async (t) => {
    const answer: FcgiHandler = async ({ params, stdin }) => {
      // Some read at once, some let it wait.
      if (Number(params.get('X_0')) % 2 === 0) await sleep(5)
      const body = await buffer(stdin)
      return { body: `${[...params.values()].join(' ')} ${body.toString('latin1')}` }
    }
    // The connection stops in the middle of what it has read.
    const { open } = await start(t, answer, { stdinBufferSize: 1024 })
    spoil(t)
    const answers = [1, 2, 3, 4].map(async (number) => {
      const peer = await open()
      const values = [String(number), ...cut(bodyOf(number, 1500), 100)]
      const body = bodyOf(number + 10, 5000)
      const params = Buffer.from(values.map((value, at) => pair(`X_${at}`, value)).join(''), 'latin1')
      const bytes = Buffer.concat([
        begin(1),
        record('PARAMS', 1, params.subarray(0, 300 * number)),
        record('PARAMS', 1, params.subarray(300 * number)),
        record('PARAMS', 1, ''),
        ...cut(body, 900, 20, 20, 20 * number).map((piece) => record('STDIN', 1, piece)),
        record('STDIN', 1, ''),
      ])
      for (const piece of cut(bytes.toString('latin1'), 333, 5, 3000, 77 * number)) {
        peer.send(Buffer.from(piece, 'latin1'))
        await turn()
      }
      assert.equal((await response(peer, 1)).stdout.split('\r\n\r\n')[1], `${values.join(' ')} ${body}`)
    })
    await Promise.all(answers)
  })
})
