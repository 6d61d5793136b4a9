import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { createFcgiClient } from 'sluice/fcgi'
import { startBlackHole } from '../../support/black-hole.ts'
import { until } from '../../support/until.ts'
import type { FcgiClient, FcgiClientOptions, FcgiEnd, FcgiError, FcgiRequestInit } from 'sluice/fcgi'
import { end, pair, pairs, record, reply, startApp } from '../support.js'
import type { Peer } from '../support.js'

const get: FcgiRequestInit = { params: new Map([['REQUEST_METHOD', 'GET']]) }
const post = (body: NonNullable<FcgiRequestInit['body']>, length?: number): FcgiRequestInit => ({
  params: [
    ['REQUEST_METHOD', 'POST'],
    ...(length === undefined ? [] : [['CONTENT_LENGTH', String(length)] as const]),
  ],
  body,
})

function createClient(t: TestContext, options: FcgiClientOptions): FcgiClient {
  const client = createFcgiClient(options)
  t.after(() => client.destroy())
  return client
}

/** Answers every request with `text`. */
const serve =
  (answer?: string) =>
  async (peer: Peer): Promise<void> => {
    while (!peer.ended) {
      const first = await peer.next()
      if (first === undefined) return
      await peer.until('STDIN', first.id)
      peer.send(reply(first.id, answer))
    }
  }

const silent = { onHead() {}, onBody: () => true, onEnd() {}, onError() {} }

const failsWith = (code: string) => (error: unknown) => {
  assert.equal((error as FcgiError).code, code, String(error))
  return true
}

async function* pieces(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    await turn()
    yield Buffer.from(chunk)
  }
}

/** Waits until something is so that is about to be. */
describe('a request', () => {
  for (const transport of ['unix', 'tcp'] as const) {
    it(`goes out as the specification says, over ${transport}`, async (t) => {
      const app = await startApp(
        t,
        async (peer) => {
          const first = await peer.expect('BEGIN', 1)
          assert.equal(first.content.toString('hex'), '0001010000000000')
          const params = await peer.expect('PARAMS', 1)
          assert.deepEqual(pairs(params.content), [
            ['REQUEST_METHOD', 'GET'],
            ['CONTENT_LENGTH', '0'],
          ])
          assert.equal((await peer.expect('PARAMS', 1)).content.length, 0)
          assert.equal((await peer.expect('STDIN', 1)).content.length, 0)
          assert.equal(peer.chunks, 1, 'one write')
          peer.send(reply(1, 'Status: 203 Fine\r\nA: b\r\n\r\nhello'))
        },
        transport,
      )
      const client = createClient(t, { endpoint: app.endpoint })
      const response = await client.request(get)
      assert.deepEqual([response.status, response.reason], [203, 'Fine'])
      assert.deepEqual([...response.headers], [['A', 'b']])
      assert.equal(await text(response.body), 'hello')
      assert.deepEqual(await response.ended, { appStatus: 0, protocolStatus: 0 })
      app.check()
    })
  }

  it('streams a body of known length, and pads when told', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { params, body } = await peer.request()
      assert.equal(params.get('CONTENT_LENGTH'), '8')
      assert.equal(body, 'abcdefgh')
      peer.send(reply(1))
    })
    const client = createClient(t, { endpoint: app.endpoint, padding: true })
    assert.equal(await text((await client.request(post(pieces('abc', '', 'defgh'), 8))).body), 'hello')
    app.check()
  })

  it('pads records to eight bytes', async (t) => {
    const app = await startApp(t, async (peer) => {
      const seen = await peer.until('STDIN')
      const stdin = seen.filter((each) => each.type === 'STDIN')
      assert.deepEqual(
        stdin.map((each) => [each.content.length, each.padding]),
        [
          [3, 5],
          [0, 0],
        ],
      )
      peer.send(reply(1))
    })
    const client = createClient(t, { endpoint: app.endpoint, padding: true })
    await text((await client.request(post('abc'))).body)
    app.check()
  })

  it('gathers a body of unknown length, and says how long it is', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { params, body } = await peer.request()
      assert.deepEqual([params.get('CONTENT_LENGTH'), body], ['6', 'abcdef'])
      peer.send(reply(1))
    })
    const client = createClient(t, { endpoint: app.endpoint, maxUnsizedBody: 6 })
    await text((await client.request(post(pieces('abc', 'def')))).body)
    app.check()
  })

  it('refuses a larger one, and does not connect for it', async (t) => {
    const app = await startApp(t, serve())
    const client = createClient(t, { endpoint: app.endpoint, maxUnsizedBody: 5 })
    await assert.rejects(client.request(post(pieces('abc', 'def'))), failsWith('ERR_FCGI_LENGTH_UNKNOWN'))
    assert.equal(app.peers.length, 0)
  })

  it('must have the body that CONTENT_LENGTH announces', async (t) => {
    const app = await startApp(t, async (peer) => {
      const seen: string[] = []
      for (let each = await peer.next(); each !== undefined; each = await peer.next()) seen.push(each.type)
      if (seen.length > 0)
        assert.equal(seen.at(-1), 'ABORT', 'the application is told, and the connection closed')
    })
    const client = createClient(t, { endpoint: app.endpoint })
    await assert.rejects(client.request(post(pieces('ab'), 3)), failsWith('ERR_FCGI_REQUEST_LENGTH'))
    await assert.rejects(client.request(post(pieces('abcd'), 3)), failsWith('ERR_FCGI_REQUEST_LENGTH'))
    const wrong: FcgiRequestInit = { params: [['CONTENT_LENGTH', '3']], body: 'ab' }
    await assert.rejects(client.request(wrong), failsWith('ERR_FCGI_REQUEST_LENGTH'))
    const noBody: FcgiRequestInit = { params: [['CONTENT_LENGTH', '3']] }
    await assert.rejects(client.request(noBody), failsWith('ERR_FCGI_REQUEST_LENGTH'))
    const noNumber: FcgiRequestInit = { params: [['CONTENT_LENGTH', '3x']], body: pieces('abc') }
    await assert.rejects(client.request(noNumber), failsWith('ERR_FCGI_REQUEST_LENGTH'))
    app.check()
  })

  it('fails with its body', async (t) => {
    const app = await startApp(t, serve())
    const client = createClient(t, { endpoint: app.endpoint })
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('a')
        await turn()
        throw new Error('disk on fire')
      })(),
    )
    await assert.rejects(client.request(post(broken, 5)), (error: FcgiError) => {
      assert.equal(error.code, 'ERR_FCGI_REQUEST_BODY')
      assert.match(String((error.cause as Error).message), /disk on fire/)
      return true
    })
  })

  it('whose parameters cannot be sent leaves the connection as it was', async (t) => {
    const app = await startApp(t, serve())
    const client = createClient(t, { endpoint: app.endpoint })
    await text((await client.request(get)).body)
    const huge: FcgiRequestInit = { params: [['HTTP_COOKIE', 'x'.repeat(70_000)]] }
    await assert.rejects(client.request(huge), failsWith('ERR_FCGI_PARAM_SIZE'))
    await text((await client.request(get)).body)
    assert.equal(app.peers.length, 1)
    assert.equal(client.stats.failed, 1)
  })
})

