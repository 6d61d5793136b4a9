import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { ask, defaults, get, rawClient, rawOrigin, reply, startProxy } from './support.js'

describe('logs', () => {
  it('use the format of the frontend', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 2s
frontend fe
  bind 127.0.0.1:0
  log stdout format raw local0
  log-format "%ci %ft %b/%s %ST %B %tsc %HM %HP%HQ %{+Q}r %[var(txn.a)]"
  http-request set-var(txn.a) str(b)
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    await ask(t, proxy.port(), 'GET /x?y=z')
    // 20 for the start line, HTTP/1.1, 200, OK, content-length, 2, the end of the headers, and the body.
    assert.deepEqual(proxy.lines, ['127.0.0.1 fe be/s 200 51 ---- GET /x?y=z "GET /x?y=z HTTP/1.1" b'])
  })

  it('say who connected when no format is given', async (t) => {
    const proxy = await startProxy(
      t,
      `${defaults.replace('  option httplog\n', '')}\nfrontend fe\n  bind 127.0.0.1:0\n`,
    )
    await ask(t, proxy.port(), 'GET /')
    assert.match(proxy.lines[0] ?? '', /^Connect from 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+ \(fe\/HTTP\)$/)
  })

  it('have headers, levels and lengths as the target says', async (t) => {
    const target = createSocket('udp4')
    target.bind(0, '127.0.0.1')
    await once(target, 'listening')
    t.after(() => void target.close())
    const received: string[] = []
    target.on('message', (message) => void received.push(message.toString('latin1')))
    const { port } = target.address()
    const proxy = await startProxy(
      t,
      `global
  log 127.0.0.1:${port} len 120 local1
  log stdout format short local2 notice
  log stderr format rfc5424 daemon debug warning
  log-tag gate
defaults
  mode http
  timeout client 5s
frontend fe
  bind 127.0.0.1:0
  log global
  log stderr format iso local7
  log-format "%HM %HP"
`,
    )
    await ask(t, proxy.port(), `GET /${'x'.repeat(200)}`)
    await until(() => received.length === 1, 'the datagram')
    // local1 is 17, info is 6.
    assert.match(received[0] ?? '', /^<142>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d gate\[\d+\]: GET \/x+\n$/)
    // The line feed does not count.
    assert.equal(received[0]?.length, 121)
    // Not to `notice`; `warning` is the most urgent that the third may say.
    assert.equal(proxy.lines.length, 2)
    assert.match(proxy.lines[0] ?? '', /^<30>1 \d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d - gate \d+ - - GET \/x+$/)
    assert.match(proxy.lines[1] ?? '', /^\d{4}-\d\d-\d\dT\S+ GET /)
  })

  it('leave out connections that carried nothing with dontlognull', async (t) => {
    const proxy = await startProxy(t, `${defaults}\n  option dontlognull\nfrontend fe\n  bind 127.0.0.1:0\n`)
    const client = rawClient(t, proxy.port())
    client.socket.end()
    await client.untilEnd()
    await ask(t, proxy.port(), 'GET /')
    assert.equal(proxy.lines.length, 1)
    assert.match(proxy.lines[0] ?? '', / 503 /)
  })

  it('are given unique ids that servers see, too', async (t) => {
    const origin = await rawOrigin(t, () => reply('ok'))
    const proxy = await startProxy(
      t,
      `${defaults}
frontend fe
  bind 127.0.0.1:0
  unique-id-format "%ci-%rt"
  unique-id-header X-Id
  log-format "%ID"
  default_backend be
backend be
  server s 127.0.0.1:${origin.port}
`,
    )
    const client = rawClient(t, proxy.port(), get('/1'))
    await client.until('ok')
    assert.match(origin.peers[0]?.received ?? '', /x-id: 127\.0\.0\.1-0\r\n/)
    assert.deepEqual(proxy.lines, ['127.0.0.1-0'])
  })
})
