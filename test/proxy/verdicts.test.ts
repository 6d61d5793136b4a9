/** No way round a rule, and no message that two readers understand differently: each kind with its family. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { ask, defaults, get, rawClient, rawOrigin, reply, startProxy } from './support.js'
import type { Cleanup, TestProxy } from './support.js'

function before(t: Cleanup, port: number, front = '', back = ''): Promise<TestProxy> {
  return startProxy(
    t,
    `${defaults}frontend fe\n  bind 127.0.0.1:0\n${front}\n  default_backend be\n` +
      `backend be\n${back}\n  server s 127.0.0.1:${port}\n`,
  )
}

const post = (...headers: string[]): string =>
  ['POST / HTTP/1.1', 'Host: a', ...headers, 'Content-Length: 4', '', 'body'].join('\r\n')

describe('a switch of protocols', () => {
  it('is not asked for with a body', async (t) => {
    for (const text of [
      post('Connection: Upgrade', 'Upgrade: x'),
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
    ]) {
      const origin = await rawOrigin(t, () => reply('ok'))
      const proxy = await before(t, origin.port)
      await rawClient(t, proxy.port(), text).until('ok')
      assert.doesNotMatch(origin.peers[0]?.received ?? '', /upgrade/i)
    }
  })

  it('is 502 when nobody asked for it, and closes what the server has switched', async (t) => {
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'
    for (const text of [
      get('/'),
      get('/', 'Upgrade: x'),
      post('Connection: Upgrade', 'Upgrade: x'),
      get('/', 'Connection: Upgrade', 'Upgrade: h2c'),
      get('/', 'Connection: Upgrade', 'Upgrade: H2C;q=1'),
    ]) {
      const origin = await rawOrigin(t, () => switched)
      const proxy = await before(t, origin.port)
      const client = rawClient(t, proxy.port(), text)
      await client.until('HTTP/1.1 502 ')
      await until(() => origin.peers[0]?.socket.destroyed === true, 'the end of the server connection')
    }
  })

  it('to a websocket needs the right answer to its key', async (t) => {
    const key = 'dGhlIHNhbXBsZSBub25jZQ=='
    const right = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    const asked = get('/', 'Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${key}`)
    for (const [accept, status] of [
      [right, 101],
      ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo', 502],
      ['', 502],
      [undefined, 502],
    ] as const) {
      const field = accept === undefined ? '' : `Sec-WebSocket-Accept: ${accept}\r\n`
      const head = `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${field}\r\n`
      const origin = await rawOrigin(t, (text) => (text.includes('GET') ? head : `echo ${text}`))
      const proxy = await before(t, origin.port)
      const client = rawClient(t, proxy.port(), asked)
      await client.until(`HTTP/1.1 ${status} `)
      if (status === 101) await client.send('frame').until('echo frame')
    }
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await before(t, origin.port)
    const keyless = get('/', 'Connection: Upgrade', 'Upgrade: websocket')
    assert.match(await rawClient(t, proxy.port(), keyless).untilEnd(), /^HTTP\/1\.1 400 /)
  })

  it('never asks for HTTP/2 in clear text', async (t) => {
    for (const headers of [
      ['Upgrade: h2c'],
      ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
      ['Connection: upgrade', 'Upgrade: foo, h2c;q=1'],
      ['Connection: UPGRADE', 'Upgrade: H2C'],
      ['Connection: upgrade', 'Upgrade: h2c', 'Upgrade: h2c'],
    ]) {
      const origin = await rawOrigin(t, () => reply('ok'))
      const proxy = await before(t, origin.port)
      await rawClient(t, proxy.port(), get('/', ...headers)).until('ok')
      assert.doesNotMatch(origin.peers[0]?.received ?? '', /h2c|http2-settings/i)
    }
  })

  it('is not made by a rule that changes a status', async (t) => {
    const origin = await rawOrigin(t, () => 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')
    const proxy = await before(t, origin.port, '  http-after-response set-status 200\n')
    const inner = get('/inner')
    const client = rawClient(t, proxy.port(), `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n${inner}`)
    await client.untilEnd()
    await sleep(30)
    assert.doesNotMatch(origin.peers.map(({ received }) => received).join(''), /inner/)
  })
})

describe('headers of one hop', () => {
  it('that Connection names are not passed on, and rules do not see them either', async (t) => {
    const origin = await rawOrigin(t, () =>
      reply('ok', 'Connection: X-Secret', 'X-Secret: 1', 'Keep-Alive: timeout=5'),
    )
    const proxy = await before(t, origin.port, '  http-request set-header X-Real-IP 192.0.2.1\n')
    const client = rawClient(
      t,
      proxy.port(),
      get('/', 'Connection: X-Real-IP, X-Hop, Host', 'X-Hop: 1', 'X-Real-IP: spoofed', 'Proxy-Connection: x'),
    )
    const answer = await client.until('ok')
    const received = origin.peers[0]?.received ?? ''
    assert.match(received, /host: a\r\n/)
    assert.match(received, /x-real-ip: 192\.0\.2\.1\r\n/i)
    assert.doesNotMatch(received, /spoofed|x-hop|proxy-connection|connection/i)
    assert.doesNotMatch(answer, /x-secret|keep-alive/i)
  })

  it('TE is trailers, or nothing', async (t) => {
    for (const [given, wanted] of [
      ['TE: gzip', undefined],
      ['TE: gzip, trailers', 'trailers'],
      ['TE: trailers;q=0.5', 'trailers'],
      ['TE: notrailers', undefined],
    ] as const) {
      const origin = await rawOrigin(t, () => reply('ok'))
      const proxy = await before(t, origin.port)
      await rawClient(t, proxy.port(), get('/', given)).until('ok')
      assert.equal(/^te: (.*)\r$/im.exec(origin.peers[0]?.received ?? '')?.[1], wanted, given)
    }
  })
})

describe('the framing of what leaves', () => {
  const rules = [
    '  http-response set-header Content-Length 100',
    '  http-response set-header Transfer-Encoding chunked',
    '  http-response add-header Content-Length 3',
    '  http-response del-header Content-Length',
    '  http-after-response set-header Content-Length 100',
    '  http-after-response set-header Transfer-Encoding chunked',
  ]
  const answers: Readonly<Record<string, string>> = {
    empty: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    length: reply('body'),
    chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
    '204': 'HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n',
    '204 chunked': 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n',
  }

  it('is what the body does, whatever rules say', async (t) => {
    for (const rule of rules) {
      for (const [name, answer] of Object.entries(answers)) {
        const origin = await rawOrigin(t, () => answer)
        const proxy = await before(t, origin.port, '', rule)
        const client = rawClient(t, proxy.port(), get('/1') + get('/2'))
        await until(() => client.received.split('HTTP/1.1 ').length === 3, `two answers: ${rule}, ${name}`)
        await sleep(5)
        for (const each of client.received.split(/(?=HTTP\/1\.1 )/)) check(each, `${rule}, ${name}`)
      }
    }
  })

  it('is true for replies of the proxy itself', async (t) => {
    for (const rule of rules.slice(4)) {
      const origin = await rawOrigin(t, () => reply('x'))
      const front = `${rule}\n  http-request return status 200 content-type text/plain string body if { path /r }\n  http-request deny\n`
      const proxy = await before(t, origin.port, front)
      for (const path of ['/r', '/d']) check(await ask(t, proxy.port(), `GET ${path}`), `${rule}, ${path}`)
    }
  })

  it('follows a status that rules change', async (t) => {
    for (const [status, answer, body] of [
      [204, reply('body'), ''],
      [304, reply('body'), ''],
      [200, 'HTTP/1.1 204 No\r\n\r\n', ''],
      [299, 'HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n', ''],
      [404, reply('body'), 'body'],
    ] as const) {
      const origin = await rawOrigin(t, () => answer)
      const proxy = await before(t, origin.port, '', `  http-response set-status ${status}`)
      const client = rawClient(t, proxy.port(), get('/1') + get('/2'))
      await until(() => client.received.split('HTTP/1.1 ').length === 3, `two answers with ${status}`)
      await sleep(5)
      for (const each of client.received.split(/(?=HTTP\/1\.1 )/)) {
        check(each, String(status))
        assert.equal(each.slice(each.indexOf('\r\n\r\n') + 4), body)
      }
    }
  })

  /** One response as its own fields frame it: nothing may be left, and nothing be missing. */
  function check(text: string, what: string): void {
    const end = text.indexOf('\r\n\r\n')
    const head = text.slice(0, end).toLowerCase()
    const body = text.slice(end + 4)
    const length = [...head.matchAll(/^content-length: (.*)$/gm)].map((each) => Number(each[1]))
    const coding = [...head.matchAll(/^transfer-encoding: (.*)$/gm)].map((each) => each[1])
    const status = Number(head.slice(9, 12))
    assert.ok(length.length + coding.length <= 1, `${what}: ${head}`)
    if (status === 204) assert.deepEqual([length, coding, body], [[], [], ''], what)
    else if (status === 304) assert.equal(body, '', what)
    else if (coding.length > 0) assert.match(body, /^(?:[0-9a-f]+\r\n[^]*\r\n)?0\r\n\r\n$/, what)
    else assert.deepEqual([body.length], length, `${what}: ${text}`)
  }

  it('lets no answer that is cut look whole', async (t) => {
    const origin = await rawOrigin(t, (_, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n')
      setTimeout(() => socket.destroy(), 20)
      return undefined
    })
    const proxy = await before(t, origin.port)
    const client = rawClient(t, proxy.port(), 'GET / HTTP/1.0\r\n\r\n')
    let reset = false
    client.socket.on(
      'error',
      (error: Error & { code?: string }) => void (reset = error.code === 'ECONNRESET'),
    )
    await until(() => client.closed, 'the end')
    assert.match(client.received, /body$/)
    assert.ok(reset, 'it ended as a whole answer ends')
  })

  it('passes trailers on in both directions', async (t) => {
    const origin = await rawOrigin(t, (text) =>
      /0\r\n(?:.*\r\n)*\r\n$/.test(text)
        ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: b\r\n\r\n'
        : undefined,
    )
    for (const front of ['', '  option http-buffer-request\n', '  http-request set-header X-A b\n']) {
      const proxy = await before(t, origin.port, front)
      const client = rawClient(
        t,
        proxy.port(),
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Start: a\r\n\r\n',
      )
      await client.until(/0\r\nx-end: b\r\n\r\n$/i)
      assert.match(origin.peers.at(-1)?.received ?? '', /0\r\nx-start: a\r\n\r\n$/i)
    }
  })
})

