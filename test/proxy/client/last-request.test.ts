/** How connections end behind the last answer, as the kernels of their peers see it. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../support/until.ts'
import { defaults, get, rawClient, rawOrigin, reply, startProxy } from '../support.js'
import type { Cleanup } from '../support.js'

async function started(t: Cleanup, frontend: string, server: string) {
  const origin = await rawOrigin(t, (text) => (text.includes(' HTTP/1.') ? reply('ok') : undefined))
  const config = `${defaults}
frontend fe
  bind 127.0.0.1:0
  ${frontend}
  default_backend be
backend be
  server o 127.0.0.1:${origin.port} ${server}
`
  const proxy = await startProxy(t, config, { lingerTimeout: 60_000 })
  return { origin, port: proxy.port() }
}

const last = get('/', 'Connection: close')

/** A client that has its answer, and the end behind it, says more. */
const clients: readonly (readonly [string, string, string, 'closed' | 'read'])[] = [
  ['a request that is the last by its own words', '', last, 'closed'],
  ['one of HTTP/1.0', '', 'GET / HTTP/1.0\r\n\r\n', 'closed'],
  ['one whose connection the configuration ends', 'option httpclose', get('/'), 'read'],
  ['one with a body', '', `${last.replace('GET', 'POST').slice(0, -2)}Content-Length: 2\r\n\r\nhi`, 'read'],
  ['one with another behind it', '', last + get('/2'), 'read'],
]

describe('a client is closed, or read until it ends, behind', () => {
  for (const [name, frontend, request, wanted] of clients) {
    it(name, async (t) => {
      const { port } = await started(t, frontend, '')
      const client = rawClient(t, port, request)
      const errors: unknown[] = []
      client.socket.on('error', (error) => errors.push(error))
      assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 [^]*\r\n\r\nok$/)
      if (wanted === 'closed') return until(() => client.send('x').closed, 'the end of the connection')
      for (let more = 0; more < 3; more++) {
        client.send('x')
        await sleep(5)
      }
      client.socket.end()
      await until(() => client.closed, 'the end of the connection')
      assert.deepEqual(errors, [])
    })
  }
})

it('a connection to a server that is not kept is reset, as HAProxy does', async (t) => {
  const { origin, port } = await started(t, '', 'pool-max-conn 0')
  const codes: (string | undefined)[] = []
  origin.server.on('connection', (socket: Socket) => {
    socket.on('error', ({ code }: NodeJS.ErrnoException) => codes.push(code))
  })
  const client = rawClient(t, port, get('/'))
  await client.until(/\r\n\r\nok$/)
  await until(() => codes.length > 0, 'the reset')
  assert.deepEqual(codes, ['ECONNRESET'])
  client.send(get('/'))
  await until(() => origin.peers.length === 2, 'another connection')
})

it('the end of a body arrives at a server that has answered before it', async (t) => {
  const { origin, port } = await started(t, '', 'pool-max-conn 0')
  const client = rawClient(t, port, get('/', 'Content-Length: 2').replace('GET', 'POST'))
  await client.until(/\r\n\r\nok$/)
  client.send('hi')
  await until(() => origin.peers[0]?.received.endsWith('\r\n\r\nhi') === true, 'the body')
})
