/**
 * `set-method` from and to methods whose answers end in a way of their own: the client goes by the method that it has sent,
 * the server by the one that reaches it. HAProxy beside sluice.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RawClient, rawOrigin } from '../proxy/support.ts'
import type { Cleanup } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { askOnce } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const methods = ['GET', 'HEAD', 'POST', 'CONNECT'] as const

/** A server that answers as the method that reached it asks, and its requests. */
async function startOrigin(t: Cleanup): Promise<{ readonly port: number; readonly asked: string[] }> {
  const asked: string[] = []
  const { port } = await rawOrigin(t, (text) => {
    const [line, method] = /^([A-Z]+) \S+/.exec(text) ?? []
    if (line === undefined) return undefined
    asked.push(line)
    if (method === 'CONNECT') return 'HTTP/1.1 200 OK\r\n\r\n'
    return `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${method === 'HEAD' ? '' : 'body'}`
  })
  return { port, asked }
}

/** What the client got, and what the server was asked. */
async function converse(port: number, asked: string[], method: string, to: string): Promise<string> {
  asked.length = 0
  const client = new RawClient(port)
  client.send(`${method} ${method === 'CONNECT' ? 'a:80' : '/'} HTTP/1.1\r\nHost: a:80\r\nX-M: ${to}\r\n\r\n`)
  await client.until('\r\n\r\n')
  await sleep(60)
  client.send('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  await sleep(120)
  const statuses = client.received.match(/HTTP\/1\.1 \d+/g)?.length
  const bodies = client.received.match(/body/g)?.length ?? 0
  client.destroy()
  return `${method} as ${to}: ${statuses} heads, ${bodies} bodies, ${client.ended ? 'ended' : 'open'}; ${asked.join(', ')}`
}

test('a changed method ends the answer for the server alone', { skip: skipWithoutHaproxy() }, async (t) => {
  const config = (port: number) => (ports: Readonly<Record<'fe', number>>) =>
    `defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s\nfrontend fe\n  bind 127.0.0.1:${ports.fe}
  http-request set-method %[req.hdr(x-m)] if { req.hdr(x-m) -m found }\n  default_backend be\nbackend be\n  server s 127.0.0.1:${port}\n`
  const origins = [await startOrigin(t), await startOrigin(t)] as const
  const haproxy = await startHaproxy({ ports: ['fe'], config: config(origins[0].port) })
  const sluice = await startSluice({ ports: ['fe'], config: config(origins[1].port) })
  try {
    for (const method of methods) {
      for (const to of methods) {
        const [theirs, ours] = await Promise.all([
          converse(haproxy.ports.fe, origins[0].asked, method, to),
          converse(sluice.ports.fe, origins[1].asked, method, to),
        ])
        assert.equal(ours, theirs)
      }
    }
  } finally {
    await haproxy.stop()
    await sluice.stop()
  }
})

test('what rules see of a changed method', { skip: skipWithoutHaproxy() }, async () => {
  const config = ({ fe }: Readonly<Record<'fe', number>>) => `defaults
  mode http
  timeout client 5s
frontend fe
  bind 127.0.0.1:${fe}
  http-request set-method %[req.hdr(x-m)] if { req.hdr(x-m) -m found }
  http-request set-var(txn.get) str(yes) if { method GET }
  http-request return status 200 hdr x-seen "%[method] %[var(txn.get)] %[capture.req.method] %HM"
  http-after-response set-header x-after %[method]
`
  const haproxy = await startHaproxy({ ports: ['fe'], config })
  const sluice = await startSluice({ ports: ['fe'], config })
  try {
    for (const method of ['GET', 'PUT', 'PATCH', 'FOO']) {
      for (const to of ['', 'X-M: GET\r\n', 'X-M: PUT\r\n', 'X-M: BAR\r\n']) {
        // As text it is GET for HAProxy, too, but no ACL matches it there (docs/compatibility.md).
        if (!['GET', 'PUT'].includes(method) && to.includes('GET')) continue
        const request = `${method} / HTTP/1.1\r\nHost: a\r\n${to}\r\n`
        const [theirs, ours] = await Promise.all([
          askOnce(haproxy.ports.fe, request),
          askOnce(sluice.ports.fe, request),
        ])
        assert.deepEqual(ours, theirs, request)
      }
    }
  } finally {
    await haproxy.stop()
    await sluice.stop()
  }
})