describe('a TCP frontend in front of an HTTP backend', () => {
  const config = (port: number): string => `
defaults
  timeout client 3s
  timeout server 3s
  timeout connect 1s
  log stderr format raw local0
frontend fe
  mode tcp
  option tcplog
  bind 127.0.0.1:0
  tcp-request inspect-delay 300ms
  tcp-request content set-var(txn.a) str(kept)
  tcp-request content accept if HTTP
  tcp-request content reject if { req.len gt 2 }
  use_backend other if { path /other }
  default_backend web
backend web
  mode http
  http-request deny if { path -m beg /admin }
  http-request set-header X-A "%[var(txn.a)]"
  http-response set-header X-R b
  server s 127.0.0.1:${port}
backend other
  mode http
  http-request return status 202
`

  it('is HTTP: each request goes through the rules of the backend', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await startProxy(t, config(origin.port))
    const client = rawClient(t, proxy.port(), get('/1'))
    await client.until('/1')
    assert.match(client.received, /x-r: b\r\n/)
    assert.match(origin.peers[0]?.received ?? '', /x-a: kept\r\n/i)
    client.send(get('/admin'))
    await client.until('HTTP/1.1 403 ')
    client.send(get('/other'))
    await client.until('HTTP/1.1 202 ')
    client.send(get('/2'))
    await client.until('/2')
    assert.doesNotMatch(origin.peers.map(({ received }) => received).join(''), /admin/)
  })

  it('takes a request in pieces, and pipelined ones', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await startProxy(t, config(origin.port))
    const client = rawClient(t, proxy.port())
    for (const piece of ['GET /', 'slow HTTP/1.1\r\nHo', `st: a\r\n\r\n${get('/admin')}`, get('/last')]) {
      client.send(piece)
      await sleep(15)
    }
    assert.match(await client.until('/last'), /\/slow[^]*HTTP\/1\.1 403 [^]*\/last/)
  })

  it('refuses what is no HTTP', async (t) => {
    const origin = await rawOrigin(t, () => reply('no'))
    const proxy = await startProxy(t, config(origin.port))
    assert.equal(await rawClient(t, proxy.port(), '\x16\x03\x01\x02').untilEnd(), '')
    assert.equal(origin.peers.length, 0)
  })
})
