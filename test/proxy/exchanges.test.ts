/**
 * Whole exchanges over real sockets, each of them there for a line of the proxy that nothing else would miss: what is
 * kept and what is closed, who waits for whom, and what is sent a second time.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { defaults, get, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup, RawClient } from './support.js'

/** A frontend with `front` and a backend with `back` and one server. */
function config(port: number, { front = '', back = '', server = '' } = {}): string {
  return `${defaults}frontend fe\n  bind 127.0.0.1:0\n${front}\n  default_backend be\nbackend be\n${back}\n  server s 127.0.0.1:${port} ${server}\n`
}

/** Answers every request with its path; POSTs once their four bytes are there. */
const echo = (text: string): string =>
  Array.from(text.matchAll(/^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|PATCH) (\S+)/gm), ([, path]) =>
    reply('body', `X-Path: ${path}`),
  ).join('')

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

/** Waits a little for what must not come. */
const quiet = (): Promise<void> => sleep(60)

/** Most of them wait. */
const together = { concurrency: 8 }

describe('informational answers', together, () => {
  for (const [many, status] of [
    [64, 200],
    [65, 502],
  ] as const) {
    it(`${many} of them: ${status}`, async (t) => {
      const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
      const origin = await rawOrigin(t, (text) => early.repeat(many) + echo(text))
      const proxy = await startProxy(t, config(origin.port))
      const client = rawClient(t, proxy.port(), get('/1'))
      await client.until(`HTTP/1.1 ${status} `)
      assert.equal(count(client.received, / 103 /g), 64)
    })
  }
})

describe('a client that does not read', together, () => {
  it('gets no further answers, and all of them once it reads', async (t) => {
    // Each answer is complete as soon as it comes: it is the next request that has to wait.
    const most = 1500
    const body = 'x'.repeat(30_000)
    const origin = await rawOrigin(t, (text) =>
      Array.from(text.matchAll(/^GET/gm), () => reply(body)).join(''),
    )
    const proxy = await startProxy(t, config(origin.port))
    const client = rawClient(t, proxy.port())
    client.socket.pause()
    client.send(Array.from({ length: most }, (_, at) => get(`/${at}`)).join(''))
    const asked = (): number => origin.peers.reduce((sum, peer) => sum + count(peer.received, /^GET/gm), 0)
    await until(() => asked() > 0)
    let before = -1
    while (before !== asked()) {
      before = asked()
      await sleep(150)
    }
    assert.ok(asked() < most / 2, `${asked()} requests were sent on`)
    client.socket.resume()
    await until(() => client.received.length > most * (body.length + 40), 'all the answers')
    assert.equal(count(client.received, /HTTP\/1.1 200/g), most)
  })

  it('is not taken for one between two requests: timeout client ends it, not timeout http-keep-alive', async (t) => {
    const body = 'x'.repeat(8_000_000)
    const origin = await rawOrigin(t, () => reply(body))
    const front = '  timeout client 3s\n  timeout http-keep-alive 100ms'
    const proxy = await startProxy(t, config(origin.port, { front }))
    const client = rawClient(t, proxy.port())
    client.socket.pause()
    client.send(get('/1'))
    await until(() => origin.peers.length > 0)
    await sleep(600)
    client.socket.resume()
    await until(() => client.received.length > body.length, 'the whole answer')
  })
})

