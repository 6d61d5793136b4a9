/** Lent bytes where somebody does not read for a while, and where what flows is no message: the others get their own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { end, record, startApp } from '../fcgi/support.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import { until } from '../support/until.ts'
import { answersIn, bodyOf, converse, cut, spoil, writeParts } from './lent-support.ts'
import type { Conversation } from './lent-support.ts'
import { startWay } from './lent-ways.ts'
import type { Way } from './lent-ways.ts'
import { defaults, get, rawClient, rawOrigin, startProxy } from './support.js'
import type { Cleanup } from './support.js'

/** More than two sockets hold. */
const size = 6_000_000

const config = (address: string, isFcgi: boolean, app = ''): string =>
  `${defaults}${isFcgi ? `fcgi-app app\n  docroot /srv\n${app}` : ''}frontend fe\n  bind 127.0.0.1:0\n` +
  `  default_backend be\nbackend be\n  ${isFcgi ? 'use-fcgi-app app\n' : ''}  server s ${address} ${isFcgi ? 'proto fcgi' : ''}\n`

const put = (target: string, body: string): string =>
  `PUT ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`

const bodyIn = (received: string): string => answersIn(received, [])[0]?.body ?? ''

/** A server reads nothing of the first request until two others have been answered. */
describe('a server that does not read for a while', () => {
  async function lateOrigin(t: Cleanup): Promise<{ address: string; received(): string; readAll(): void }> {
    const origin = await rawOrigin(t, (text, peer) => {
      if (text.startsWith('PUT /0 ')) peer.socket.pause()
      if (peer.received.startsWith('PUT /0 ')) return undefined
      return peer.received.endsWith('.') ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi' : undefined
    })
    const first = () => origin.peers.find(({ received }) => received.startsWith('PUT /0 '))
    return {
      address: `127.0.0.1:${origin.port}`,
      received: () => first()?.received ?? '',
      readAll: () => void first()?.socket.resume(),
    }
  }

  /** As it is kept by an application: all that stood in its records. */
  async function lateApp(t: Cleanup): Promise<{ address: string; received(): string; readAll(): void }> {
    const parts: string[] = []
    let go = (): void => {}
    const app = await startApp(t, async (peer) => {
      const { id } = await peer.expect('BEGIN')
      const params = await peer.until('PARAMS', id)
      const isFirst = params.some(({ content }) => content.includes('/0'))
      if (isFirst) {
        peer.socket.pause()
        await new Promise<void>((resolve) => (go = resolve))
        peer.socket.resume()
      }
      for (let each = await peer.expect('STDIN'); each.content.length > 0; each = await peer.expect('STDIN'))
        if (isFirst) parts.push(each.content.toString('latin1'))
      peer.send(record('STDOUT', id, 'Content-Length: 2\r\n\r\nhi'), record('STDOUT', id), end(id))
    })
    return { address: `unix@${app.endpoint}`, received: () => parts.join(''), readAll: () => go() }
  }

  for (const [kind, start] of [
    ['HTTP', lateOrigin],
    ['FastCGI', lateApp],
  ] as const) {
    it(kind, async (t) => {
      const server = await start(t)
      const proxy = await startProxy(t, config(server.address, kind === 'FastCGI'))
      spoil(t)
      rawClient(t, proxy.port(), put('/0', bodyOf(0, size)))
      for (const id of [1, 2]) {
        const received = await rawClient(t, proxy.port(), put(`/${id}`, `${bodyOf(id, 50_000)}.`)).untilEnd()
        assert.equal(bodyIn(received), 'hi')
      }
      server.readAll()
      const last = bodyOf(0, size).slice(-20)
      await until(() => server.received().endsWith(last), 'the last byte')
      assert.ok(server.received().endsWith(bodyOf(0, size)), 'its bytes')
    })
  }
})