describe('a response', () => {
  it('may end before the body is sent; the connection is not used again', async (t) => {
    const app = await startApp(t, async (peer, index) => {
      if (index === 1) return serve('\r\nsecond')(peer)
      await peer.expect('BEGIN')
      await peer.until('PARAMS')
      peer.send(reply(1, 'Status: 413\r\n\r\nno'))
      await peer.closed()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    let stopped = false
    const endless = (async function* () {
      try {
        for (const end = performance.now() + 10_000; performance.now() < end;) {
          await sleep(5)
          yield Buffer.from('x')
        }
      } finally {
        stopped = true
      }
    })()
    const response = await client.request(post(endless, 1_000_000))
    assert.equal(response.status, 413)
    assert.equal(await text(response.body), 'no')
    assert.equal(await text((await client.request(get)).body), 'second')
    await until(() => stopped)
    assert.equal(stopped, true, 'the body is not read any further')
    app.check()
  })

  for (const transport of ['unix', 'tcp'] as const) {
    it(`is read to its end when the application closes without reading STDIN, over ${transport}`, async (t) => {
      const answer = 'y'.repeat(100_000)
      const script = async (peer: Peer) => {
        await peer.until('PARAMS')
        peer.socket.pause()
        const pieces = Buffer.from(`\r\n${answer}`)
        peer.send(
          record('STDOUT', 1, pieces.subarray(0, 60_000)),
          record('STDOUT', 1, pieces.subarray(60_000)),
          record('STDOUT', 1),
          end(1),
        )
        peer.socket.end(() => peer.socket.destroy())
      }
      const app = await startApp(t, script, transport)
      const client = createClient(t, { endpoint: app.endpoint })
      for (let count = 0; count < 5; count++) {
        const response = await client.request(post(Buffer.alloc(3_000_000)))
        // Even when the reader is late: what is in the kernel stays there.
        await sleep(count * 5)
        assert.equal((await text(response.body)).length, answer.length)
        assert.deepEqual(await response.ended, { appStatus: 0, protocolStatus: 0 })
      }
    })
  }

  it('comes from a host that has a name', async (t) => {
    const app = await startApp(t, serve(), 'tcp')
    const client = createClient(t, { endpoint: app.endpoint.replace('127.0.0.1', 'localhost') })
    assert.equal(await text((await client.request(get)).body), 'hello')
  })

  it('whose END_REQUEST never comes ends with its last byte, after the timeout', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, 'Content-Length: 2\n\nhi'))
      await peer.expect('ABORT')
    })
    const client = createClient(t, { endpoint: app.endpoint, responseTimeout: 30 })
    const response = await client.request(get)
    assert.equal(await text(response.body), 'hi')
    assert.deepEqual(await response.ended, { appStatus: undefined, protocolStatus: undefined })
  })

  for (const [how, records] of [
    ['its Content-Length', [record('STDOUT', 1, 'Content-Length: 2\n\nhi')]],
    ['its last chunk', [record('STDOUT', 1, 'Transfer-Encoding: chunked\n\n2\r\nhi\r\n0\r\n\r\n')]],
    ['an empty STDOUT', [record('STDOUT', 1, 'A: b\n\nhi'), record('STDOUT', 1)]],
  ] as const) {
    it(`is over at ${how}, while the application works on`, async (t) => {
      let read: () => void = () => {}
      const isRead = new Promise<void>((resolve) => (read = resolve))
      const app = await startApp(t, async (peer, index) => {
        if (index > 0) return serve()(peer)
        await peer.request()
        peer.send(...records)
        await isRead
        // Whatever it still writes is nobody's.
        peer.send(record('STDERR', 1, 'late'), record('STDOUT', 1, 'late'), end(1, 0, 7))
        await serve()(peer)
      })
      const said: string[] = []
      const client = createClient(t, { endpoint: app.endpoint, onStderr: (text) => said.push(text) })
      const response = await client.request(get)
      assert.equal(await text(response.body), 'hi')
      assert.equal(client.stats.active, 1)
      // Its connection is not free yet.
      assert.equal(await text((await client.request(get)).body), 'hello')
      read()
      assert.deepEqual(await response.ended, { appStatus: 7, protocolStatus: 0 })
      assert.deepEqual(said, ['late'])
      assert.deepEqual([client.stats.active, client.stats.opened], [0, 2])
      await Promise.all([0, 1].map(async () => text((await client.request(get)).body)))
      assert.equal(client.stats.opened, 2)
      app.check()
    })
  }

  it('whose empty STDOUT comes too early is broken off there', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, 'Content-Length: 3\n\nhi'), record('STDOUT', 1))
      await peer.expect('ABORT')
    })
    const response = await createClient(t, { endpoint: app.endpoint }).request(get)
    await assert.rejects(text(response.body), failsWith('ERR_FCGI_RESPONSE_LENGTH'))
  })

  it('may end without an empty STDOUT, as php-fpm does it', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, 'A: b\r\n\r\nhi', 3), end(1, 0, 7))
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const response = await client.request(get)
    assert.equal(await text(response.body), 'hi')
    assert.deepEqual(await response.ended, { appStatus: 7, protocolStatus: 0 })
  })

  it('is complete with the empty STDOUT when END_REQUEST never comes', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\nhi'), record('STDOUT', 1))
      peer.socket.end()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const response = await client.request(get)
    assert.equal(await text(response.body), 'hi')
    assert.deepEqual(await response.ended, { appStatus: undefined, protocolStatus: undefined })
  })

  it('is complete with Content-Length bytes, too', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, 'Content-Length: 2\n\nhi'))
      peer.socket.end()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    assert.equal(await text((await client.request(get)).body), 'hi')
  })

  it('is broken off when the connection ends within it', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\nhi'))
      peer.socket.end()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const response = await client.request(get)
    await assert.rejects(text(response.body), failsWith('ERR_FCGI_CONNECTION_LOST'))
    await assert.rejects(response.ended, failsWith('ERR_FCGI_CONNECTION_LOST'))
  })

  it('is a response whatever the protocol status says when it was complete', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\nhi'), record('STDOUT', 1), end(1, 2))
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const response = await client.request(get)
    assert.equal(await text(response.body), 'hi')
    assert.deepEqual(await response.ended, { appStatus: 0, protocolStatus: 2 })
  })

  it('is not disturbed by records for other ids, unknown types, or a second END_REQUEST', async (t) => {
    const app = await startApp(t, async (peer) => {
      for (const id of [1, 3]) {
        await peer.request()
        peer.send(
          record('STDOUT', 99, 'not yours'),
          record(77, id, 'what'),
          record(78, 0, 'what'),
          record('VALUES', 0),
          record('VALUES', 0, '', 8),
          record('STDERR', id),
          record('STDOUT', id, '\r\nhi'),
          record('STDOUT', id),
          record('STDOUT', id, 'late'),
          end(id),
          record('STDOUT', id, 'later'),
          end(id),
        )
      }
    })
    const client = createClient(t, { endpoint: app.endpoint })
    assert.equal(await text((await client.request(get)).body), 'hi')
    assert.equal(await text((await client.request(get)).body), 'hi')
    assert.equal(app.peers.length, 1)
    app.check()
  })

  it('brings STDERR as text without control characters', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDERR', 1, 'PHP: a\r\nFAKE\x1b[1m\n'), reply(1, '\r\n'))
    })
    const all: string[] = []
    const own: string[] = []
    const client = createClient(t, { endpoint: app.endpoint, onStderr: (line) => all.push(line) })
    const response = await client.request({ ...get, onStderr: (line) => own.push(line) })
    await text(response.body)
    assert.deepEqual([all, own], [['PHP: a..FAKE.[1m'], ['PHP: a..FAKE.[1m']])
  })

  for (const [name, contents, expected] of [
    ['a character is cut by records', ['a\xe2\x82', '\xacb'], ['a', '€b']],
    ['it is cut twice', ['\xf0\x9f', '\x98', '\x80!'], ['😀!']],
    ['the stream ends within one', ['a\xe2\x82', ''], ['a', '\ufffd']],
    ['the request ends within one', ['a\xe2'], ['a', '\ufffd']],
    ['a line is empty', ['\n', 'b'], ['', 'b']],
  ] as const) {
    it(`brings STDERR: ${name}`, async (t) => {
      const app = await startApp(t, async (peer) => {
        await peer.request()
        const records = contents.map((content) => record('STDERR', 1, Buffer.from(content, 'latin1')))
        peer.send(...records, reply(1, '\r\n'))
      })
      const said: string[] = []
      const client = createClient(t, { endpoint: app.endpoint, onStderr: (line) => said.push(line) })
      await text((await client.request(get)).body)
      assert.deepEqual(said, expected)
    })
  }

  it('to HEAD has no body, and 1xx heads are reported', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(reply(1, 'Status: 103\r\nLink: x\r\n\r\nContent-Length: 5\r\n\r\nhello'))
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const informational: number[] = []
    const response = await client.request({
      params: [['REQUEST_METHOD', 'HEAD']],
      onInformational: (head) => informational.push(head.status),
    })
    assert.equal(await text(response.body), '')
    assert.equal(response.headers.get('content-length'), '5')
    assert.deepEqual(informational, [103])
  })
})

