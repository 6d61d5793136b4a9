/**
 * Ending while something else ends: states of a connection x calls that end it. The applications are raw sockets.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFcgiClient } from 'sluice/fcgi'
import type { ExchangeHandler, FcgiClient, FcgiClientOptions, FcgiExchange } from 'sluice/fcgi'
import { end, record, startApp, tempDir } from './support.ts'

/** An application that accepts, and reads nothing. */
async function startDeaf(t: TestContext): Promise<string> {
  const path = join(tempDir(t), 'deaf.sock')
  const sockets: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return path
}

const nothing: ExchangeHandler = { onHead() {}, onBody: () => true, onEnd() {}, onError() {} }

/** A request with a body of 20 MB, which fills every buffer on the way. */
const large = {
  params: [
    ['REQUEST_METHOD', 'POST'],
    ['CONTENT_LENGTH', '20000000'],
  ] as const,
  body: Buffer.alloc(20_000_000),
}

describe('a connection whose request was given up while nothing of it is read', () => {
  const waysToGiveUp: [string, FcgiClientOptions, (exchange: FcgiExchange) => void][] = [
    ['abort', {}, (exchange) => exchange.abort()],
    ['the response timeout', { responseTimeout: 40 }, () => {}],
  ]
  const waysToEnd: [string, (client: FcgiClient) => Promise<void>][] = [
    ['close', (client) => client.close()],
    ['close, twice', (client) => Promise.all([client.close(), client.close()]).then(() => {})],
    [
      'close, then destroy',
      (client) => {
        const closed = client.close()
        client.destroy()
        return closed
      },
    ],
  ]
  for (const [givenUp, options, giveUp] of waysToGiveUp) {
    for (const [ended, endIt] of waysToEnd) {
      it(`${givenUp}, and ${ended} 100 ms later`, async (t) => {
        const client = createFcgiClient({ endpoint: await startDeaf(t), ...options })
        t.after(() => client.destroy())
        const exchange = client.start(large, nothing)
        await sleep(20)
        giveUp(exchange)
        await sleep(100)
        await endIt(client)
        assert.equal(client.stats.connections, 0)
      })
    }
  }
})

it('what arrives on a connection that is closing does not matter', async (t) => {
  const app = await startApp(t, (peer) => {
    peer.socket.pause()
  })
  const client = createFcgiClient({ endpoint: app.endpoint, getValues: true })
  t.after(() => client.destroy())
  const exchange = client.start(large, nothing)
  await sleep(50)
  exchange.abort()
  const closed = client.close()
  const values = Buffer.from('\x0f\x01FCGI_MPXS_CONNS1', 'latin1')
  app.peers[0]?.send(record('VALUES', 0, values), record('UNKNOWN', 0, Buffer.alloc(8)), end(1))
  await closed
  assert.equal(client.stats.connections, 0)
})
