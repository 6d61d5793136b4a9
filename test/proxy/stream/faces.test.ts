/** What rules and samples find of the stream that they run for: connection, sections, captures, variables, ids. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../support/until.ts'
import { ask, get, rawClient, rawOrigin, reply, startProxy } from '../support.js'

const defaults = (mode: string): string => `
defaults
  mode ${mode}
  log stderr format raw local0
  timeout client 5s
  timeout server 5s
  timeout connect 2s
`

describe('a stream shows', () => {
  it('where it came from, and whether that is this machine', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults('http')}frontend fe
  bind 127.0.0.1:0
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_is_local] %[dst] %[dst_is_local] %[dst_port]"
`,
    )
    const answer = await ask(t, proxy.port(), 'GET /')
    assert.match(answer, new RegExp(`\\r\\n\\r\\n127\\.0\\.0\\.1 1 127\\.0\\.0\\.1 1 ${proxy.port()}$`))
  })

  it('the frontend as its backend as long as none is chosen', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults('http')}frontend fe
  bind 127.0.0.1:0
  log-format "%b %[be_name] %[be_id]"
  http-request return status 200 if { path /own }
  default_backend be
backend be
  http-request return status 200
`,
    )
    await ask(t, proxy.port(), 'GET /own')
    await ask(t, proxy.port(), 'GET /')
    await until(() => proxy.lines.length === 2)
    assert.deepEqual(proxy.lines, ['fe fe 1', 'be be 2'])
  })

  it('which request of its connection it is', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults('http')}frontend fe
  bind 127.0.0.1:0
  log-format "%[http_first_req] %[var(sess.first)] %rt"
  http-request set-var(sess.first) path if { http_first_req }
  http-request return status 200
`,
    )
    const client = rawClient(t, proxy.port(), get('/1') + get('/2') + get('/3'))
    await until(() => proxy.lines.length === 3)
    client.destroy()
    assert.deepEqual(proxy.lines, ['1 /1 0', '0 /1 1', '0 /1 2'])
  })

  it('captures in the slots of its frontend: as long as the slot, and in no other slot', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok', 'X-B: 0123456789'))
    const proxy = await startProxy(
      t,
      `${defaults('http')}frontend fe
  bind 127.0.0.1:0
  log-format "%CC|%CS|%hr|%hs|%[capture.req.hdr(1)]|%[capture.res.hdr(0)]"
  declare capture request len 4
  declare capture request len 6
  declare capture response len 3
  http-request capture path id 1 if { path -m beg /long }
  http-response capture res.hdr(x-b) id 0
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    await ask(t, proxy.port(), 'GET /longer')
    await ask(t, proxy.port(), 'GET /no')
    await until(() => proxy.lines.length === 2)
    assert.deepEqual(proxy.lines, ['-|-|{|/longe}|{012}|/longe|012', '-|-|{|}|{012}|-|012'])
  })

  it('one id, however often it is asked', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults('http')}frontend fe
  bind 127.0.0.1:0
  unique-id-format "%[rand(1000000000)]"
  log-format "%ID %[unique-id] %[var(txn.id)]"
  http-request set-var(txn.id) unique-id
  http-request return status 200
`,
    )
    await ask(t, proxy.port(), 'GET /')
    await ask(t, proxy.port(), 'GET /')
    await until(() => proxy.lines.length === 2)
    const ids = proxy.lines.map((line) => line.split(' '))
    for (const [id, ...others] of ids) assert.deepEqual(others, [id, id])
    assert.notEqual(ids[0]?.[0], ids[1]?.[0])
  })

  it('no variables of the response before there is one, and none of the request behind it', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `${defaults('http')}frontend fe
  bind 127.0.0.1:0
  log-format "%[var(txn.a)]%[var(txn.b)]%[var(txn.c)]%[var(txn.d)]"
  http-request set-var(req.x) str(x)
  http-request set-var(res.x) str(x)
  http-request set-var(txn.a) var(req.x)
  http-request set-var(txn.b) var(res.x,no)
  http-response set-var(txn.c) var(req.x,no)
  http-response set-var(res.x) str(y)
  http-response set-var(txn.d) var(res.x)
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    await ask(t, proxy.port(), 'GET /')
    await until(() => proxy.lines.length === 1)
    assert.deepEqual(proxy.lines, ['x--y'])
  })
})

describe('a TCP connection that becomes HTTP', () => {
  it('keeps its number, its variables and its id for its first request', async (t) => {
    const origin = await rawOrigin(t, (text) => reply(text.split(' ')[1] ?? ''))
    const proxy = await startProxy(
      t,
      `${defaults('tcp')}frontend fe
  bind 127.0.0.1:0
  unique-id-format "%[rand(1000000000)]"
  log-format "%[var(txn.a)] %[var(txn.id)] %ID %rt"
  tcp-request content set-var(txn.a) str(a)
  tcp-request content set-var(txn.id) unique-id
  use_backend be
${defaults('http')}backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const client = rawClient(t, proxy.port(), get('/1'))
    await client.until('/1')
    client.send(get('/2', 'Connection: close'))
    await client.untilEnd()
    await until(() => proxy.lines.length >= 2)
    const [first, second] = proxy.lines.map((line) => line.split(' '))
    assert.deepEqual([first?.[0], first?.[3]], ['a', '0'])
    assert.equal(first?.[1], first?.[2])
    // Each further request goes through the rules of the frontend again.
    assert.equal(second?.[0], 'a')
    assert.equal(second?.[1], second?.[2])
    assert.notEqual(second?.[1], first?.[1])
    assert.equal(second?.[3], '1')
  })
})
