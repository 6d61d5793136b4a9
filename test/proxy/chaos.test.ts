/**
 * Clients and servers that send good and bad pieces in any order, stop, end and reset: nothing may be thrown, and when
 * they have gone nothing may be left behind. SLUICE_CHAOS_SECONDS makes it longer.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import { until } from '../support/until.ts'
import { rawOrigin, startProxy } from './support.js'

const seconds = Number(process.env['SLUICE_CHAOS_SECONDS'] ?? 2)

/** The same numbers for the same seed, which the test tells when it fails. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x1_0000_0000
  }
}

const requests = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  '3\r\nabc\r\n',
  '0\r\n\r\n',
  'HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  '\r\n',
  'x',
  'GET /deny HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /group HTTP/1.1\r\nHost: a\r\n\r\n',
  `POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'a'.repeat(100_000)}`,
  'a'.repeat(100_000),
  'GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
]

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'

const responses = [
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nuntil',
  'garbage\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\n\r\n',
  'b'.repeat(50_000),
  'HTTP/1.1 200 OK\r\nContent-Length: 50000\r\nConnection: close\r\n\r\n',
]

const config = (origin: number, agent: number): string => `defaults
  mode http
  timeout client 300ms
  timeout server 200ms
  timeout connect 100ms
  timeout http-keep-alive 200ms
  retries 1
frontend f
  bind 127.0.0.1:0
  option http-buffer-request
  filter spoe config s.conf
  http-request deny if { path /deny }
  http-request send-spoe-group agent g if { path /group }
  http-response set-header X "%[var(txn.p.s)]"
  use_backend b2 if { path /x }
  default_backend b
backend b
  http-reuse always
  server s 127.0.0.1:${origin} maxconn 20
  server s2 127.0.0.1:${origin} check inter 50ms
backend b2
  option abortonclose
  server s 127.0.0.1:${origin} maxconn 2
listen t
  mode tcp
  bind 127.0.0.1:0
  tcp-request inspect-delay 50ms
  tcp-request content reject if { req.len gt 200 }
  server s 127.0.0.1:${origin}
backend agents
  mode tcp
  server a 127.0.0.1:${agent}
`

const spoe = `spoe-agent agent
  messages m
  groups g
  option var-prefix p
  timeout processing 40ms
  use-backend agents
spoe-message m
  event on-frontend-http-request
spoe-message g1
  args path
spoe-group g
  messages g1
`

/** Node 20 loses the handle of a socket that is reset while something is being sent, and then never exits. */
function reset(socket: Socket): void {
  if (socket.writableEnded || socket.writableLength > 0) socket.destroy()
  else socket.resetAndDestroy()
}

describe('chaos', () => {
  it('leaves nothing behind', async (t) => {
    const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? Date.now() % 1_000_000)
    t.diagnostic(`seed ${seed}`)
    const random = createRandom(seed)
    const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? ''
    const origin = await rawOrigin(t, (_text, { socket }) => {
      const what = random()
      if (what < 0.08) socket.destroy()
      else if (what < 0.12) reset(socket)
      else if (what < 0.16) socket.end(pick(responses))
      else if (what < 0.75) return random() < 0.7 ? good : pick(responses)
      return undefined
    })
    const agent = createAgent()
    agent.message('m', async (_message, actions) => {
      actions.setVar('txn', 's', 1)
      if (random() < 0.2) await sleep(random() * 60)
    })
    const endpoint = await agent.listen('127.0.0.1:0')
    t.after(() => agent.close())
    const faults: string[] = []
    const quiet = (): void => {}
    const proxy = await startProxy(t, config(origin.port, endpoint.type === 'tcp' ? endpoint.port : 0), {
      files: { 's.conf': spoe },
      logger: {
        debug: quiet,
        info: quiet,
        warn: quiet,
        error: (fields, message) =>
          void faults.push(`${message}: ${String((fields as { err?: Error }).err?.stack)}`),
      },
    })

    const client = async (): Promise<void> => {
      const socket = connect(proxy.port(random() < 0.85 ? 'f' : 't'), '127.0.0.1')
      const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()))
      socket.on('error', () => {})
      if (random() < 0.1) socket.pause()
      else socket.resume()
      for (let left = 1 + random() * 6; left > 0 && !socket.destroyed; left--) {
        const piece = pick(requests)
        const cut = random() < 0.2 ? Math.floor(random() * piece.length) : piece.length
        socket.write(piece.slice(0, cut))
        await sleep(random() * 15)
        if (!socket.destroyed && cut < piece.length) socket.write(piece.slice(cut))
      }
      const end = random()
      if (end < 0.3) socket.destroy()
      else if (end < 0.5) reset(socket)
      else if (end < 0.8) socket.end()
      const timer = setTimeout(() => socket.destroy(), random() * 400)
      await closed
      clearTimeout(timer)
    }
    const deadline = Date.now() + seconds * 1000
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        while (Date.now() < deadline) await client()
      }),
    )

    await until(() => proxy.proxy.stats.connections === 0, 'the end of all connections')
    assert.deepEqual(faults, [])
    for (const backend of proxy.proxy.stats.backends) {
      // A connection to an agent is kept, and counts as long as it is.
      if (backend.name === 'agents') continue
      assert.equal(backend.streams, 0, backend.name)
      assert.equal(backend.queued, 0, backend.name)
      for (const server of backend.servers) assert.equal(server.served, 0, `${backend.name}/${server.name}`)
    }
    await proxy.proxy.close()
    for (const { name, streams, servers } of proxy.proxy.stats.backends) {
      assert.equal(streams, 0, `${name}, closed`)
      for (const server of servers) assert.equal(server.served, 0, `${name}/${server.name}, closed`)
    }
  })
})
