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
import { Readable } from 'node:stream'
import { createFcgiClient, createFcgiResponder } from 'sluice/fcgi'
import type {
  ExchangeHandler,
  FcgiClient,
  FcgiClientOptions,
  FcgiContext,
  FcgiError,
  FcgiExchange,
  FcgiHandler,
  FcgiResponder,
} from 'sluice/fcgi'
import { until } from '../support/until.ts'
import { begin, connectPeer, end, record, reply, request, startApp, tempDir } from './support.ts'

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

const hasCode = (code: string) => (error: unknown) => (error as FcgiError).code === code

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

describe('a client that is closed', () => {
  it('waits for a request that goes to another server, whose pool had nothing to close', async (t) => {
    const first = await startApp(t, async (peer) => {
      const { id } = await peer.request()
      await sleep(50)
      peer.send(end(id, 2))
    })
    const second = await startApp(t, async (peer) => {
      const { id } = await peer.request()
      await sleep(50)
      peer.send(reply(id))
    })
    const client = createFcgiClient({ servers: [first.endpoint, second.endpoint] })
    t.after(() => client.destroy())
    const seen: string[] = []
    client.start({ params: [] }, { ...nothing, onEnd: () => seen.push('end') })
    await sleep(20)
    await client.close()
    assert.deepEqual([seen, client.stats.retried, client.stats.connections], [['end'], 1, 0])
  })

  it('waits for a request whose body is being gathered', async (t) => {
    const app = await startApp(t, async (peer) => {
      peer.send(reply((await peer.request()).id))
    })
    const client = createFcgiClient({ endpoint: app.endpoint })
    t.after(() => client.destroy())
    const seen: string[] = []
    const exchange = client.start(
      { params: [['REQUEST_METHOD', 'POST']], hasBody: true },
      { ...nothing, onEnd: () => seen.push('end') },
    )
    exchange.write(Buffer.from('a'))
    const closed = client.close().then(() => seen.push('closed'))
    await sleep(20)
    exchange.end()
    await closed
    assert.deepEqual(seen, ['end', 'closed'])
  })

  it('and destroyed fails a request whose body is being gathered', async (t) => {
    const client = createFcgiClient({ endpoint: join(tempDir(t), 'nobody.sock') })
    const errors: string[] = []
    const exchange = client.start(
      { params: [['REQUEST_METHOD', 'POST']], hasBody: true },
      { ...nothing, onError: ({ code }) => errors.push(code) },
    )
    client.destroy()
    exchange.end()
    await client.close()
    assert.deepEqual(errors, ['ERR_FCGI_ABORTED'])
  })
})

describe('a callback', () => {
  it('of a request that cannot be sent comes behind the end of the one that made room for it', async (t) => {
    const app = await startApp(t, async (peer) => {
      peer.send(reply((await peer.request()).id))
    })
    const client = createFcgiClient({ endpoint: app.endpoint, maxConnections: 1 })
    const seen: string[] = []
    await new Promise<void>((resolve) => {
      client.start({ params: [] }, { ...nothing, onEnd: () => seen.push('end') })
      client.start(
        { params: [['A', '\0']] },
        {
          ...nothing,
          onError: ({ code }) => {
            seen.push(code)
            client.destroy()
            resolve()
          },
        },
      )
    })
    assert.deepEqual(seen, ['end', 'ERR_FCGI_PARAM_VALUE'])
  })

  // Whatever a callback does to its client, each request ends once, and the client closes.
  const events = ['onHead', 'onBody', 'onEnd', 'onError', 'onStderr', 'onInformational'] as const
  const deeds: Record<string, (client: FcgiClient, exchange: FcgiExchange | undefined) => void> = {
    destroy: (client) => client.destroy(),
    close: (client) => void client.close(),
    abort: (_, exchange) => exchange?.abort(),
    pause: (_, exchange) => exchange?.pause(),
    throw: () => {
      throw new Error('planted')
    },
  }
  for (const event of events) {
    for (const [deed, act] of Object.entries(deeds)) {
      it(`${event} may ${deed}`, async (t) => {
        const app = await startApp(t, async (peer) => {
          while (!peer.ended) {
            const first = await peer.next()
            if (first === undefined) return
            await peer.until('STDIN', first.id)
            if (event === 'onError') peer.socket.destroy()
            else {
              const early = [record('STDERR', first.id, 'oh'), record('STDOUT', first.id, 'Status: 103\n\n')]
              peer.send(...early, reply(first.id))
            }
          }
        })
        const client = createFcgiClient({ endpoint: app.endpoint, maxConnections: 1 })
        const ends = [0, 0]
        const started: FcgiExchange[] = []
        let acted = false
        const handler = (index: number): ExchangeHandler => {
          const did = (name: string) => {
            if (name === 'onEnd' || name === 'onError') ends[index] = (ends[index] ?? 0) + 1
            if (name !== event || index !== 0) return
            acted = true
            act(client, started[0])
          }
          return {
            onHead: () => did('onHead'),
            onBody: () => (did('onBody'), true),
            onEnd: () => did('onEnd'),
            onError: () => did('onError'),
            onStderr: () => did('onStderr'),
            onInformational: () => did('onInformational'),
          }
        }
        for (const index of [0, 1]) started.push(client.start({ params: [] }, handler(index)))
        // A pause that comes behind its end would last for ever.
        await until(() => acted)
        await sleep(50)
        started[0]?.resume()
        await client.close()
        const mayEndSilently = deed === 'abort' && !/onEnd|onError/.test(event)
        assert.deepEqual(ends, [mayEndSilently ? 0 : 1, 1])
      })
    }
  }

  it('does not wait for a destroy of somebody else that throws', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.expect('BEGIN')
      peer.socket.destroy()
    })
    class Stubborn extends Readable {
      override _read(): void {
        this.push('a')
      }
      override destroy(): this {
        throw new Error('planted')
      }
    }
    const client = createFcgiClient({ endpoint: app.endpoint })
    t.after(() => client.destroy())
    const params = [['CONTENT_LENGTH', '10000000']] as const
    await assert.rejects(
      client.request({ params, body: new Stubborn() }),
      hasCode('ERR_FCGI_CONNECTION_LOST'),
    )
  })
})

