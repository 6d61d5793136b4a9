/** What goes wrong with one stream: the answer, the log line, and that nobody else notices. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { ask, deadPort, get, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup, TestProxy } from './support.js'

const short = `
defaults
  mode http
  log stderr format raw local0
  option httplog
  timeout client 200ms
  timeout server 200ms
  timeout connect 100ms
  timeout http-request 150ms
  timeout http-keep-alive 100ms
  timeout queue 100ms
  retries 1
`

function before(t: Cleanup, port: number, more = '', frontend = ''): Promise<TestProxy> {
  return startProxy(
    t,
    `${short}
frontend fe
  bind 127.0.0.1:0
${frontend}
  default_backend be
backend be
  server s 127.0.0.1:${port} ${more}
`,
  )
}

/** Waits for the log line of the last stream. */
async function logged(proxy: TestProxy, pattern: RegExp): Promise<void> {
  await until(
    () => proxy.lines.some((line) => pattern.test(line)),
    `${String(pattern)} in ${proxy.lines.join('\n')}`,
  )
}

describe('a client', () => {
  it('that sends nothing, or half a request, is told after a while', async (t) => {
    const proxy = await before(t, 1)
    for (const text of ['', 'GET / HT']) {
      const client = rawClient(t, proxy.port(), text)
      assert.match(await client.untilEnd(), /^HTTP\/1\.1 408 Request Time-out\r\nContent-length: 110\r\n/)
    }
    await logged(proxy, /fe fe\/<NOSRV> -1\/-1\/-1\/-1\/\d+ 408 0 - - cR-- .*"<BADREQ>"/)
  })

  it('that sends nonsense is told at once, and the connection is closed', async (t) => {
    const proxy = await before(t, 1)
    const client = rawClient(t, proxy.port(), `BAD\r\n\r\n${get('/')}`)
    const answer = await client.untilEnd()
    assert.match(answer, /^HTTP\/1\.1 400 Bad request\r\n/)
    assert.equal(answer.split('HTTP/1.1').length, 2)
    await logged(proxy, / 400 0 - - PR-- /)
  })

  it('that is idle after a request is closed without a word', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/'))
    assert.match(await client.untilEnd(), /ok$/)
  })

  it('that stops in the middle of its body is told', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await startProxy(
      t,
      `${short}  timeout server 400ms
frontend fe
  bind 127.0.0.1:0
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const client = rawClient(t, proxy.port(), 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
    assert.match(await client.untilEnd(), /^HTTP\/1\.1 504 /)
    await logged(proxy, / 504 \d+ - - sH-- /)
  })

  it('that sends a bad chunk takes its request back', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await before(t, origin.port)
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'
    const client = rawClient(t, proxy.port(), head)
    await until(() => origin.peers[0]?.received.includes('abc') === true, 'the first chunk')
    client.send('zz\r\n')
    assert.match(await client.untilEnd(), /^HTTP\/1\.1 400 /)
    await until(
      () => origin.peers[0]?.socket.destroyed === true || origin.peers[0]?.socket.readableEnded === true,
    )
  })

  it('that goes away takes its stream with it', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/'))
    await until(() => origin.peers.length === 1, 'the request')
    client.socket.resetAndDestroy()
    await logged(proxy, / -1 0 - - CH-- /)
    assert.equal(proxy.proxy.stats.backends[0]?.streams, 0)
    assert.equal(proxy.proxy.stats.backends[0]?.servers[0]?.served, 0)
  })

  it('that ends its side after its request gets the answer', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), get('/'))
    client.socket.end()
    assert.match(await client.untilEnd(), /ok$/)
  })
})

describe('abortonclose', () => {
  it('drops a request whose client has ended its side', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await startProxy(
      t,
      `${short}  option abortonclose
frontend fe
  bind 127.0.0.1:0
  default_backend be
backend be
  server s 127.0.0.1:${origin.port} maxconn 1
`,
    )
    rawClient(t, proxy.port(), get('/slow'))
    await until(() => origin.peers.length === 1, 'the first request')
    const client = rawClient(t, proxy.port(), get('/'))
    await until(() => proxy.proxy.stats.backends[0]?.queued === 1, 'a request in the queue')
    client.socket.end()
    assert.equal(await client.untilEnd(), '')
    await logged(proxy, / -1 0 - - CQ-- /)
    assert.equal(proxy.proxy.stats.backends[0]?.queued, 0)
  })
})

describe('a server', () => {
  it('that refuses is tried again, then the client is told', async (t) => {
    const proxy = await before(t, await deadPort())
    assert.match(
      await ask(t, proxy.port(), 'GET /'),
      /^HTTP\/1\.1 503 Service Unavailable\r\ncontent-length: 107\r\n/,
    )
    await logged(proxy, /fe be\/s \d+\/\d+\/-1\/-1\/\d+ 503 \d+ - - SC-- \d+\/\d+\/0\/0\/1 /)
  })

  it('that is silent is waited for so long', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await before(t, origin.port)
    assert.match(await ask(t, proxy.port(), 'GET /'), /^HTTP\/1\.1 504 Gateway Time-out\r\n/)
    await logged(proxy, / 504 \d+ - - sH-- /)
  })

  for (const [name, answer, cause] of [
    ['closes', '', 'S'],
    ['speaks something else', 'SSH-2.0-x\r\n\r\n', 'P'],
    ['sends two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 'P'],
    ['sends a head without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20_000)}`, 'P'],
    ['switches protocols unasked', 'HTTP/1.1 101 x\r\n\r\n', 'P'],
  ] as const) {
    it(`that ${name} is a bad gateway`, async (t) => {
      const origin = await rawOrigin(t, (_text, peer) => {
        peer.socket.end(answer)
        return undefined
      })
      const proxy = await before(t, origin.port)
      assert.match(await ask(t, proxy.port(), 'GET /'), /^HTTP\/1\.1 502 Bad Gateway\r\n/)
      await logged(proxy, new RegExp(` 502 \\d+ - - ${cause}H-- `))
    })
  }

  it('that stops in the middle of a response ends the connection', async (t) => {
    for (const [end, flags] of [
      [true, 'SD'],
      [false, 'sD'],
    ] as const) {
      const origin = await rawOrigin(t, (_text, peer) => {
        peer.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')
        if (end) peer.socket.end()
        return undefined
      })
      const proxy = await before(t, origin.port)
      assert.match(await ask(t, proxy.port(), 'GET /'), /\r\n\r\nabc$/)
      await logged(proxy, new RegExp(` 200 \\d+ - - ${flags}-- `))
    }
  })

  it('that cuts chunks short lets the client see it', async (t) => {
    const origin = await rawOrigin(t, (_text, peer) => {
      peer.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
      return undefined
    })
    const proxy = await before(t, origin.port)
    assert.match(await ask(t, proxy.port(), 'GET /'), /\r\n\r\n3\r\nabc\r\n$/)
  })

  it('that has enough to do lets others wait, for a while', async (t) => {
    const origin = await rawOrigin(t, (text, peer) => {
      if (!text.includes('/slow')) return reply('ok')
      void sleep(60).then(() => peer.socket.write(reply('slow')))
      return undefined
    })
    const proxy = await before(t, origin.port, 'maxconn 1')
    const first = ask(t, proxy.port(), 'GET /slow')
    await until(() => origin.peers.length === 1, 'the first request')
    assert.match(await ask(t, proxy.port(), 'GET /'), /ok$/)
    assert.match(await first, /slow$/)
    await logged(proxy, /be\/s \d+\/[1-9]\d*\/\d+\/\d+\/\d+ 200 /)
  })

  it('that has too much to do is given up', async (t) => {
    const origin = await rawOrigin(t, () => undefined)
    const proxy = await before(t, origin.port, 'maxconn 1')
    rawClient(t, proxy.port(), get('/slow'))
    await until(() => origin.peers.length === 1, 'the first request')
    assert.match(await ask(t, proxy.port(), 'GET /'), /^HTTP\/1\.1 503 /)
    await logged(proxy, /fe be\/<NOSRV> \d+\/\d+\/-1\/-1\/\d+ 503 \d+ - - sQ-- \d+\/\d+\/\d+\/0\/0 0\/1 /)
    assert.equal(proxy.proxy.stats.backends[0]?.queued, 0)
  })
})

