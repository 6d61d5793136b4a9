import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { ask, defaults, get, httpOrigin, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup, TestProxy } from './support.js'

/** A proxy in front of one server. */
function before(t: Cleanup, port: number, more = ''): Promise<TestProxy> {
  return startProxy(
    t,
    `${defaults}
frontend fe
  bind 127.0.0.1:0
  default_backend be
backend be
${more}
  server s 127.0.0.1:${port}
`,
  )
}

describe('HTTP streams', () => {
  it('pass requests and responses on, names in lower case, the rest to the byte', async (t) => {
    const origin = await rawOrigin(t, () =>
      reply('\xe9\0body', 'X-Odd: \xff  y', 'Set-Cookie: a=1', 'Set-Cookie: b=2'),
    )
    const proxy = await before(t, origin.port)
    const answer = await ask(t, proxy.port(), 'GET /%zz?q=1', 'X-Latin: \xe4', 'Cookie: a', 'Cookie: b')
    assert.equal(
      origin.peers[0]?.received,
      'GET /%zz?q=1 HTTP/1.1\r\nhost: a\r\nx-latin: \xe4\r\ncookie: a\r\ncookie: b\r\n\r\n',
    )
    assert.equal(
      answer,
      'HTTP/1.1 200 OK\r\nx-odd: \xff  y\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 6\r\n' +
        'connection: close\r\n\r\n\xe9\0body',
    )
  })

  it('keep the connections of both sides', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port())
    for (const path of ['/1', '/2', '/3']) {
      client.send(get(path))
      await client.until(path)
    }
    assert.equal(origin.peers.length, 1)
    assert.equal(proxy.proxy.stats.frontends[0]?.connections, 1)
    // The first request of another client does not go out on a connection that was used before.
    await ask(t, proxy.port(), 'GET /4')
    assert.equal(origin.peers.length, 2)
  })

  it('answer pipelined requests in their order', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await before(t, origin.port)
    const requests = Array.from({ length: 50 }, (_, at) => get(`/${at};`))
    const client = rawClient(t, proxy.port(), requests.join(''))
    const received = await client.until('/49;')
    assert.deepEqual(
      [...received.matchAll(/\/(\d+);/g)].map((each) => Number(each[1])),
      Array.from({ length: 50 }, (_, at) => at),
    )
  })

  it('answer pipelined requests whose client has ended its side', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/1;') + get('/2;'))
    client.socket.end()
    assert.match(await client.untilEnd(), /\/1;[^]*\/2;/)
  })

  it('take requests byte by byte', async (t) => {
    const origin = await rawOrigin(t, (text) => (text.endsWith('hello') ? reply('ok') : undefined))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port())
    client.socket.setNoDelay(true)
    for (const byte of `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n`) {
      client.send(byte)
      await sleep(1)
    }
    client.send('hello')
    await client.until('ok')
  })

  it('stream bodies of a known length, both ways', async (t) => {
    const body = randomBytes(3_000_000)
    const origin = await httpOrigin(t, (request, response) => {
      response.setHeader('content-length', body.length)
      request.pipe(response)
    })
    const proxy = await before(t, origin.port)
    const { status, received, headers } = await exchange(proxy.port(), body, {
      'content-length': body.length,
    })
    assert.equal(status, 200)
    assert.equal(headers['content-length'], String(body.length))
    assert.equal(digest(received), digest(body))
  })

  it('stream chunked bodies, both ways', async (t) => {
    const body = randomBytes(3_000_000)
    const origin = await httpOrigin(t, (request, response) => request.pipe(response))
    const proxy = await before(t, origin.port)
    const { received, headers } = await exchange(proxy.port(), body, { 'transfer-encoding': 'chunked' })
    assert.equal(headers['transfer-encoding'], 'chunked')
    assert.equal(digest(received), digest(body))
  })

  it('pass trailers on, but not chunk extensions', async (t) => {
    const chunked = 'Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: 1\r\nSet-Cookie: no\r\n\r\n'
    const origin = await rawOrigin(t, () => `HTTP/1.1 200 OK\r\n${chunked}`)
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), `POST / HTTP/1.1\r\nHost: a\r\n${chunked}`)
    assert.match(await client.until('x-t: 1\r\n\r\n'), /\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n$/)
    assert.match(origin.peers[0]?.received ?? '', /\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n$/)
  })

  it('give HTTP/1.0 clients no chunks', async (t) => {
    const origin = await rawOrigin(
      t,
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    )
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), 'GET / HTTP/1.0\r\n\r\n')
    assert.equal(await client.untilEnd(), 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcde')
  })

  it('do not wait for a body after HEAD, 204 and 304', async (t) => {
    const origin = await rawOrigin(t, (text) => {
      if (text.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'
      const status = text.split('/')[1]?.slice(0, 3)
      return `HTTP/1.1 ${status} x\r\n${status === '304' ? 'Content-Length: 10\r\n' : ''}\r\n`
    })
    const proxy = await before(t, origin.port)
    const client = rawClient(
      t,
      proxy.port(),
      `HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${get('/204')}${get('/304')}${get('/299')}`,
    )
    await client.until('HTTP/1.1 299')
    assert.equal(origin.peers.length, 1)
  })

  it('pass 100 Continue and the final answer on', async (t) => {
    const origin = await httpOrigin(t, (request, response) => {
      request.resume()
      request.on('end', () => response.end('got it'))
    })
    const proxy = await before(t, origin.port)
    const client = rawClient(
      t,
      proxy.port(),
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
    )
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('hi')
    await client.until('got it')
  })

  it('open a tunnel for an upgrade, and end it with either side', async (t) => {
    const origin = await rawOrigin(t, (text) =>
      text.startsWith('GET')
        ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst'
        : `echo ${text}`,
    )
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), `${get('/', 'Connection: Upgrade', 'Upgrade: echo')}early`)
    assert.match(await client.until('echo early'), /upgrade: echo\r\n\r\nfirst/)
    client.send('POST /no-request')
    await client.until('echo POST /no-request')
    client.socket.end()
    await client.untilEnd()
    await until(() => proxy.proxy.stats.connections === 0, 'the end of the tunnel')
    assert.equal(proxy.proxy.stats.backends[0]?.servers[0]?.served, 0)
  })

  it('let nothing past the rules behind a CONNECT', async (t) => {
    const origin = await rawOrigin(t, () => reply('no'))
    const proxy = await before(t, origin.port, '  http-request deny if { path -m beg /admin }')
    const inner = get('/admin')
    for (const framing of [`Content-Length: ${inner.length}`, 'Transfer-Encoding: chunked']) {
      const text = `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n${framing}\r\n\r\n${inner}`
      assert.match(await rawClient(t, proxy.port(), text).untilEnd(), /^HTTP\/1.1 400 [^]*<\/html>\n$/)
    }
    assert.match(
      await rawClient(t, proxy.port(), 'CONNECT b:80 HTTP/1.1\r\nHost: a\r\n\r\n').untilEnd(),
      /^HTTP\/1.1 400 /,
    )
    assert.equal(origin.peers.length, 0)
  })

  it('hold what stands behind a CONNECT until the server has answered it', async (t) => {
    const origin = await rawOrigin(t, (text) => {
      return text.startsWith('CONNECT')
        ? 'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n'
        : reply(`got ${text}`)
    })
    const proxy = await before(t, origin.port, '  http-request deny if { path -m beg /admin }')
    const client = rawClient(t, proxy.port(), `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n${get('/admin')}`)
    assert.match(await client.until('403 Forbidden'), /^HTTP\/1.1 407 No[^]*HTTP\/1.1 403 /)
    assert.doesNotMatch(origin.peers.map((each) => each.received).join(''), /admin/)
  })

  it('open a tunnel for CONNECT', async (t) => {
    const origin = await rawOrigin(t, (text) =>
      text.startsWith('CONNECT') ? 'HTTP/1.1 200 OK\r\n\r\n' : `echo ${text}`,
    )
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')
    await client.until('200 OK')
    client.send('ping')
    await client.until('echo ping')
    origin.peers[0]?.socket.end()
    await client.untilEnd()
  })

  it('do not ask servers for HTTP/2', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await before(t, origin.port)
    await ask(
      t,
      proxy.port(),
      'GET /',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
    )
    const seen = origin.peers[0]?.received ?? ''
    assert.doesNotMatch(seen, /upgrade|h2c|http2-settings: /i)
  })

  it('send the rest of a request that was answered early', async (t) => {
    const origin = await rawOrigin(t, (text) => (text.startsWith('POST') ? reply('early') : undefined))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc')
    await client.until('early')
    client.send(`def${get('/next')}`)
    await until(() => origin.peers.some((each) => each.received.includes('/next')), 'the next request')
    assert.match(origin.peers[0]?.received ?? '', /abcdef/)
  })

  it('do not mix up responses when a server sends more than it was asked for', async (t) => {
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
    const origin = await rawOrigin(t, (text) =>
      text.includes('/bad') ? reply('ok') + poison : reply('good'),
    )
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/bad'))
    await client.until('ok')
    await sleep(20)
    client.send(get('/next'))
    await client.until('good')
    assert.doesNotMatch(client.received, /poison/)
  })

  it('do not use a connection again on which a server answered a HEAD with a body', async (t) => {
    const origin = await rawOrigin(t, () => reply('a body'))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), `HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${get('/next')}`)
    await client.until('a body')
    assert.equal(client.received.split('a body').length, 2)
    assert.equal(origin.peers.length, 2)
  })

  it('repeat a request when the kept connection died before the answer', async (t) => {
    let requests = 0
    const origin = await rawOrigin(t, (_text, peer) => {
      requests++
      if (requests === 2) {
        peer.socket.destroy()
        return undefined
      }
      return reply(`answer ${requests}`)
    })
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/1'))
    await client.until('answer 1')
    client.send(get('/2'))
    await client.until('answer 3')
    assert.equal(origin.peers.length, 2)
  })

  it('do not repeat a request that may have been carried out', async (t) => {
    let requests = 0
    const origin = await rawOrigin(t, (_text, peer) => {
      requests++
      if (requests === 1) return reply('first')
      peer.socket.destroy()
      return undefined
    })
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/1'))
    await client.until('first')
    client.send('POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
    // As in HAProxy: an end without an answer tells the client, which knows its request, that it may repeat it.
    assert.doesNotMatch((await client.untilEnd()).slice(1), /HTTP/)
    assert.equal(requests, 2)
  })

  it('give up a kept connection that the server closes', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/1'))
    await client.until('ok')
    await until(() => proxy.proxy.stats.backends[0]?.servers[0]?.idle === 1, 'an idle connection')
    origin.peers[0]?.socket.end()
    await until(() => proxy.proxy.stats.backends[0]?.servers[0]?.idle === 0, 'no idle connection')
  })

  it('hold back a server whose client does not read', async (t) => {
    let sent = 0
    const piece = Buffer.alloc(65_536)
    const origin = await httpOrigin(t, (_request, response) => {
      const write = (): void => {
        while (sent < 200_000_000) {
          sent += piece.length
          if (!response.write(piece)) {
            response.once('drain', write)
            return
          }
        }
      }
      write()
    })
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port())
    client.socket.pause()
    client.send(get('/'))
    await settled(() => sent)
    // What the kernel's buffers of two connections hold, and a little in between.
    assert.ok(sent < 40_000_000, `${sent} bytes were taken`)
    client.destroy()
    await until(() => proxy.proxy.stats.connections === 0, 'the end of the stream')
  })

  it('hold back a client that does not read the answers to its many requests', async (t) => {
    const proxy = await startProxy(t, `${defaults}\nfrontend fe\n  bind 127.0.0.1:0\n  http-request deny\n`)
    const client = rawClient(t, proxy.port())
    client.socket.pause()
    const many = Buffer.from(get('/').repeat(2000), 'latin1')
    let sent = 0
    const write = (): void => {
      while (sent < 100_000_000) {
        sent += many.length
        if (!client.socket.write(many)) {
          client.socket.once('drain', write)
          return
        }
      }
    }
    write()
    await settled(() => sent)
    assert.ok(sent < 40_000_000, `${sent} bytes were taken`)
    const before = proxy.proxy.stats.streams
    client.socket.resume()
    await until(() => proxy.proxy.stats.streams > before + 1000, 'more requests')
  })

  it('hold back a client whose server does not read', async (t) => {
    const origin = await httpOrigin(t, (request) => request.pause())
    const proxy = await before(t, origin.port)
    const client = rawClient(
      t,
      proxy.port(),
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n',
    )
    const piece = Buffer.alloc(65_536)
    let sent = 0
    const write = (): void => {
      while (sent < 200_000_000) {
        sent += piece.length
        if (!client.socket.write(piece)) {
          client.socket.once('drain', write)
          return
        }
      }
    }
    write()
    await settled(() => sent)
    assert.ok(sent < 40_000_000, `${sent} bytes were taken`)
    client.destroy()
    await until(() => proxy.proxy.stats.connections === 0, 'the end of the stream')
  })
})

/** Waits until a number stays the same for a while. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1; last !== value();) {
    last = value()
    await sleep(150)
  }
}

interface Exchanged {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly received: Buffer
}

function exchange(port: number, body: Buffer, headers: Record<string, string | number>): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', method: 'POST', path: '/', headers },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          resolve({ status: response.statusCode, headers: response.headers, received: Buffer.concat(parts) })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