describe('connections', () => {
  it('are kept and used again, with new ids', async (t) => {
    const ids: number[] = []
    const app = await startApp(t, async (peer) => {
      for (;;) {
        const { id, keep } = await peer.request()
        assert.equal(keep, true)
        ids.push(id)
        peer.send(reply(id))
      }
    })
    const client = createClient(t, { endpoint: app.endpoint })
    for (let count = 0; count < 3; count++) await text((await client.request(get)).body)
    assert.deepEqual(ids, [1, 3, 5])
    const { opened, reused, idle, connections } = client.stats
    assert.deepEqual({ opened, reused, idle, connections }, { opened: 1, reused: 2, idle: 1, connections: 1 })
  })

  it('are not kept with keepConn off', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id, keep } = await peer.request()
      assert.equal(keep, false)
      peer.send(reply(id))
      await peer.closed()
    })
    const client = createClient(t, { endpoint: app.endpoint, keepConn: false })
    for (let count = 0; count < 3; count++) await text((await client.request(get)).body)
    assert.equal(app.peers.length, 3)
    app.check()
  })

  it('are retired when the ids are used up', async (t) => {
    const app = await startApp(t, serve('\r\n'))
    const client = createClient(t, { endpoint: app.endpoint })
    for (let count = 0; count < 16_384; count++) {
      await new Promise<void>((resolve, reject) => {
        client.start(
          { params: [['REQUEST_METHOD', 'GET']] },
          {
            onHead: () => {},
            onBody: () => true,
            onEnd: () => resolve(),
            onError: reject,
          },
        )
      })
    }
    assert.equal(app.peers.length, 1)
    await text((await client.request(get)).body)
    assert.equal(app.peers.length, 2)
  })

  it('are no more than maxConnections; further requests wait in order', async (t) => {
    const order: string[] = []
    const app = await startApp(t, async (peer) => {
      for (;;) {
        const { id, params } = await peer.request()
        order.push(params.get('N') ?? '')
        await turn()
        peer.send(reply(id))
      }
    })
    const client = createClient(t, { endpoint: app.endpoint, maxConnections: 1 })
    const send = async (name: string) => text((await client.request({ params: [['N', name]] })).body)
    await Promise.all(['a', 'b', 'c', 'd'].map(send))
    assert.deepEqual([order, app.peers.length], [['a', 'b', 'c', 'd'], 1])
  })

  it('refuse requests beyond the queue, and those that wait too long', async (t) => {
    let asked = 0
    const app = await startApp(t, async (peer) => {
      await peer.request()
      asked++
    })
    const client = createClient(t, {
      endpoint: app.endpoint,
      maxConnections: 1,
      maxQueue: 1,
      queueTimeout: 40,
    })
    const first = client.request(get)
    await until(() => asked === 1)
    const second = client.request(get)
    const third = client.request(get)
    await assert.rejects(third, (error: FcgiError) => {
      assert.deepEqual([error.code, error.status, error.notRun], ['ERR_FCGI_QUEUE_FULL', 503, true])
      return true
    })
    await assert.rejects(second, failsWith('ERR_FCGI_QUEUE_TIMEOUT'))
    client.destroy()
    await assert.rejects(first, failsWith('ERR_FCGI_ABORTED'))
  })

  it('are closed after a while without a request, and when there are too many of them', async (t) => {
    const app = await startApp(t, serve())
    const options = { endpoint: app.endpoint, maxIdleConnections: 1, idleTimeout: 30 }
    const client = createClient(t, options)
    const responses = await Promise.all([client.request(get), client.request(get), client.request(get)])
    await Promise.all(responses.map((each) => text(each.body)))
    assert.equal(app.peers.length, 3)
    assert.equal(client.stats.idle, 1)
    await Promise.all(app.peers.map((peer) => peer.closed()))
    await until(() => client.stats.connections === 0)
  })

  it('that are kept make way for one whose worker they may hold', async (t) => {
    // One worker: the second connection is served only after the first has gone.
    let served: Promise<void> = Promise.resolve()
    const app = await startApp(t, (peer) => {
      const before = served
      served = before.then(async () => {
        await serve()(peer)
      })
      return served
    })
    const client = createClient(t, { endpoint: app.endpoint, idleTimeout: 60_000 })
    const [first, second] = [client.request(get), client.request(get)]
    await text((await first).body)
    await text((await second).body)
    assert.equal(app.peers.length, 2)
  })

  it('cannot be made: the request fails at once, and is known not to have run', async (t) => {
    const client = createClient(t, { endpoint: '/nonexistent/fpm.sock' })
    await assert.rejects(client.request(get), (error: FcgiError) => {
      assert.deepEqual([error.code, error.status, error.notRun], ['ERR_FCGI_CONNECT', 503, true])
      assert.match(error.message, /fpm\.sock.*ENOENT/)
      return true
    })
    await assert.rejects(
      Promise.all([client.request(get), client.request(get)]),
      failsWith('ERR_FCGI_CONNECT'),
    )
  })

  it('to another server are tried, and the dead one is asked last', async (t) => {
    const app = await startApp(t, serve())
    const client = createClient(t, { servers: ['/nonexistent/a.sock', app.endpoint] })
    for (let count = 0; count < 4; count++) await text((await client.request(get)).body)
    assert.equal(client.stats.failed, 0)
    assert.ok(client.stats.retried <= 2)
  })

  it('are spread over the servers by what they have to do', async (t) => {
    const [one, two] = await Promise.all([startApp(t, serve()), startApp(t, serve())])
    const client = createClient(t, { servers: [one.endpoint, two.endpoint] })
    const responses = await Promise.all([1, 2, 3, 4].map(() => client.request(get)))
    await Promise.all(responses.map((each) => text(each.body)))
    assert.deepEqual([one.peers.length, two.peers.length], [2, 2])
  })
})