describe('error pages', () => {
  it('come from errorfiles: that of the backend first, an empty one is silence', async (t) => {
    const proxy = await startProxy(
      t,
      `${short}
frontend fe
  bind 127.0.0.1:0
  errorfile 400 400.http
  errorfile 408 empty.http
  errorfile 503 other.http
  default_backend be
backend be
  errorfile 503 503.http
`,
      {
        files: {
          '400.http': 'HTTP/1.0 400 Nope\nX-A: b\n\nno',
          '503.http': 'HTTP/1.1 599 Busy\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbusy',
          'other.http': 'HTTP/1.1 503 x\r\n\r\n',
          'empty.http': '',
        },
      },
    )
    assert.equal(
      await ask(t, proxy.port(), 'GET /'),
      'HTTP/1.1 599 Busy\r\ncontent-type: text/plain\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy',
    )
    assert.equal(
      await rawClient(t, proxy.port(), 'BAD\r\n\r\n').untilEnd(),
      'HTTP/1.0 400 Nope\r\nx-a: b\r\n\r\nno',
    )
    assert.equal(await rawClient(t, proxy.port(), 'GET').untilEnd(), '')
  })
})

describe('many clients that misbehave', () => {
  it('leave the others alone, and nothing behind', async (t) => {
    const origin = await rawOrigin(t, (text) => (text.includes('/slow') ? undefined : reply('ok')))
    const proxy = await before(t, origin.port)
    const texts = [
      '',
      'BAD\r\n\r\n',
      'GET / HT',
      '\x16\x03\x01',
      get('/slow'),
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx',
    ]
    const clients = Array.from({ length: 60 }, (_, at) =>
      rawClient(t, proxy.port(), texts[at % texts.length]),
    )
    for (let round = 0; round < 5; round++) assert.match(await ask(t, proxy.port(), 'GET /'), /ok$/)
    for (const [at, client] of clients.entries()) {
      if (at % 2 === 0) client.socket.resetAndDestroy()
      else await client.untilEnd()
    }
    for (const client of clients) client.destroy()
    await until(() => proxy.proxy.stats.connections === 0, 'the end of all connections')
    const { backends } = proxy.proxy.stats
    assert.equal(backends[0]?.streams, 0)
    assert.equal(backends[0]?.servers[0]?.served, 0)
  })
})
