/** Connections whose sides end one after the other, or break off: what the other side sees, and what the log tells. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../support/until.ts'
import { get, rawClient, rawOrigin, startProxy } from '../support.js'
import type { Cleanup, RawClient, RawPeer, TestProxy } from '../support.js'

const format = '  log-format "%b/%s %ts %si:%sp %bi"'

function listen(t: Cleanup, mode: string, port: number | string, more = ''): Promise<TestProxy> {
  return startProxy(
    t,
    `defaults\n  mode ${mode}\n  log stderr format raw local0\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s
listen li\n  bind 127.0.0.1:0\n${format}\n${more}\n  server s ${typeof port === 'number' ? `127.0.0.1:${port}` : port}\n`,
  )
}

interface Ends {
  readonly client: RawClient
  readonly peer: RawPeer
}

type Play = (ends: Ends) => void | Promise<void>

/** What happens between a client and a server that are connected, and how that ends in the log. */
const cases: readonly (readonly [string, string, Play, more?: string])[] = [
  [
    'the client, then the server',
    '--',
    async ({ client, peer }) => {
      client.socket.end('last words')
      await until(() => peer.received.endsWith('last words'), 'the last words')
      peer.socket.end()
      await client.untilEnd()
    },
  ],
  [
    'the server, then the client',
    '--',
    async ({ client, peer }) => {
      peer.socket.end('last words')
      await client.until('last words')
      await client.untilEnd()
      // The other direction is still open.
      client.send('still here')
      await until(() => peer.received.endsWith('still here'), 'the other direction')
      client.socket.end()
    },
  ],
  [
    'the client, and the server has more to say',
    '--',
    async ({ client, peer }) => {
      client.socket.end('last words')
      await until(() => peer.received.endsWith('last words'), 'the last words')
      peer.socket.write('an answer')
      await client.until('an answer')
      peer.socket.end(', and another')
      await client.until(', and another')
    },
  ],
  ['the client breaks off', 'CD', ({ client }) => void client.socket.resetAndDestroy()],
  ['the server breaks off', 'SD', ({ peer }) => void peer.socket.resetAndDestroy()],
  ['the server is silent', 'sD', () => {}, '  timeout server 100ms'],
  ['the client is silent', 'cD', () => {}, '  timeout client 100ms'],
  ['both are silent for the time of a tunnel', '[cs]D', () => {}, '  timeout tunnel 100ms'],
]

const modes: Readonly<Record<string, string>> = {
  tcp: 'hello',
  http: get('/', 'Connection: Upgrade', 'Upgrade: x'),
}
const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'

for (const [mode, first] of Object.entries(modes)) {
  describe(`bytes that pass in both directions, ${mode}: the end`, () => {
    for (const [name, state, play, more = ''] of cases) {
      it(name, async (t) => {
        const origin = await rawOrigin(t, (text, { received }) => (received === text ? switched : undefined))
        origin.server.on('connection', (socket) => void socket.removeAllListeners('end'))
        const proxy = await listen(t, mode, origin.port, more)
        const client = rawClient(t, proxy.port(), first)
        await client.until('\r\n\r\n')
        const [peer] = origin.peers
        assert.ok(peer)
        await play({ client, peer })
        await until(() => proxy.lines.length === 1, 'the line')
        const wanted = `^li/s ${state} 127\\.0\\.0\\.1:${origin.port}${mode === 'tcp' ? ' 127\\.0\\.0\\.1' : ''}`
        assert.match(proxy.lines[0] ?? '', new RegExp(wanted))
        // No side is left open.
        await until(() => client.closed || client.ended, 'the end for the client')
        await until(() => peer.socket.readableEnded || peer.socket.destroyed, 'the end for the server')
      })
    }

    it('a client that takes its time gets all of it', async (t) => {
      const body = 'x'.repeat(12_000_000)
      const origin = await rawOrigin(t, (text, { received }) =>
        received === text ? switched + body : undefined,
      )
      const proxy = await listen(t, mode, origin.port)
      const client = rawClient(t, proxy.port())
      client.socket.pause()
      client.send(first)
      await sleep(150)
      client.socket.resume()
      await until(() => client.received.length >= switched.length + body.length, 'all of it')
    })

    it('a server that takes its time gets all of it', async (t) => {
      const body = 'x'.repeat(12_000_000)
      const origin = await rawOrigin(t, (text, { received }) => (received === text ? switched : undefined))
      const proxy = await listen(t, mode, origin.port)
      const client = rawClient(t, proxy.port(), first)
      await client.until('\r\n\r\n')
      const [peer] = origin.peers
      peer?.socket.pause()
      client.send(body)
      await sleep(150)
      peer?.socket.resume()
      await until(() => (peer?.received.length ?? 0) >= body.length, 'all of it')
    })
  })
}

it('a TCP connection that nobody takes is closed', async (t) => {
  const proxy = await startProxy(
    t,
    `defaults\n  mode tcp\n  log stderr format raw local0\n  timeout client 5s\nfrontend fe\n  bind 127.0.0.1:0\n${format}\n`,
  )
  assert.equal(await rawClient(t, proxy.port(), 'x').untilEnd(), '')
  await until(() => proxy.lines.length === 1, 'the line')
  assert.deepEqual(proxy.lines, ['fe/<NOSRV> SC -:- -'])
})