/** Again and again the system takes a part of what there is for it. */
describe('clients that ask for much, and read slowly', () => {
  const transport = 'unix'
  const slow: Readonly<Record<string, Way>> = {
    HTTP: { manners: { transport } },
    FastCGI: { app: '', cuts: [65_536], manners: { transport } },
    'FastCGI, multiplexed': {
      app: '  option mpxs-conns\n  option max-reqs 20\n',
      cuts: [65_536, 3, 20_000],
      manners: { transport },
    },
  }
  const form = 'with a length'
  const ask = (id: number, answer: number, count: number): Conversation['requests'] =>
    Array.from({ length: count }, (_, at) => ({ id: id + at, size: 0, answer: answer - at, form }))
  for (const [kind, way] of Object.entries(slow)) {
    it(kind, async (t) => {
      const [, path] = await startWay(t, way)
      const sizes = [100_000]
      spoil(t)
      // The application says what it can with the first.
      await converse(t, path, { requests: ask(0, 1, 1), sizes })
      await Promise.all([
        ...Array.from({ length: 12 }, (_, at) => {
          const requests = ask(at * 5 + 1, (at % 2 === 0 ? 160_000 : 63_000) - at * 1000, 4)
          return converse(t, path, { requests, sizes, late: 150 })
        }),
        converse(t, path, { requests: ask(3, 400_000, 2), sizes, late: 150 }),
        converse(t, path, { requests: ask(60, 2000, 30), sizes }),
      ])
    })
  }
})

/** What an application says with these ids comes in pieces that leave at once. The first answers are about what a socket holds. */
it('clients whose sockets are full where an answer begins', async (t) => {
  const [, path] = await startWay(t, { app: '', cuts: [65_536], manners: { transport: 'unix' } })
  spoil(t)
  const clients = Array.from({ length: 10 }, (_, at) => {
    const [first, second] = [at * 8 + 2, at * 8 + 6].map((id) => ({ id, size: 0, form: 'with a length' }))
    assert.ok(first !== undefined && second !== undefined)
    const requests = [
      { ...first, answer: 370_000 + at * 6000 },
      { ...second, answer: 70_000 },
    ]
    return converse(t, path, { requests, sizes: [10_000], late: 200 })
  })
  await Promise.all(clients)
})

describe('tunnels at a time', () => {
  const heads: Readonly<Record<string, (id: number) => readonly [request: string, response: string]>> = {
    upgrade: (id) => [
      get(`/${id}`, 'Connection: upgrade', 'Upgrade: any'),
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n',
    ],
    CONNECT: () => ['CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'],
  }
  for (const [kind, headsOf] of Object.entries(heads)) {
    it(kind, async (t) => {
      const origin = await rawOrigin(t, (text, peer) => {
        const [, response] = headsOf(0)
        if (peer.received !== text) return text
        return `${response}${text.slice(text.indexOf('\r\n\r\n') + 4)}`
      })
      const proxy = await startProxy(t, config(`127.0.0.1:${origin.port}`, false))
      spoil(t)
      const clients = [1, 2, 3, 4, 5].map(async (id) => {
        const said = `${bodyOf(id, 200_000)}.`
        const client = rawClient(t, proxy.port())
        // The beginning stands in the segment of the head.
        writeParts(client.socket, cut(`${headsOf(id)[0]}${said}`, 300, 1, 30_000))
        await until(() => client.received.endsWith('.'), 'the last byte')
        assert.ok(
          client.received.slice(client.received.indexOf('\r\n\r\n') + 4) === said,
          `the bytes of ${id}`,
        )
      })
      await Promise.all(clients)
    })
  }
})

it('php-fpm says what it was told', { skip: skipWithoutPhpFpm() }, async (t) => {
  const script = '<?php header("X-Id: " . $_SERVER["HTTP_X_ID"]); readfile("php://input");'
  const php = await startPhpFpm({ scripts: { 'echo.php': script }, children: 3 })
  t.after(() => php.stop())
  const proxy = await startProxy(t, config(`unix@${php.socket}`, true).replace('/srv', php.docroot))
  spoil(t)
  const clients = [1, 1000, 20_000, 200_000, 16_100, 65_000].map(async (length, id) => {
    const client = rawClient(t, proxy.port())
    const request = put('/echo.php', bodyOf(id, length)).replace('Host: a', `Host: a\r\nX-Id: ${id}`)
    writeParts(client.socket, cut(request, 30, 20_000))
    const received = await client.untilEnd()
    assert.match(received, new RegExp(`^x-id: ${id}\r$`, 'm'))
    assert.ok(bodyIn(received) === bodyOf(id, length), `the body of ${id}`)
  })
  await Promise.all(clients)
})