async function firstPeer(peers: readonly Peer[]): Promise<Peer['socket']> {
  await until(() => peers.length > 0)
  return (peers[0] ?? assert.fail()).socket
}

describe('retries', () => {
  /** The first connection serves one request and dies over the second; further ones serve. */
  const mortal = async (peer: Peer, index: number): Promise<void> => {
    if (index > 0) return serve('\r\nagain')(peer)
    const { id } = await peer.request()
    peer.send(reply(id))
    await peer.request()
    peer.socket.destroy()
  }

  it('send a request again when a kept connection dies before it answers', async (t) => {
    const app = await startApp(t, mortal)
    const client = createClient(t, { endpoint: app.endpoint })
    await text((await client.request(get)).body)
    assert.equal(await text((await client.request(get)).body), 'again')
    assert.equal(client.stats.retried, 1)
  })

  it('are not needed for a POST: it is not given a connection that may be ending, unless told to', async (t) => {
    for (const retryUnsafe of [false, true]) {
      const app = await startApp(t, mortal)
      const client = createClient(t, { endpoint: app.endpoint, retryUnsafe })
      await text((await client.request(get)).body)
      assert.equal(await text((await client.request(post('abc'))).body), 'again')
      const { retried, opened, connections } = client.stats
      assert.deepEqual([retried, opened, connections], [retryUnsafe ? 1 : 0, 2, 1])
    }
  })

  it('are not needed for a POST in the queue: it gets a new connection before what came later', async (t) => {
    const app = await startApp(t, (peer, index) => serve(`A: b\r\n\r\n${index}`)(peer))
    const client = createClient(t, { endpoint: app.endpoint, maxConnections: 1 })
    const asked = [get, get, post('abc'), get, get, post('d'), get].map(async (each) =>
      text((await client.request(each)).body),
    )
    assert.deepEqual(await Promise.all(asked), ['0', '0', '1', '1', '1', '2', '2'])
    assert.equal(client.stats.retried, 0)
  })

  it('do not happen to a POST that was sent, however soon its connection ends', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.socket.destroy()
    })
    const client = createClient(t, { endpoint: app.endpoint, maxRetries: 5 })
    await assert.rejects(client.request(post('abc')), failsWith('ERR_FCGI_CONNECTION_LOST'))
    assert.equal(app.peers.length, 1)
  })

  it('send a body again that is small enough to be kept', async (t) => {
    const bodies: string[] = []
    const app = await startApp(t, async (peer, index) => {
      for (;;) {
        const { id, body } = await peer.request()
        if (body !== '') bodies.push(body)
        if (index === 0 && body !== '') return void peer.socket.destroy()
        peer.send(reply(id))
      }
    })
    const client = createClient(t, { endpoint: app.endpoint, maxReplaySize: 6 })
    const put = (body: string): FcgiRequestInit => ({
      params: [
        ['REQUEST_METHOD', 'PUT'],
        ['CONTENT_LENGTH', String(body.length)],
      ],
      body: pieces(body.slice(0, 3), body.slice(3)),
    })
    await text((await client.request(get)).body)
    await text((await client.request(put('abcdef'))).body)
    assert.deepEqual(bodies, ['abcdef', 'abcdef'])
  })

  it('close an idle connection even when its application chatters', async (t) => {
    const app = await startApp(t, async (peer) => {
      peer.send(reply((await peer.request()).id))
      while (!peer.ended) {
        await sleep(10)
        peer.send(record('VALUES', 0), record('UNKNOWN', 0, Buffer.alloc(8)))
      }
    })
    const client = createClient(t, { endpoint: app.endpoint, idleTimeout: 100 })
    await text((await client.request(get)).body)
    await until(() => client.stats.connections === 0)
  })

  it('have no copy of a body that was gathered and is larger: it goes on a new connection', async (t) => {
    const app = await startApp(t, (peer) => serve()(peer))
    const client = createClient(t, { endpoint: app.endpoint, maxReplaySize: 6 })
    const put: FcgiRequestInit = { params: [['REQUEST_METHOD', 'PUT']], body: pieces('abcd', 'efg') }
    await text((await client.request(get)).body)
    await text((await client.request(put)).body)
    const { retried, opened, connections } = client.stats
    assert.deepEqual([retried, opened, connections], [0, 2, 1])
  })

  it('send a large body again that is at hand as a whole', async (t) => {
    const app = await startApp(t, async (peer, index) => {
      const { id } = await peer.request()
      peer.send(reply(id))
      if (index === 0) await peer.expect('BEGIN')
      else await peer.request()
      if (index === 0) peer.socket.destroy()
      else peer.send(reply(3))
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const put: FcgiRequestInit = { params: [['REQUEST_METHOD', 'PUT']], body: Buffer.alloc(500_000) }
    await text((await client.request(get)).body)
    await text((await client.request(put)).body)
    assert.deepEqual([client.stats.retried, client.stats.failed], [1, 0])
  })

  it('do not happen on a connection that was new', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.socket.destroy()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    await assert.rejects(client.request(get), failsWith('ERR_FCGI_CONNECTION_LOST'))
    assert.equal(app.peers.length, 1)
  })

  it('do not happen after a byte of the response', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id } = await peer.request()
      peer.send(reply(id))
      await peer.request()
      peer.send(record('STDOUT', 3, 'A'))
      peer.socket.end()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    await text((await client.request(get)).body)
    await assert.rejects(client.request(get), failsWith('ERR_FCGI_CONNECTION_LOST'))
  })

  it('go to another server when one is overloaded', async (t) => {
    const busy = async (peer: Peer) => {
      const { id } = await peer.request()
      peer.send(end(id, 2))
      await peer.closed()
    }
    const [one, two] = [await startApp(t, busy), await startApp(t, serve('\r\nfree'))]
    const client = createClient(t, { servers: [one.endpoint, two.endpoint] })
    for (let count = 0; count < 2; count++) {
      // Even a POST: the application has said that it did not run it.
      assert.equal(await text((await client.request(post('x'))).body), 'free')
    }
    one.check()
  })

  // An application may end the streams of what it refuses (FastCGI 1.0, section 3.3: a stream has an end).
  for (const [before, records] of [
    ['the empty STDOUT', (id: number) => [record('STDOUT', id)]],
    ['both empty streams', (id: number) => [record('STDERR', id), record('STDOUT', id)]],
    ['words on STDERR', (id: number) => [record('STDERR', id, 'no'), record('STDOUT', id)]],
  ] as const) {
    for (const method of ['GET', 'POST']) {
      it(`of a ${method} that is refused behind ${before} bring its answer`, async (t) => {
        const bodies: string[] = []
        const app = await startApp(t, async (peer) => {
          for (let first = await peer.next(); first !== undefined; first = await peer.next()) {
            const { id } = first
            const seen = await peer.until('STDIN', id)
            bodies.push(seen.flatMap((each) => (each.type === 'STDIN' ? [each.content] : [])).join(''))
            peer.send(...(bodies.length > 1 ? [reply(id)] : [...records(id), end(id, 1)]))
          }
        })
        const client = createClient(t, { endpoint: app.endpoint })
        const request = method === 'GET' ? get : post('abc')
        const response = await client.request(request)
        assert.equal(await text(response.body), 'hello')
        assert.deepEqual(await response.ended, { appStatus: 0, protocolStatus: 0 })
        assert.deepEqual(bodies, method === 'GET' ? ['', ''] : ['abc', 'abc'])
        app.check()
      })
    }
  }

  it('are as many as maxRetries', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id } = await peer.request()
      peer.send(end(id, 2))
    })
    const client = createClient(t, { endpoint: app.endpoint, maxRetries: 2 })
    await assert.rejects(client.request(get), (error: FcgiError) => {
      assert.deepEqual([error.code, error.notRun], ['ERR_FCGI_OVERLOADED', true])
      return true
    })
    assert.equal(app.peers.length, 3)
  })
})

