/**
 * Servers are read into one buffer, all of them: whatever becomes of an answer, and whatever others say meanwhile, its
 * client gets its own bytes. The buffer is written over behind every callback, so that what was to be kept and is not shows.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { bodyOf, chunksOf, cut, spoil, writeParts } from './lent-support.ts'
import { defaults, get, rawClient, rawOrigin, startProxy } from './support.js'

const sizes = [1, 1000, 16_100, 20_000, 200_000]
const fields = Array.from({ length: 20 }, (_, at) => `X-Field-${at}: value ${at}\r\n`).join('')

/** How a server says it; each text of the list is written in a turn of its own. */
const kinds: Readonly<Record<string, (id: number, size: number) => string[]>> = {
  'in one': (id, size) => [
    `HTTP/1.1 200 OK\r\nX-Id: ${id}\r\nContent-Length: ${size}\r\n\r\n${bodyOf(id, size)}`,
  ],
  'in parts': (id, size) => [
    `HTTP/1.1 200 OK\r\nX-Id: ${id}\r\nConte`,
    `nt-Length: ${size}\r\n\r\n`,
    ...cut(bodyOf(id, size), Math.ceil(size / 4)),
  ],
  'with many fields': (id, size) => [
    `HTTP/1.1 200 OK\r\n${fields}X-Id: ${id}\r\nContent-Length: ${size}\r\n\r\n`,
    bodyOf(id, size),
  ],
  'in chunks': (id, size) => [
    `HTTP/1.1 200 OK\r\nX-Id: ${id}\r\nTransfer-Encoding: chunked\r\n\r\n${chunksOf(bodyOf(id, size), 7000)}`,
  ],
}

const rules: Readonly<Record<string, string>> = {
  'no rules': '',
  'rules that wait for the body':
    '  tcp-response inspect-delay 2s\n  tcp-response content accept if WAIT_END\n',
  'a rule that reads the body': '  http-response set-header X-Seen %[res.body,length]\n',
}

/** The body of an answer, its chunks put together. */
function bodyIn(received: string): string {
  const at = received.indexOf('\r\n\r\n')
  const [head, body] = [received.slice(0, at), received.slice(at + 4)]
  return /^transfer-encoding: chunked/m.test(head)
    ? body.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n(?:\r\n$)?/g, '')
    : body
}

describe('answers that many servers give at a time', { concurrency: 1 }, () => {
  for (const [kind, partsOf] of Object.entries(kinds)) {
    for (const [rule, line] of Object.entries(rules)) {
      it(`${kind}; ${rule}`, async (t) => {
        const origin = await rawOrigin(t, (text, peer) => {
          const [, id = '', size = ''] = /GET \/(\d+)\/(\d+) /.exec(text) ?? []
          writeParts(peer.socket, partsOf(Number(id), Number(size)))
          return undefined
        })
        const proxy = await startProxy(
          t,
          `${defaults}  option http-server-close\nfrontend fe\n  bind 127.0.0.1:0\n  default_backend be\nbackend be\n` +
            `${line}  server s 127.0.0.1:${origin.port}\n`,
        )
        spoil(t)
        const clients = sizes.flatMap((size, at) =>
          [0, 1].map(async (slow) => {
            const id = at * 2 + slow
            const client = rawClient(t, proxy.port(), get(`/${id}/${size}`, 'Connection: close'))
            if (slow === 1) {
              client.socket.pause()
              await sleep(20)
              client.socket.resume()
            }
            const received = await client.untilEnd()
            assert.match(received, new RegExp(`^x-id: ${id}\r$`, 'm'))
            assert.equal(bodyIn(received) === bodyOf(id, size), true, `the body of ${id}`)
            if (kind === 'with many fields') assert.ok(received.includes(fields.toLowerCase()))
          }),
        )
        await Promise.all(clients)
      })
    }
  }
})

it('a client that does not read for a while, and others that do', async (t) => {
  const size = 6_000_000
  const origin = await rawOrigin(t, (text, peer) => {
    const [, id = ''] = /GET \/(\d+) /.exec(text) ?? []
    writeParts(peer.socket, kinds['in one']?.(Number(id), size) ?? [])
    return undefined
  })
  const proxy = await startProxy(
    t,
    `${defaults}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\nbackend be\n  server s 127.0.0.1:${origin.port}\n`,
  )
  const slow = rawClient(t, proxy.port(), get('/0', 'Connection: close'))
  slow.socket.pause()
  for (const id of [1, 2]) {
    const received = await rawClient(t, proxy.port(), get(`/${id}`, 'Connection: close')).untilEnd()
    assert.equal(bodyIn(received) === bodyOf(id, size), true, `the body of ${id}`)
  }
  slow.socket.resume()
  assert.equal(bodyIn(await slow.untilEnd()) === bodyOf(0, size), true, 'the body of the slow one')
})

it('tunnels at a time', async (t) => {
  const origin = await rawOrigin(t, (text, peer) => {
    const [, id = ''] = /GET \/(\d+) /.exec(text) ?? []
    writeParts(peer.socket, [
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n',
      ...cut(bodyOf(Number(id), 200_000), 30_000),
      '.',
    ])
    return undefined
  })
  const proxy = await startProxy(
    t,
    `${defaults}frontend fe\n  bind 127.0.0.1:0\n  default_backend be\nbackend be\n  server s 127.0.0.1:${origin.port}\n`,
  )
  spoil(t)
  const clients = sizes.map(async (_, id) => {
    const client = rawClient(t, proxy.port(), get(`/${id}`, 'Connection: upgrade', 'Upgrade: any'))
    await until(() => client.received.endsWith('.'), 'the last byte')
    assert.equal(bodyIn(client.received) === `${bodyOf(id, 200_000)}.`, true, `the bytes of ${id}`)
  })
  await Promise.all(clients)
})
