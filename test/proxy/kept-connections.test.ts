/**
 * Two requests on one connection: whatever the first answer looked like, whatever rules saw it, and whenever the second
 * request comes, both are answered. Every cell of the table is a conversation of its own.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { record, end } from '../fcgi/support.js'
import { until } from '../support/until.ts'
import { defaults, get, rawClient, rawOrigin, startProxy } from './support.js'
import type { Cleanup } from './support.js'

const rules = {
  none: '',
  'http-response': '  http-response set-header X-A b',
  'del-header': '  http-response del-header X-B',
  'http-after-response': '  http-after-response set-header X-A b',
  'tcp-response': '  tcp-response content accept',
} as const

/** Parts of an answer; each is sent in a turn of its own. */
const bodies: Readonly<Record<string, { readonly head: string; readonly parts: readonly string[] }>> = {
  '204': { head: '204 No Content\r\n', parts: [''] },
  '304': { head: '304 Not Modified\r\n', parts: [''] },
  'length 0': { head: '200 OK\r\nContent-Length: 0\r\n', parts: [''] },
  'with the head': { head: '200 OK\r\nContent-Length: 4\r\n', parts: ['body'] },
  'behind the head': { head: '200 OK\r\nContent-Length: 4\r\n', parts: ['', 'bo', 'dy'] },
  chunked: { head: '200 OK\r\nTransfer-Encoding: chunked\r\n', parts: ['4\r\nbody\r\n0\r\n\r\n'] },
  'chunked, behind the head': {
    head: '200 OK\r\nTransfer-Encoding: chunked\r\n',
    parts: ['', '4\r\nbo', 'dy\r\n0\r\n', '\r\n'],
  },
}

/** When the second request is sent. */
const moments = ['before the answer', 'with the head of the answer', 'after the end of the answer'] as const

/** The same answers as an application writes them: FastCGI has no chunks. */
function fcgiParts({ head, parts }: { readonly head: string; readonly parts: readonly string[] }): string[] {
  const chunked = head.includes('chunked')
  const fields = head.replace(/^/, 'Status: ').replace('Transfer-Encoding: chunked\r\n', '')
  const plain = chunked ? parts.map((part) => /bo?d?y?|dy/.exec(part)?.[0] ?? '') : parts
  return plain.map((part, at) => (at === 0 ? `${fields}X-Path: /1\r\n\r\n${part}` : part))
}

async function httpAnswering(t: Cleanup, kind: string): Promise<number> {
  const answer = bodies[kind]
  assert.ok(answer)
  const origin = await rawOrigin(t, (text, peer) => {
    for (const line of text.match(/^GET \S+/gm) ?? []) {
      const [first = '', ...rest] = answer.parts
      peer.socket.write(`HTTP/1.1 ${answer.head}X-Path: ${line.slice(4)}\r\n\r\n${first}`)
      void (async () => {
        for (const part of rest) {
          await sleep(8)
          peer.socket.write(part)
        }
      })()
    }
    return undefined
  })
  return origin.port
}