describe('aborting', () => {
  it('tells the application and closes the connection, even after STDIN has ended', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\nhi'))
      await peer.expect('ABORT', 1)
      await peer.closed()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const controller = new AbortController()
    const response = await client.request({ ...get, signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(text(response.body), failsWith('ERR_FCGI_ABORTED'))
    await app.peers[0]?.closed()
    app.check()
  })

  it('may come from a signal of another realm, as test runners make them', async (t) => {
    class ForeignSignal extends EventTarget {
      aborted = false
      readonly reason = new Error('enough')
    }
    const app = await startApp(t, () => {})
    const client = createClient(t, { endpoint: app.endpoint })
    const signal = new ForeignSignal()
    const pending = client.request({ ...get, signal: signal as unknown as AbortSignal })
    await firstPeer(app.peers)
    signal.aborted = true
    signal.dispatchEvent(new Event('abort'))
    await assert.rejects(pending, failsWith('ERR_FCGI_ABORTED'))
  })

  it('before the head rejects with the reason as the cause', async (t) => {
    const app = await startApp(t, () => {})
    const client = createClient(t, { endpoint: app.endpoint })
    const reason = new Error('no time')
    const controller = new AbortController()
    const pending = client.request({ ...get, signal: controller.signal })
    await firstPeer(app.peers)
    controller.abort(reason)
    await assert.rejects(
      pending,
      (error: FcgiError) => error.code === 'ERR_FCGI_ABORTED' && error.cause === reason,
    )
    await assert.rejects(
      client.request({ ...get, signal: AbortSignal.abort() }),
      failsWith('ERR_FCGI_ABORTED'),
    )
  })

  it('happens when the body of the response is destroyed', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\nhi'))
      await peer.expect('ABORT', 1)
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const response = await client.request(get)
    response.body.destroy()
    await assert.rejects(response.ended, failsWith('ERR_FCGI_ABORTED'))
    await app.peers[0]?.closed()
    app.check()
  })

  it('a response that nobody reads brings nobody down', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\nhi'))
      peer.socket.end()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const { body } = await client.request(get)
    await until(() => body.destroyed)
    await assert.rejects(text(body), failsWith('ERR_FCGI_CONNECTION_LOST'))
  })

  it('before or behind its beginning ends the stream of its body, and so does a client that is closed', async (t) => {
    const app = await startApp(t, () => {})
    const client = createClient(t, { endpoint: app.endpoint })
    const stream = () => new Readable({ read() {} })
    const [before, behind, closed] = [stream(), stream(), stream()]
    const controller = new AbortController()
    const requests = [
      client.request({ ...post(before), signal: AbortSignal.abort() }),
      client.request({ ...post(behind), signal: controller.signal }),
    ]
    controller.abort()
    for (const request of requests) await assert.rejects(request, failsWith('ERR_FCGI_ABORTED'))
    await client.close()
    await assert.rejects(client.request(post(closed)), failsWith('ERR_SLUICE_CLOSED'))
    assert.deepEqual(
      [before, behind, closed].map(({ destroyed }) => destroyed),
      [true, true, true],
    )
    assert.equal(app.peers.length, 0)
  })

  it('of one in the queue takes it out', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id, params } = await peer.request()
      await sleep(20)
      peer.send(reply(id))
      assert.equal(params.get('N'), '1')
      assert.equal((await peer.request()).params.get('N'), '3')
      peer.send(reply(3))
    })
    const client = createClient(t, { endpoint: app.endpoint, maxConnections: 1 })
    const controller = new AbortController()
    const named = (name: string, signal?: AbortSignal) => client.request({ params: [['N', name]], signal })
    const first = named('1')
    const second = named('2', controller.signal)
    const third = named('3')
    controller.abort()
    await assert.rejects(second, failsWith('ERR_FCGI_ABORTED'))
    await text((await first).body)
    await text((await third).body)
    app.check()
  })
})

