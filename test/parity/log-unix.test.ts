/** How a client of a unix socket is logged by HAProxy and by sluice: `unix`, and the number of the listener. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { it } from 'node:test'
import { until } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'

const config = ({ f }: { readonly f: number }): string => `
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
`

it('clients of unix sockets are logged alike', { skip: skipWithoutHaproxy() }, async (t) => {
  const both: string[][] = []
  for (const start of [startHaproxy, startSluice]) {
    const started = await start({ ports: ['f'] as const, config })
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
    for (let number = 1; number <= 7; number++) {
      const client = connect(join(started.dir, `u${number}`))
      client.on('error', () => {})
      client.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      client.resume()
      await until(() => lines().length === number, `the line of u${number}: ${started.logs()}`)
      client.destroy()
    }
    both.push(lines())
  }
  assert.deepEqual(both[1], both[0])
  assert.match(both[0]?.join('\n') ?? '', /^line unix:2 "unix":2 unix:2 /)
})
