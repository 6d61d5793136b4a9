/**
 * Whole exchanges over real sockets, each of them there for a line of the proxy that nothing else would miss: what is
 * kept and what is closed, who waits for whom, and what is sent a second time.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaults, get, rawClient, rawOrigin, reply, startProxy, until } from './support.js'
import type { Cleanup, RawClient } from './support.js'

/** A frontend with `front` and a backend with `back` and one server. */
function config(port: number, { front = '', back = '', server = '' } = {}): string {
  return `${defaults}frontend fe\n  bind 127.0.0.1:0\n${front}\n  default_backend be\nbackend be\n${back}\n  server s 127.0.0.1:${port} ${server}\n`
}

/** Answers every request with its path; POSTs once their four bytes are there. */
const echo = (text: string): string =>
  Array.from(text.matchAll(/^(?:GET|HEAD|POST) (\S+)/gm), ([, path]) =>
    reply('body', `X-Path: ${path}`),
  ).join('')

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

/** Waits a little for what must not come. */
const quiet = (): Promise<void> => sleep(60)

describe('informational answers', () => {
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

describe('a client that does not read', () => {
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
    await until(() => client.received.length > most * body.length, 'all the answers')
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

describe('after an answer the connection of the client', () => {
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
      await quiet()
      assert.equal(client.ended, !kept)
      if (kept) {
        client.send(request)
        await until(() => count(client.received, /HTTP\/1\.\d \d/g) === 2, 'the second answer')
      }
    })
  }
})

describe('an answer whose status, or method, stands without a body', () => {
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

describe('a request that is refused with its body on the way', () => {
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

describe('a kept connection to a server', () => {
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
    await until(() => origin.peers[0]?.socket.readableEnded === true, 'the end of the first one')
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
    await until(() => origin.peers.filter(({ socket }) => socket.readableEnded).length === 1, 'one end')
    await quiet()
    assert.equal(origin.peers.filter(({ socket }) => socket.readableEnded).length, 1)
  })
})

describe('a kept connection that ends under a request', () => {
  const post = 'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody'
  for (const [name, request, last, wanted] of [
    ['GET, nothing was said', get('/2'), '', ' 200 '],
    ['GET, a byte was said', get('/2'), 'H', ' 502 '],
    // It is the client's to send again (`abort_keep_alive` of HAProxy): nobody knows whether it arrived.
    ['POST', post, '', ''],
  ] as const) {
    it(`${name}: ${wanted === '' ? 'an end' : wanted.trim()}`, async (t) => {
      const origin = await rawOrigin(t, (text, { socket, received }, connection) => {
        if (connection > 1 || received === text) return echo(text)
        socket.end(last)
        return undefined
      })
      const proxy = await startProxy(t, config(origin.port))
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
    await quiet()
    assert.equal(origin.peers.length, 1)
    leaving.destroy()
    await quiet()
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