describe('timeouts', () => {
  it('of the response: the application is told, the request fails with 504', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      await peer.expect('ABORT')
    })
    const client = createClient(t, { endpoint: app.endpoint, responseTimeout: 30 })
    await assert.rejects(client.request(get), (error: FcgiError) => {
      assert.deepEqual([error.code, error.status], ['ERR_FCGI_RESPONSE_TIMEOUT', 504])
      return true
    })
    await app.peers[0]?.closed()
    app.check()
  })

  it('runs while a body that was gathered is sent to an application that does not read it', async (t) => {
    const sockets = new Set<Socket>()
    const server = createServer({ pauseOnConnect: true }, (socket) => void sockets.add(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const client = createClient(t, {
      endpoint: `127.0.0.1:${port}`,
      responseTimeout: 200,
      unsizedBodyMemory: 10_000,
    })
    const large = (async function* () {
      for (let at = 0; at < 200; at++) yield Buffer.alloc(65_536)
    })()
    await assert.rejects(
      client.request({ params: [['REQUEST_METHOD', 'POST']], body: large }),
      (error: FcgiError) => {
        assert.equal(error.code, 'ERR_FCGI_RESPONSE_TIMEOUT')
        return true
      },
    )
  })

  it('does not run while the caller is slow, with the body or with the response', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, `\r\n${'x'.repeat(65_000)}`), record('STDOUT', 1, 'x'.repeat(65_000)))
      peer.send(record('STDOUT', 1, 'x'.repeat(65_000)), end(1))
    })
    const client = createClient(t, { endpoint: app.endpoint, responseTimeout: 400 })
    const slow = (async function* () {
      await sleep(800)
      yield 'abc'
    })()
    const response = await client.request(post(slow, 3))
    await sleep(800)
    assert.equal((await text(response.body)).length, 195_000)
  })

  it('of the connection', async (t) => {
    const port = await startBlackHole(t)
    const client = createClient(t, { endpoint: `127.0.0.1:${port}`, connectTimeout: 50 })
    await assert.rejects(
      client.request(get),
      (error: FcgiError) => /CONNECT/.test(error.code) && error.notRun,
    )
  })
})

describe('backpressure', () => {
  it('stops the application when the response is not read', async (t) => {
    let written = 0
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\n'))
      const piece = record('STDOUT', 1, 'x'.repeat(32_000))
      for (let count = 0; count < 200; count++) {
        if (!peer.socket.write(piece)) await once(peer.socket, 'drain')
        written += 32_000
      }
      peer.send(end(1))
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const response = await client.request(get)
    await sleep(100)
    // What lies in the two kernels' buffers and ours is far less than the 6.4 MB.
    assert.ok(written < 2_000_000, `${written} bytes`)
    assert.equal((await buffer(response.body)).length, 6_400_000)
    app.check()
  })

  it('stops the caller when STDIN is not read', async (t) => {
    const app = await startApp(t, async (peer) => {
      peer.socket.pause()
      await sleep(100)
      peer.socket.resume()
      const { body } = await peer.request()
      assert.equal(body.length, 6_400_000)
      peer.send(reply(1))
    })
    const client = createClient(t, { endpoint: app.endpoint })
    let taken = 0
    const body = (async function* () {
      for (let count = 0; count < 200; count++) {
        taken += 32_000
        yield Buffer.alloc(32_000)
      }
    })()
    const pending = client.request(post(body, 6_400_000))
    await sleep(60)
    assert.ok(taken < 2_000_000, `${taken} bytes`)
    await text((await pending).body)
    app.check()
  })

  it('is a callback that answers false; nothing comes until resume', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.request()
      peer.send(record('STDOUT', 1, '\r\n1'), record('STDOUT', 1, '2'), record('STDOUT', 1, '3'), end(1))
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const seen: string[] = []
    await new Promise<void>((resolve, reject) => {
      const exchange = client.start(
        { params: [] },
        {
          onHead: () => seen.push('head'),
          onBody: (chunk) => {
            const text = chunk.toString()
            seen.push(text)
            setTimeout(() => {
              seen.push(`resume ${text}`)
              exchange.resume()
            }, 10)
            return false
          },
          onEnd: () => {
            seen.push('end')
            resolve()
          },
          onError: reject,
        },
      )
    })
    assert.deepEqual(seen, ['head', '1', 'resume 1', '2', 'resume 2', '3', 'resume 3', 'end'])
  })
})

