/** Rules where parity with HAProxy does not show: order, scopes, and what an attacker could do with them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { ask, defaults, get, rawClient, rawOrigin, reply, startProxy } from './support.js'

const echo = (text: string): string => reply(JSON.stringify(text))

describe('rules', () => {
  it("run in HAProxy's order: frontend before backend, and the other way round for responses", async (t) => {
    const origin = await rawOrigin(t, echo)
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  tcp-request connection set-var(sess.order) str(c)
  tcp-request session set-var(sess.order) var(sess.order),concat(s)
  tcp-request content set-var(txn.order) var(sess.order),concat(1)
  http-request set-var(txn.order) var(txn.order),concat(2)
  http-response set-var(txn.order) var(txn.order),concat(6)
  http-after-response set-header X-Order "%[var(txn.order)]"
  http-after-response set-header X-Last frontend
  default_backend be
backend be
  tcp-request content set-var(txn.order) var(txn.order),concat(3)
  http-request set-var(txn.order) var(txn.order),concat(4)
  tcp-response content set-var(txn.order) var(txn.order),concat(t)
  http-response set-var(txn.order) var(txn.order),concat(5)
  http-after-response set-header X-Last backend
  server s 127.0.0.1:${origin.port}
`,
    )
    const answer = await ask(t, proxy.port(), 'GET /')
    assert.match(answer, /x-order: cs1234t56\r\n/)
    assert.match(answer, /x-last: frontend\r\n/)
  })

  it('of a listen run once', async (t) => {
    const origin = await rawOrigin(t, echo)
    const proxy = await startProxy(
      t,
      `${defaults}
listen both
  bind 127.0.0.1:0
  http-request add-header X-A "%[be_name]"
  http-response add-header X-B b
  server s 127.0.0.1:${origin.port}
`,
    )
    const answer = await ask(t, proxy.port(), 'GET /')
    assert.equal(answer.split('x-a: both').length, 2)
    assert.equal(answer.split('x-b: b').length, 2)
  })

  it('stop with accept and allow, in their own rule set alone', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  tcp-request content accept
  tcp-request content reject
  http-request set-var(txn.a) str(1)
  http-request allow if { path /allowed }
  http-request deny
  http-response deny
  http-after-response set-header X-A "%[var(txn.a)]"
`,
    )
    assert.match(await ask(t, proxy.port(), 'GET /'), /^HTTP\/1\.1 403 [^]*x-a: 1\r\n/)
    assert.match(await ask(t, proxy.port(), 'GET /allowed'), /^HTTP\/1\.1 503 /)
  })

  it('keep variables in their scopes', async (t) => {
    const origin = await rawOrigin(t, echo)
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  http-request set-var(proc.count) var(proc.count),add(1)
  http-request set-var(proc.count) int(1) unless { var(proc.count) -m found }
  http-request set-var(sess.count) var(sess.count),add(1)
  http-request set-var(sess.count) int(1) unless { var(sess.count) -m found }
  http-request set-var(txn.count) var(txn.count),add(1)
  http-request set-var(txn.count) int(1) unless { var(txn.count) -m found }
  http-request set-var(req.only) int(1)
  http-response set-header X-Counts "%[var(proc.count)] %[var(sess.count)] %[var(txn.count)] %[var(req.only)]"
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const client = rawClient(t, proxy.port(), get('/1') + get('/2'))
    await client.until(/x-counts: 1 1 1 \r\n[^]*x-counts: 2 2 1 \r\n/)
    assert.match(await ask(t, proxy.port(), 'GET /'), /x-counts: 3 1 1 \r\n/)
  })

  it('cannot be made to add header lines', async (t) => {
    const origin = await rawOrigin(t, echo)
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  http-request set-header X-A "%[url_param(a),url_dec]"
  http-request set-path "/%[url_param(a),url_dec]"
  http-request set-query "%[url_param(a),url_dec]"
  http-response set-header X-B "%[var(txn.b),url_dec]"
  http-request set-var(txn.b) url_param(a)
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const answer = await ask(t, proxy.port(), 'GET /?a=x%0d%0aX-Evil:%20yes%00%23')
    assert.doesNotMatch(answer, /^x-evil/im)
    assert.doesNotMatch(origin.peers[0]?.received ?? '', /^x-evil|^get [^\r]*[ #][^\r]* http/im)
  })

  it('cannot change where a body ends', async (t) => {
    const origin = await rawOrigin(t, (text) => (text.startsWith('POST') ? echo(text) : undefined))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  http-request del-header Content-Length
  http-request set-header Transfer-Encoding chunked
  http-response del-header Content-Length
  http-response add-header Content-Length 3
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const answer = await ask(t, proxy.port(), 'POST /', 'Content-Length: 0')
    const length = Number(/content-length: (\d+)/.exec(answer)?.[1])
    assert.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4).length, length)
    const client = rawClient(t, proxy.port(), 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab')
    await client.until('ab')
    assert.match(origin.peers[1]?.received ?? '', /content-length: 2\r\n/)
    assert.doesNotMatch(origin.peers[1]?.received ?? '', /transfer-encoding/)
  })

  it('see the body with http-buffer-request', async (t) => {
    const origin = await rawOrigin(t, (text) => (text.includes('\r\n\r\n') ? echo(text) : undefined))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  option http-buffer-request
  http-request set-header X-Body "%[req.body]"
  http-request deny if { req.body -m sub attack }
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const client = rawClient(
      t,
      proxy.port(),
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
    )
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('some ')
    client.send('text')
    await client.until('some text')
    assert.match(origin.peers[0]?.received ?? '', /x-body: some text\r\n\r\nsome text$/)
    const attack = rawClient(
      t,
      proxy.port(),
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nattack\r\n0\r\n\r\n',
    )
    await attack.until('HTTP/1.1 403')
    attack.send(get('/after'))
    await attack.until('/after')
    // More than is kept for the rules: the rest was held back, and what follows must not be forgotten with it.
    const large = 'attack'.padEnd(30_000)
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${large.length}\r\n\r\n`
    const long = rawClient(t, proxy.port(), head + large + get('/behind'))
    await long.until('HTTP/1.1 403')
    await until(() => long.received.includes('/behind') || long.ended, 'an answer or the end')
  })

  it('reject connections before they have sent anything', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  tcp-request connection reject if { src 127.0.0.0/8 }
`,
    )
    assert.equal(await rawClient(t, proxy.port()).untilEnd(), '')
    assert.equal(proxy.lines.length, 0)
    assert.equal(proxy.proxy.stats.connections, 0)
  })

  it('read patterns from files, and backends by name', async (t) => {
    const first = await rawOrigin(t, () => reply('first'))
    const second = await rawOrigin(t, () => reply('second'))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  acl listed path -f paths.lst
  use_backend second if listed
  use_backend %[req.hdr(X-Backend)] if { req.hdr(X-Backend) -m found }
  default_backend first
backend first
  server s 127.0.0.1:${first.port}
backend second
  server s 127.0.0.1:${second.port}
`,
      { files: { 'paths.lst': '# comment\n/two\n/zwei\n' } },
    )
    assert.match(await ask(t, proxy.port(), 'GET /'), /first$/)
    assert.match(await ask(t, proxy.port(), 'GET /zwei'), /second$/)
    assert.match(await ask(t, proxy.port(), 'GET /', 'X-Backend: second'), /second$/)
    assert.match(await ask(t, proxy.port(), 'GET /', 'X-Backend: __proto__'), /first$/)
  })

  it('send nobody to a backend for agents, nor to one that is disabled', async (t) => {
    const origin = await rawOrigin(t, () => reply('first'))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  use_backend off if { path /off }
  use_backend %[req.hdr(X-Backend)] if { req.hdr(X-Backend) -m found }
  default_backend first
backend first
  server s 127.0.0.1:${origin.port}
backend off
  disabled
  server s 127.0.0.1:${origin.port}
backend agents
  mode spop
  server s 127.0.0.1:${origin.port}
`,
    )
    for (const name of ['agents', 'nobody'])
      assert.match(await ask(t, proxy.port(), 'GET /', `X-Backend: ${name}`), /first$/, name)
    assert.match(await ask(t, proxy.port(), 'GET /', 'X-Backend: off'), / 503 /)
    assert.match(await ask(t, proxy.port(), 'GET /off'), / 503 /)
  })
})