describe('after an answer the connection of the client', together, () => {
  const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'
  const cases: readonly (readonly [string, string, string, string, boolean])[] = [
    ['HTTP/1.1', get('/'), plain, '', true],
    ['HTTP/1.1, close', get('/', 'Connection: close'), plain, '', false],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', plain, '', false],
    ['HTTP/1.0, keep-alive', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', plain, '', true],
    ['option httpclose', get('/'), plain, '  option httpclose', false],
    ['option http-server-close', get('/'), plain, '  option http-server-close', true],
    ['the server closes', get('/'), plain.replace('\r\n', '\r\nConnection: close\r\n'), '', true],
    ['until the end', get('/'), 'HTTP/1.1 200 OK\r\n\r\nbody', '', false],
    [
      'a reply of the proxy',
      get('/'),
      plain,
      '  http-request return status 200 content-type text/plain string body',
      true,
    ],
    [
      'a reply to a closing client',
      get('/', 'Connection: close'),
      plain,
      '  http-request return status 200 content-type text/plain string body',
      false,
    ],
    ['a refused answer', get('/'), plain, '  http-response deny', true],
  ]
  for (const [name, request, answer, front, kept] of cases) {
    it(`${kept ? 'is kept' : 'is closed'}: ${name}`, async (t) => {
      const origin = await rawOrigin(t, (_, { socket }) => {
        socket.write(answer)
        if (!/Content-Length/.test(answer)) socket.end()
        return undefined
      })
      const proxy = await startProxy(t, config(origin.port, { front }))
      const client = rawClient(t, proxy.port(), request)
      await client.until(/HTTP\/1\.\d \d/)
      if (kept) {
        await quiet()
        assert.equal(client.ended, false)
        client.send(request)
        await until(() => count(client.received, /HTTP\/1\.\d \d/g) === 2, 'the second answer')
      } else await client.untilEnd()
    })
  }
})

describe('an answer whose status, or method, stands without a body', together, () => {
  for (const [name, request, rule] of [
    ['HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', ''],
    ['204 by a rule', get('/'), '  http-response set-status 204'],
    ['304 by a rule', get('/'), '  http-response set-status 304'],
  ] as const) {
    it(`has none: ${name}`, async (t) => {
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'
      const origin = await rawOrigin(t, (text) => (text.startsWith('HEAD') ? head : `${head}body`))
      const proxy = await startProxy(t, config(origin.port, { front: rule }))
      const client = rawClient(t, proxy.port(), request)
      await client.until('\r\n\r\n')
      client.send(request)
      await until(() => count(client.received, /HTTP\/1\.1/g) === 2, 'the second answer')
      await quiet()
      assert.equal(client.received.includes('body'), false)
    })
  }
})

describe('a request that is refused with its body on the way', together, () => {
  const inner = get('/inner')
  for (const [name, length, kept] of [
    ['the body is here', inner.length, true],
    ['the body is larger than a buffer', 1_000_000, false],
  ] as const) {
    it(`${name}: no byte of it is taken for a request`, async (t) => {
      const origin = await rawOrigin(t, echo)
      const front = '  http-request deny if { path /no }'
      const proxy = await startProxy(t, config(origin.port, { front }))
      const head = `POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`
      const client = rawClient(t, proxy.port(), head + inner)
      await client.until(' 403 ')
      if (!kept) await client.untilEnd()
      await quiet()
      assert.equal(client.ended, !kept)
      if (kept) await client.send(get('/next')).until('x-path: /next')
      assert.deepEqual(
        origin.peers.map((peer) => count(peer.received, /^GET \/inner/gm)),
        kept ? [0] : [],
      )
    })
  }
})

describe('a kept connection to a server', together, () => {
  const always = '  http-reuse always'

  async function ask(t: Cleanup, port: number, path: string): Promise<RawClient> {
    const client = rawClient(t, port, get(path))
    await client.until(`x-path: ${path}`)
    await quiet()
    return client
  }

  it('carries the next request of anybody, with rules that held an answer without a body', async (t) => {
    const origin = await rawOrigin(t, (text) =>
      text.includes('/empty') ? 'HTTP/1.1 204 No Content\r\nX-Path: /empty\r\n\r\n' : echo(text),
    )
    const back = `${always}\n  http-response set-header X-A b`
    const proxy = await startProxy(t, config(origin.port, { back }))
    await ask(t, proxy.port(), '/empty')
    await ask(t, proxy.port(), '/2')
    assert.equal(origin.peers.length, 1)
  })

  it('that says something while it is idle is closed, and so is one that ends', async (t) => {
    const origin = await rawOrigin(t, echo)
    const proxy = await startProxy(t, config(origin.port, { back: always }))
    await ask(t, proxy.port(), '/1')
    origin.peers[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    const spoke = Date.now()
    await until(() => origin.peers[0]?.socket.readableEnded === true, 'the end of the first one')
    assert.ok(Date.now() - spoke < 2000)
    await ask(t, proxy.port(), '/2')
    origin.peers[1]?.socket.end()
    await quiet()
    await ask(t, proxy.port(), '/3')
    assert.equal(origin.peers.length, 3)
  })

  it('with more than the answer behind it is not used again', async (t) => {
    const origin = await rawOrigin(
      t,
      (text) => `${echo(text)}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
    )
    const proxy = await startProxy(t, config(origin.port, { back: always }))
    await ask(t, proxy.port(), '/1')
    const second = await ask(t, proxy.port(), '/2')
    assert.equal(second.received.includes('evil'), false)
    assert.equal(origin.peers.length, 2)
  })

  it('that the server has announced to close is not used again, whether it closes it or not', async (t) => {
    const origin = await rawOrigin(t, (text) =>
      echo(text).replace('200 OK\r\n', '200 OK\r\nConnection: close\r\n'),
    )
    const proxy = await startProxy(t, config(origin.port, { back: always }))
    await ask(t, proxy.port(), '/1')
    await ask(t, proxy.port(), '/2')
    assert.equal(origin.peers.length, 2)
  })

  it('of one client alone is closed when that has gone', async (t) => {
    const origin = await rawOrigin(t, echo)
    const proxy = await startProxy(t, config(origin.port, { back: '  http-reuse never' }))
    const client = await ask(t, proxy.port(), '/1')
    await client.send(get('/2')).until('x-path: /2')
    await quiet()
    assert.equal(origin.peers.length, 1)
    assert.equal(origin.peers[0]?.socket.readableEnded, false)
    const gone = Date.now()
    client.destroy()
    await until(() => origin.peers[0]?.socket.readableEnded === true, 'the end')
    // Idle connections end by themselves, later.
    assert.ok(Date.now() - gone < 2000)
  })

  it('is one more than pool-max-conn allows: it is closed', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await startProxy(t, config(origin.port, { back: always, server: 'pool-max-conn 1' }))
    const clients = ['/1', '/2'].map((path) => rawClient(t, proxy.port(), get(path)))
    await until(() => origin.peers.every(({ received }) => received !== '') && origin.peers.length === 2)
    for (const { socket, received } of origin.peers) socket.write(echo(received))
    for (const client of clients) await client.until('body')
    // It is reset, as by HAProxy.
    const gone = (): number =>
      origin.peers.filter(({ socket }) => socket.readableEnded || socket.destroyed).length
    await until(() => gone() === 1, 'one end')
    await quiet()
    assert.equal(gone(), 1)
  })
})

describe('a kept connection that ends under a request', together, () => {
  const sending = (method: string, body: string): string =>
    `${method} /2 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const buffering = '  option http-buffer-request'
  for (const [name, request, last, wanted, front = ''] of [
    ['GET, nothing was said', get('/2'), '', ' 200 '],
    ['GET, a byte was said', get('/2'), 'H', ' 502 '],
    // Those that may be sent twice (RFC 9110 section 9.2.2), and one that may not.
    ...['HEAD', 'OPTIONS', 'DELETE', 'TRACE'].map(
      (method) => [method, `${method} /2 HTTP/1.1\r\nHost: a\r\n\r\n`, '', ' 200 '] as const,
    ),
    ['PATCH', 'PATCH /2 HTTP/1.1\r\nHost: a\r\n\r\n', '', ''],
    // It is the client's to send again (`abort_keep_alive` of HAProxy): nobody knows whether it arrived.
    ['POST', sending('POST', 'body'), '', ''],
    ['POST without a body', sending('POST', ''), '', ''],
    ['POST, all of it kept', sending('POST', 'body'), '', '', buffering],
    ['PUT, all of it kept', sending('PUT', 'body'), '', ' 200 ', buffering],
    ['PUT, all of it in a buffer', sending('PUT', 'body'), '', ' 200 '],
    ['PUT, some of it gone', sending('PUT', 'x'.repeat(100_000)), '', ''],
  ] as const) {
    it(`${name}: ${wanted === '' ? 'an end' : wanted.trim()}`, async (t) => {
      const origin = await rawOrigin(t, (text, { socket, received }, connection) => {
        if (connection > 1 || received === text) return echo(text)
        socket.end(last)
        return undefined
      })
      const proxy = await startProxy(t, config(origin.port, { front }))
      const client = rawClient(t, proxy.port(), get('/1'))
      await client.until('x-path: /1')
      client.received = ''
      await quiet()
      client.send(request)
      if (wanted === '') assert.equal(await client.untilEnd(), '')
      else await client.until(wanted)
      assert.equal(origin.peers.length, wanted === ' 200 ' ? 2 : 1)
    })
  }
})

it('a new connection that ends under its first request is not tried again', async (t) => {
  const origin = await rawOrigin(t, (_, { socket }) => void socket.end())
  const proxy = await startProxy(t, config(origin.port))
  await rawClient(t, proxy.port(), get('/1')).until(' 502 ')
  assert.equal(origin.peers.length, 1)
})

describe('a switch of protocol', together, () => {
  const connect = 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n'
  const get_ = get('/', 'Connection: upgrade', 'Upgrade: x')
  const method = (name: string): string => `  http-request set-method ${name}`
  const made = 'HTTP/1.1 200 OK\r\n\r\n'
  const refused = 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n'
  const served = reply('body')
  const cases: readonly (readonly [string, string, string, string, string, boolean])[] = [
    ['the server makes it', connect, made, '', ' 200 ', true],
    [
      'the server makes it, and a rule takes it back',
      connect,
      made,
      '  http-response set-status 500',
      ' 500 ',
      false,
    ],
    [
      'the server refuses it, and a rule promises it',
      connect,
      refused,
      '  http-response set-status 200',
      ' 200 ',
      false,
    ],
    ['a rule promises a 101', get_, served, '  http-response set-status 101', ' 502 ', false],
    ['only the server was asked for it', get('/'), made, method('CONNECT'), ' 200 ', false],
    ['only the proxy was asked for it', connect, served, method('GET'), ' 200 ', false],
  ]
  for (const [name, request, answer, front, wanted, open] of cases) {
    it(`${name}: ${open ? 'bytes pass' : 'none does'}`, async (t) => {
      const origin = await rawOrigin(t, (text) => (/^[A-Z]+ \S+ HTTP/.test(text) ? answer : undefined))
      const proxy = await startProxy(t, config(origin.port, { front }))
      const client = rawClient(t, proxy.port(), request)
      await client.until(wanted)
      client.send('raw')
      if (open) await until(() => origin.peers[0]?.received.endsWith('raw') === true, 'the bytes')
      else await quiet()
      assert.equal(origin.peers[0]?.received.endsWith('raw'), open)
      // What speaks another protocol by now is good for nobody else.
      if (!open && answer === made)
        await until(() => origin.peers[0]?.socket.readableEnded === true, 'the end for the server')
    })
  }
})

it('a reply has a body when the client has asked for one, whatever rules made of its method', async (t) => {
  for (const [method, changed] of [
    ['GET', 'HEAD'],
    ['HEAD', 'GET'],
  ] as const) {
    const front = `  http-request set-method ${changed}\n  http-request deny`
    const proxy = await startProxy(t, config(1, { front }))
    const client = rawClient(t, proxy.port(), `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(2))
    await until(() => count(client.received, / 403 /g) === 2, 'two answers')
    await quiet()
    assert.equal(count(client.received, /<html>/g), method === 'GET' ? 2 : 0)
  }
})

describe('a side that takes its time', together, () => {
  it('holds the other one: an answer is read no faster than it is sent', async (t) => {
    const whole = 60_000_000
    const origin = await rawOrigin(t, () => `HTTP/1.1 200 OK\r\nContent-Length: ${whole}\r\n\r\n`)
    const proxy = await startProxy(t, config(origin.port))
    const client = rawClient(t, proxy.port())
    client.socket.pause()
    client.send(get('/'))
    await until(() => origin.peers[0]?.received !== undefined && origin.peers[0].received !== '')
    const socket = origin.peers[0]?.socket
    const piece = Buffer.alloc(1_000_000, 'x')
    for (let at = 0; at < whole; at += piece.length) socket?.write(piece)
    await sleep(500)
    assert.ok((socket?.writableLength ?? 0) > whole / 2, `${socket?.writableLength} are left`)
    client.socket.resume()
    await until(() => client.received.length > whole, 'the whole answer')
  })

  it('holds the other one: a body is read no faster than it is taken, and is taken whole', async (t) => {
    const whole = 60_000_000
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await startProxy(t, config(origin.port))
    const client = rawClient(
      t,
      proxy.port(),
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${whole}\r\n\r\n`,
    )
    await until(() => origin.peers[0]?.received !== undefined && origin.peers[0].received !== '')
    const [peer] = origin.peers
    peer?.socket.pause()
    const piece = Buffer.alloc(1_000_000, 'x')
    for (let at = 0; at < whole; at += piece.length) client.socket.write(piece)
    await sleep(500)
    assert.ok(client.socket.writableLength > whole / 2, `${client.socket.writableLength} are left`)
    peer?.socket.resume()
    await until(() => (peer?.received.length ?? 0) > whole, 'the whole body')
    peer?.socket.write(reply('body'))
    await client.until('body')
  })
})

it('a request whose body breaks off while rules wait for it reaches no server', async (t) => {
  const origin = await rawOrigin(t, echo)
  const proxy = await startProxy(t, config(origin.port, { front: '  option http-buffer-request' }))
  const client = rawClient(t, proxy.port(), 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbody')
  await quiet()
  client.socket.end()
  await client.untilEnd()
  assert.equal(origin.peers.length, 0)
})

it('an answer that breaks off does not look whole, however its end was to be seen', async (t) => {
  for (const head of ['', 'Content-Length: 100\r\n', 'Transfer-Encoding: chunked\r\n']) {
    const origin = await rawOrigin(t, (_, { socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${head.includes('chunked') ? '64\r\n' : ''}body`)
      setTimeout(() => socket.resetAndDestroy(), 40)
      return undefined
    })
    const proxy = await startProxy(t, config(origin.port))
    const client = rawClient(t, proxy.port())
    let reset = false
    client.socket.on('error', () => void (reset = true))
    client.send(get('/'))
    await until(() => client.closed || client.ended)
    assert.equal(reset || head !== '', true, head)
  }
})

it('times of a later request begin where the one before it has ended', async (t) => {
  const origin = await rawOrigin(t, echo)
  const proxy = await startProxy(t, config(origin.port, { front: '  log-format "%Ti %Tt"' }))
  const client = rawClient(t, proxy.port())
  // The machine may be busy: a time is no longer than what it is within.
  let before = performance.now()
  const longest: (readonly [idle: number, total: number])[] = []
  for (const path of ['/1', '/2', '/3']) {
    await sleep(200)
    client.send(get(path))
    const sent = performance.now()
    await client.until(`x-path: ${path}`)
    await until(() => proxy.lines.length > longest.length, 'the line')
    longest.push([sent - before + 50, performance.now() - before + 50])
    before = sent
  }
  for (const [at, line] of proxy.lines.entries()) {
    const [idle = 0, total = 0] = line.split(' ').map(Number)
    const [longestIdle = 0, longestTotal = 0] = longest[at] ?? []
    assert.ok(idle >= 150 && idle <= longestIdle, `${proxy.lines.join(', ')}; ${longest.join(', ')}`)
    assert.ok(total >= idle && total <= longestTotal, `${proxy.lines.join(', ')}; ${longest.join(', ')}`)
  }
})

describe('while the proxy is being closed', together, () => {
  for (const [name, text, idle] of [
    ['has sent nothing', '', true],
    ['has sent empty lines', '\r\n\r\n', true],
    ['is between two requests', get('/1'), true],
    ['has sent a part of a head', '\r\nGET / HT', false],
    ['waits for its answer', get('/slow'), false],
    ['has a part of its answer', get('/part'), false],
  ] as const) {
    it(`a client that ${name} is ${idle ? 'not waited for' : 'answered, and its connection closed'}`, async (t) => {
      const origin = await rawOrigin(t, (sent) => {
        if (sent.includes('/part')) return reply('late').slice(0, -4)
        return sent.includes('/slow') ? undefined : echo(sent)
      })
      const proxy = await startProxy(t, config(origin.port))
      const client = rawClient(t, proxy.port(), text)
      await until(() => proxy.proxy.stats.connections > 0, 'the connection')
      if (text.includes('HTTP')) await until(() => origin.peers[0]?.received.includes('GET') === true)
      if (/GET \/(1|part) /.test(text)) await client.until(' 200 ')
      await quiet()
      const began = Date.now()
      const closed = proxy.proxy.close()
      if (idle) await client.untilEnd()
      await quiet()
      assert.equal(client.ended, idle)
      if (name === 'waits for its answer') origin.peers[0]?.socket.write(reply('late'))
      else if (name === 'has a part of its answer') origin.peers[0]?.socket.write('late')
      else if (!idle) client.send('TP/1.1\r\nHost: a\r\n\r\n')
      await client.untilEnd()
      client.destroy()
      await closed
      // No time-out has ended it.
      assert.ok(Date.now() - began < 2000)
      assert.equal(client.received.includes(' 200 '), text.includes('GET'))
    })
  }
})

describe('the queue of a server with maxconn 1', () => {
  it('is served when an answer is complete, when a client leaves, and when a request is refused', async (t) => {
    const origin = await rawOrigin(t, (text) => (text.includes('/slow') ? undefined : echo(text)))
    const back = '  http-response deny if { res.hdr(x-path) /deny }'
    const plain = config(origin.port, { back, server: 'maxconn 1' })
    const proxy = await startProxy(t, plain.replace(defaults, `${defaults}  option abortonclose\n`))
    const slow = rawClient(t, proxy.port(), get('/slow'))
    await until(() => origin.peers.length === 1)
    const deny = rawClient(t, proxy.port(), get('/deny'))
    const leaving = rawClient(t, proxy.port(), get('/leaving'))
    const second = rawClient(t, proxy.port(), get('/2'))
    const third = rawClient(t, proxy.port(), get('/3'))
    const queued = (): number | undefined => proxy.proxy.stats.backends[0]?.queued
    await until(() => queued() === 4, 'all but the first wait')
    await quiet()
    assert.equal(origin.peers.length, 1)
    leaving.destroy()
    await until(() => queued() === 3, 'one has left the queue')
    slow.destroy()
    await deny.until(' 502 ')
    await second.until('x-path: /2')
    await third.until('x-path: /3')
    assert.equal(
      origin.peers.some(({ received }) => received.includes('/leaving')),
      false,
    )
  })
})
