/** How a client of a unix socket is logged by HAProxy and by sluice: `unix`, and the number of the listener. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { it } from 'node:test'
import type { TestContext } from 'node:test'
import { reply, startApp } from '../fcgi/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'
import { until } from '../support/until.ts'

const config = (f: number, app: string): string => `
defaults
  mode http
  log stdout format raw local0
  timeout client 1s
frontend f
  bind 127.0.0.1:${f}
  bind unix@u1,unix@u2
  bind unix@u3
  log-format "line %ci:%cp %{+Q}ci:%{+Q}cp %fi:%fp %B %[src] %[dst]"
  http-request return status 200
frontend g
  bind unix@u4
  http-request return status 200
frontend h
  bind unix@u5
  option httplog
  http-request return status 200
frontend i
  bind unix@u6
  option httplog clf
  http-request return status 200
frontend j
  mode tcp
  bind unix@u7
  option tcplog
  tcp-request content reject
frontend k
  bind unix@u8
  log-format "line %ci:%cp %fi:%fp %bi:%bp %si:%sp %[src] %[src_port] %[src_is_local] %[dst_is_local] %[var(txn.seen)]"
  option forwardfor
  http-response set-var(txn.seen) res.hdr(x-seen)
  default_backend unix
backend unix
  timeout connect 1s
  timeout server 1s
  server s unix@u9
frontend l
  no log
  bind unix@u9
  http-request return status 200 hdr X-Seen "<%[req.hdr(x-forwarded-for)]>"
frontend m
  mode tcp
  bind unix@u10
  log-format "line %ci:%cp %fi:%fp %bi:%bp %si:%sp"
  default_backend unix-tcp
backend unix-tcp
  mode tcp
  timeout connect 1s
  timeout server 1s
  server s unix@u9
frontend n
  bind unix@u11
  log-format "line %ci:%cp %[var(txn.env)]"
  http-response set-var(txn.env) res.hdr(x-env)
  default_backend app
fcgi-app app
  docroot /srv
backend app
  timeout connect 1s
  timeout server 1s
  use-fcgi-app app
  server s ${app} proto fcgi
`

/** An application that answers with the addresses that it is told. */
async function startAddresses(t: TestContext): Promise<string> {
  const { endpoint } = await startApp(t, async (peer) => {
    for (;;) {
      const { id, params } = await peer.request()
      const told = [...params].filter(([name]) => /^(?:REMOTE|SERVER)_(?:ADDR|PORT)$/.test(name))
      const text = told.map((each) => each.join('=')).join(' ')
      peer.send(reply(id, `X-Env: ${text}\r\nContent-Length: 0\r\n\r\n`))
    }
  })
  return endpoint
}

it('clients of unix sockets are logged alike', { skip: skipWithoutHaproxy() }, async (t) => {
  const both: string[][] = []
  const app = await startAddresses(t)
  for (const start of [startHaproxy, startSluice]) {
    const started = await start({ ports: ['f'] as const, config: ({ f }) => config(f, app) })
    t.after(() => started.stop())
    const lines = () =>
      started
        .logs()
        .split('\n')
        .filter((line) => /^(?:line )?"?unix|^Connect to|^line unix/.test(line))
        .map((line) =>
          line
            .replace(/\[\d\d\/.*?\]/, '[DATE]')
            .replace(/"" "" 1 \d{1,3} /, '"" "" 1 MS ')
            // Times, where there are any: those of logs.test.ts are compared.
            .replace(/(NOSRV>"?) (-?\d+)([ /])/, '$1 T$3')
            .replace(/([ /])\d+ (LR|200|0 PR)/, '$1T $2'),
        )
    // u9 is the server of others.
    for (const [at, number] of [1, 2, 3, 4, 5, 6, 7, 8, 10, 11].entries()) {
      const client = connect(join(started.dir, `u${number}`))
      client.on('error', () => {})
      client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      client.resume()
      await until(() => lines().length > at, `the line of u${number}: ${started.logs()}`)
      client.destroy()
    }
    both.push(lines())
  }
  assert.deepEqual(both[1], both[0])
  assert.match(both[0]?.join('\n') ?? '', /^line unix:2 "unix":2 unix:2 /)
})