/** A FastCGI application that answers every request so, on connections that it keeps. */
async function fcgiAnswering(t: Cleanup, kind: string): Promise<number> {
  const answer = bodies[kind]
  assert.ok(answer)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 8) {
        const length = 8 + bytes.readUInt16BE(4) + (bytes[6] ?? 0)
        if (bytes.length < length) return
        const [, type, high = 0, low = 0] = bytes
        const path = /REQUEST_URI(\/\d)/.exec(bytes.toString('latin1', 8, length))?.[1]
        if (path !== undefined) paths.set(socket, path)
        // The empty STDIN: the request is complete.
        if (type === 5 && length === 8) void respond(socket, high * 256 + low)
        bytes = bytes.subarray(length)
      }
    })
  })
  const paths = new Map<Socket, string>()
  const respond = async (socket: Socket, id: number) => {
    const path = paths.get(socket) ?? ''
    for (const [at, part] of fcgiParts(answer).entries()) {
      if (at > 0) await sleep(8)
      socket.write(record('STDOUT', id, part.replace('X-Path: /1', `X-Path: ${path}`)))
    }
    socket.write(Buffer.concat([record('STDOUT', id), end(id)]))
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function converse(t: Cleanup, proxyPort: number, moment: string, lasting: boolean): Promise<string> {
  const client = rawClient(t, proxyPort, get('/1') + (moment === 'before the answer' ? get('/2') : ''))
  await client.until('x-path: /1')
  if (moment === 'with the head of the answer') client.send(get('/2'))
  if (moment === 'after the end of the answer') {
    if (lasting) await until(() => /body|0\r\n\r\n$|bo\r\n2\r\ndy/.test(client.received.slice(-12)), 'a body')
    await sleep(20)
    client.send(get('/2'))
  }
  return client.until('x-path: /2')
}

for (const protocol of ['HTTP/1.1', 'FastCGI'] as const) {
  describe(`two requests of one connection, to a server that speaks ${protocol}`, { concurrency: 8 }, () => {
    for (const [rule, line] of Object.entries(rules)) {
      for (const [kind, { parts }] of Object.entries(bodies)) {
        it(`${kind}; rules: ${rule}`, async (t) => {
          const port = await (protocol === 'FastCGI' ? fcgiAnswering(t, kind) : httpAnswering(t, kind))
          const app = protocol === 'FastCGI' ? 'fcgi-app php\n  docroot /srv\n' : ''
          const [use, proto] = protocol === 'FastCGI' ? ['  use-fcgi-app php', 'proto fcgi'] : ['', '']
          const proxy = await startProxy(
            t,
            `${defaults}${app}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\n` +
              `backend be\n${line}\n${use}\n  server s 127.0.0.1:${port} ${proto}\n`,
          )
          for (const moment of moments) {
            const lasting = parts.join('') !== ''
            const received = await converse(t, proxy.port(), moment, lasting)
            assert.equal(received.match(/HTTP\/1\.1 /g)?.length, 2, moment)
          }
        })
      }
      it(`until the connection ends; rules: ${rule}`, async (t) => {
        if (protocol === 'FastCGI') return
        const origin = await rawOrigin(t, (_, { socket }) => {
          socket.end('HTTP/1.1 200 OK\r\nX-Path: /1\r\n\r\nbody')
          return undefined
        })
        const proxy = await startProxy(
          t,
          `${defaults}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\n` +
            `backend be\n${line}\n  server s 127.0.0.1:${origin.port}\n`,
        )
        const client = rawClient(t, proxy.port(), get('/1') + get('/2'))
        const received = await client.untilEnd()
        assert.match(received, /connection: close\r\n\r\nbody$/)
        assert.equal(origin.peers.length, 1)
      })
    }
  })
}

describe('a server that closes behind its answer without saying so', () => {
  const bodies = { 'without a body': '', 'with a body': 'body', 'with a large one': 'x'.repeat(50_000) }
  for (const [name, body] of Object.entries(bodies)) {
    it(`loses no request that waited for its connection, also none that cannot be repeated: ${name}`, async (t) => {
      const origin = await rawOrigin(t, (_, { socket, received }) => {
        if (received.length >= received.indexOf('\r\n\r\n') + 4 + body.length)
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        return undefined
      })
      const proxy = await startProxy(
        t,
        `${defaults}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\n` +
          `backend be\n  http-reuse always\n  timeout queue 5s\n  server s 127.0.0.1:${origin.port} maxconn 1\n`,
      )
      const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      const clients = Array.from({ length: 40 }, () => rawClient(t, proxy.port(), post))
      for (const client of clients) assert.match(await client.until('\r\n\r\n'), /^HTTP\/1.1 200 /)
      assert.deepEqual(
        origin.peers.map(({ received }) => received.match(/POST/g)?.length),
        Array.from({ length: 40 }, () => 1),
      )
    })
  }
})