describe('a responder', () => {
  async function start(t: TestContext, onRequest: FcgiHandler, options = {}) {
    const responder = createFcgiResponder({ onRequest, ...options })
    t.after(() => responder.destroy())
    const path = join(tempDir(t), 'r.sock')
    await responder.listen(path)
    return { responder, path }
  }

  it('that is closed while it begins to listen does not', async (t) => {
    const path = join(tempDir(t), 'r.sock')
    const responder = createFcgiResponder({ onRequest: () => {} })
    const listening = responder.listen(path)
    await responder.close()
    await assert.rejects(listening, hasCode('ERR_SLUICE_CLOSED'))
    await assert.rejects(connectPeer(t, { path }))
  })

  const ends: Record<string, (responder: FcgiResponder) => Promise<void>> = {
    'is destroyed, and then closed': (responder) => {
      responder.destroy()
      return responder.close()
    },
    'is closed, and then destroyed': (responder) => {
      const closed = responder.close()
      responder.destroy()
      return closed
    },
  }
  for (const [what, end] of Object.entries(ends)) {
    it(`that ${what} does not wait for a handler that never ends`, async (t) => {
      let context: FcgiContext | undefined
      const { responder, path } = await start(t, (given) => {
        context = given
        return new Promise<undefined>(() => {})
      })
      const peer = await connectPeer(t, { path })
      peer.send(request(1, {}, null))
      await until(() => context !== undefined)
      await end(responder)
      assert.deepEqual([context?.signal.aborted, responder.stats.connections], [true, 0])
    })
  }

  // Whatever a handler does to its responder, from wherever it is called: the responder closes.
  const deeds: Record<string, (responder: FcgiResponder, context: FcgiContext) => void> = {
    destroy: (responder) => responder.destroy(),
    close: (responder) => void responder.close(),
    end: (_, context) => context.end(),
    'end, then close': (responder, context) => {
      context.end()
      void responder.close()
    },
  }
  type Act = (context: FcgiContext) => void
  const places: Record<string, (context: FcgiContext, act: Act) => Promise<void> | void> = {
    'at once': (context, act) => act(context),
    'in a listener of stdin': (context, act) =>
      new Promise((resolve) => {
        context.stdin.on('data', () => {
          act(context)
          resolve()
        })
      }),
    'in a listener of its signal': (context, act) =>
      new Promise((resolve) => {
        context.signal.addEventListener('abort', () => {
          act(context)
          resolve()
        })
      }),
  }
  for (const [place, serve] of Object.entries(places)) {
    for (const [deed, act] of Object.entries(deeds)) {
      it(`whose handler calls ${deed} ${place} closes`, async (t) => {
        const { responder, path } = await start(t, (context) =>
          context.id === 1 ? serve(context, (each) => act(responder, each)) : undefined,
        )
        const peer = await connectPeer(t, { path })
        peer.send(request(1, {}, null), begin(3))
        await sleep(20)
        peer.send(record('STDIN', 1, 'a'), record('STDIN', 1, 'b'))
        await sleep(20)
        peer.send(record('ABORT', 1), record('PARAMS', 3), record('STDIN', 3))
        if (!/close|destroy/.test(deed)) await peer.until('END', 3)
        await responder.close()
        assert.deepEqual([responder.stats.active, responder.stats.connections], [0, 0])
      })
    }
  }
})