describe('a caller that stops the response within a record', () => {
  const chunked = 'Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n'
  const heads = 'Status: 103\r\n\r\nStatus: 103\r\n\r\n'
  const all = ['103', '103', 'head', 'ab', 'cd']
  for (const [how, tail, last] of [
    ['END_REQUEST behind it', (id: number) => [record('STDOUT', id), end(id)], ['whole', 'end 0']],
    ['the end of the connection behind it', undefined, ['whole', 'end undefined']],
  ] as const) {
    it(`hears nothing more of it until he goes on, with ${how}`, async (t) => {
      const app = await startApp(t, async (peer) => {
        await peer.request()
        peer.send(record('STDOUT', 1, heads + chunked), ...(tail?.(1) ?? []))
        if (tail === undefined) peer.socket.end()
      })
      const client = createClient(t, { endpoint: app.endpoint })
      const seen: string[] = []
      const hears = (what: string) => {
        seen.push(what)
        exchange.pause()
      }
      const exchange = client.start(
        { params: [] },
        {
          onInformational: ({ status }) => hears(String(status)),
          onHead: () => hears('head'),
          onBody: (chunk) => (seen.push(chunk.toString()), false),
          onBodyEnd: () => seen.push('whole'),
          onEnd: ({ protocolStatus }) => seen.push(`end ${String(protocolStatus)}`),
          onError: ({ code }) => seen.push(code),
        },
      )
      for (const [at] of all.slice(1).entries()) {
        await until(() => seen.length > at)
        await turn()
        await turn()
        assert.deepEqual(seen, all.slice(0, at + 1))
        exchange.resume()
        assert.equal(seen.length, at + 1)
      }
      await until(() => seen.length === all.length + last.length)
      assert.deepEqual(seen, [...all, ...last])
      app.check()
    })
  }

  for (const what of ['abort', 'pause'] as const) {
    it(`may ${what} when he hears what was held`, async (t) => {
      const app = await startApp(t, async (peer) => {
        peer.send(record('STDOUT', (await peer.request()).id, chunked))
      })
      const client = createClient(t, { endpoint: app.endpoint })
      const seen: string[] = []
      const exchange = client.start(
        { params: [] },
        {
          ...silent,
          onBody: (chunk) => {
            seen.push(chunk.toString())
            if (seen.length === 2) exchange[what]()
            return false
          },
          onBodyEnd: () => seen.push('whole'),
        },
      )
      await until(() => seen.length > 0)
      exchange.resume()
      exchange.pause()
      exchange.resume()
      await until(() => seen.length > 1)
      await turn()
      assert.deepEqual(seen, what === 'abort' ? ['ab', 'cd'] : ['ab', 'cd', 'whole'])
    })
  }
})

describe('multiplexing', () => {
  const values = (max: string, mpxs: string) =>
    record('VALUES', 0, pair('FCGI_MAX_REQS', max) + pair('FCGI_MPXS_CONNS', mpxs), 4)

  it('asks for values and sends the first request in one write', async (t) => {
    const app = await startApp(t, async (peer) => {
      const asked = await peer.expect('GET_VALUES', 0)
      assert.deepEqual(pairs(asked.content), [
        ['FCGI_MAX_REQS', ''],
        ['FCGI_MPXS_CONNS', ''],
      ])
      const { id } = await peer.request()
      assert.equal(peer.chunks, 1)
      // Not answered at all, as old libraries do: nothing waits for it.
      peer.send(reply(id))
    })
    const client = createClient(t, { endpoint: app.endpoint, getValues: true })
    assert.equal(await text((await client.request(get)).body), 'hello')
    app.check()
  })

  it('runs as many requests on a connection as the application says, out of order', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.expect('GET_VALUES')
      const first = await peer.request()
      peer.send(values('3', '1'), reply(first.id))
      const ids = []
      for (let count = 0; count < 3; count++) ids.push((await peer.request()).id)
      for (const id of ids) peer.send(record('STDOUT', id, `\r\n${id}-`))
      for (const id of ids.toReversed()) peer.send(record('STDOUT', id, 'x'), end(id))
    })
    const client = createClient(t, { endpoint: app.endpoint, getValues: true })
    await text((await client.request(get)).body)
    const responses = await Promise.all([1, 2, 3].map(() => client.request(get)))
    assert.deepEqual(await Promise.all(responses.map((each) => text(each.body))), ['3-x', '5-x', '7-x'])
    assert.equal(app.peers.length, 1)
    app.check()
  })

  for (const [max, mpxs, options, limit] of [
    ['5', '0', {}, 1],
    ['0', '1', {}, 1],
    ['5', '1', { maxRequests: 2 }, 2],
    ['1', '1', { maxRequests: 4 }, 1],
    ['', '1', { maxRequests: 3 }, 3],
  ] as const) {
    it(`allows ${limit} after MAX_REQS=${max} MPXS_CONNS=${mpxs} with ${JSON.stringify(options)}`, async (t) => {
      let most = 0
      let active = 0
      const app = await startApp(t, async (peer) => {
        await peer.expect('GET_VALUES')
        const first = await peer.request()
        peer.send(values(max, mpxs), reply(first.id))
        for (;;) {
          const { id } = await peer.request()
          most = Math.max(most, ++active)
          setTimeout(() => {
            active--
            peer.send(reply(id))
          }, 5)
        }
      })
      const client = createClient(t, {
        endpoint: app.endpoint,
        getValues: true,
        maxConnections: 1,
        ...options,
      })
      await text((await client.request(get)).body)
      const responses = await Promise.all([1, 2, 3, 4, 5, 6].map(() => client.request(get)))
      await Promise.all(responses.map((each) => text(each.body)))
      assert.equal(most, limit)
    })
  }

  it('goes on with one request after UNKNOWN_TYPE', async (t) => {
    const app = await startApp(t, async (peer) => {
      await peer.expect('GET_VALUES')
      const { id } = await peer.request()
      peer.send(record('UNKNOWN', 0, '\x09\0\0\0\0\0\0\0'), reply(id))
    })
    const client = createClient(t, { endpoint: app.endpoint, getValues: true })
    assert.equal(await text((await client.request(get)).body), 'hello')
  })

  it('asks no more when the application closes over it', async (t) => {
    const app = await startApp(t, async (peer, index) => {
      const first = await peer.next()
      if (first?.type === 'GET_VALUES') return void peer.socket.destroy()
      assert.equal(index, 1)
      await peer.until('STDIN')
      peer.send(reply(1))
    })
    const client = createClient(t, { endpoint: app.endpoint, getValues: true })
    assert.equal(await text((await client.request(get)).body), 'hello')
    app.check()
  })

  it('learns from CANT_MPX_CONN, and sends the request again', async (t) => {
    const app = await startApp(t, async (peer) => {
      const first = await peer.request()
      peer.send(record('STDOUT', first.id, '\r\n'))
      const second = await peer.next()
      if (second === undefined) return
      await peer.until('STDIN', second.id)
      peer.send(end(second.id, 1), end(first.id))
      await serve()(peer)
    })
    const client = createClient(t, { endpoint: app.endpoint, multiplex: true, maxRequests: 2 })
    const responses = await Promise.all([client.request(get), client.request(get)])
    await Promise.all(responses.map((each) => text(each.body)))
    assert.equal(client.stats.failed, 0)
  })

  it('an aborted request leaves the connection to the others, and what comes late for it is skipped', async (t) => {
    const app = await startApp(t, async (peer) => {
      const [one, two] = [await peer.request(), await peer.request()]
      peer.send(record('STDOUT', one.id, '\r\n'), record('STDOUT', two.id, '\r\n'))
      await peer.expect('ABORT', one.id)
      peer.send(record('STDOUT', one.id, 'late'), end(one.id), record('STDOUT', one.id, 'x'), end(one.id))
      peer.send(record('STDOUT', two.id, 'fine'), end(two.id))
      const three = await peer.request()
      assert.equal(three.id, 5)
      peer.send(reply(three.id))
    })
    const client = createClient(t, { endpoint: app.endpoint, multiplex: true, maxRequests: 2 })
    const [one, two] = await Promise.all([client.request(get), client.request(get)])
    one.body.destroy()
    assert.equal(await text(two.body), 'fine')
    assert.equal(await text((await client.request(get)).body), 'hello')
    assert.equal(app.peers.length, 1)
    app.check()
  })

  it('a connection full of aborted requests whose end never comes is closed', async (t) => {
    const app = await startApp(t, async (peer, index) => {
      if (index > 0) return serve()(peer)
      for (let count = 0; count < 2; count++) {
        const { id } = await peer.request()
        peer.send(record('STDOUT', id, '\r\n'))
      }
      await peer.closed()
    })
    const options = {
      endpoint: app.endpoint,
      multiplex: true,
      maxRequests: 2,
      maxConnections: 1,
      idleTimeout: 30,
    }
    const client = createClient(t, options)
    for (const response of await Promise.all([client.request(get), client.request(get)]))
      response.body.destroy()
    assert.equal(await text((await client.request(get)).body), 'hello')
    app.check()
  })

  it('a connection that is lost fails all its requests once, with one cause', async (t) => {
    const app = await startApp(t, async (peer) => {
      const [one, two] = [await peer.request(), await peer.request()]
      peer.send(record('STDOUT', one.id, '\r\n1'), record('STDOUT', two.id, '\r\n2'))
      await turn()
      peer.send(Buffer.from('rubbish!'))
    })
    const client = createClient(t, { endpoint: app.endpoint, multiplex: true, maxRequests: 2 })
    const errors: FcgiError[] = []
    await Promise.all(
      [1, 2].map(
        () =>
          new Promise<void>((resolve) => {
            client.start(
              { params: [] },
              {
                onHead: () => {},
                onBody: () => true,
                onEnd: () => assert.fail('complete'),
                onError: (error) => {
                  errors.push(error)
                  resolve()
                },
              },
            )
          }),
      ),
    )
    assert.equal(errors.length, 2)
    assert.equal(errors[0], errors[1])
    assert.equal(errors[0]?.code, 'ERR_FCGI_VERSION')
  })
})

describe('closing', () => {
  it('lets requests end, takes no more, and resolves when the connections are gone', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id } = await peer.request()
      await sleep(20)
      peer.send(reply(id))
      await peer.closed()
    })
    const client = createClient(t, { endpoint: app.endpoint })
    const pending = client.request(get)
    const closing = client.close()
    await assert.rejects(client.request(get), { code: 'ERR_SLUICE_CLOSED' })
    assert.equal(await text((await pending).body), 'hello')
    await closing
    assert.equal(client.stats.connections, 0)
  })

  it('without a request ever sent resolves at once', async () => {
    await createFcgiClient({ endpoint: '/nonexistent' }).close()
  })

  it('destroy fails what is in progress', async (t) => {
    const app = await startApp(t, () => {})
    const client = createClient(t, { endpoint: app.endpoint })
    const pending = client.request(get)
    await firstPeer(app.peers)
    client.destroy()
    await assert.rejects(pending, failsWith('ERR_FCGI_ABORTED'))
    await client.close()
  })
})

describe('callbacks', () => {
  it('that throw cost their own request', async (t) => {
    const app = await startApp(t, serve())
    const client = createClient(t, { endpoint: app.endpoint })
    const error = await new Promise<FcgiError>((resolve) => {
      client.start(
        { params: [] },
        {
          onHead: () => {
            throw new Error('a bug')
          },
          onBody: () => assert.fail('called after an error'),
          onEnd: () => assert.fail('called after an error'),
          onError: resolve,
        },
      )
    })
    assert.equal(error.code, 'ERR_FCGI_ABORTED')
    assert.equal((error.cause as Error).message, 'a bug')
    assert.equal(await text((await client.request(get)).body), 'hello')
  })

  it('do not come from within start', async () => {
    const client = createFcgiClient({ endpoint: '/nonexistent' })
    let returned = false
    const settled = new Promise<void>((resolve) => {
      client.start(
        { params: [['CONTENT_LENGTH', '5']] },
        {
          onHead: () => {},
          onBody: () => true,
          onEnd: (ended: FcgiEnd) => assert.fail(JSON.stringify(ended)),
          onError: () => {
            assert.equal(returned, true)
            resolve()
          },
        },
      )
    })
    returned = true
    await settled
  })

  it('are wrong options said clearly', () => {
    assert.throws(() => createFcgiClient({}), { code: 'ERR_SLUICE_OPTION' })
    assert.throws(() => createFcgiClient({ endpoint: '/a', servers: ['/b'] }), { code: 'ERR_SLUICE_OPTION' })
    assert.throws(() => createFcgiClient({ servers: [] }), { code: 'ERR_SLUICE_OPTION' })
    assert.throws(() => createFcgiClient({ endpoint: 'nonsense' }), { code: 'ERR_SLUICE_ADDRESS' })
    assert.throws(() => createFcgiClient({ endpoint: '/a', maxRequests: 0 }), /'maxRequests' must be/)
  })
})
