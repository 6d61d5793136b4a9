/** `serveFcgi` record by record: what a listener of node:http sees, and what becomes of what it does. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { getDefaultHighWaterMark } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveFcgi } from 'sluice/fcgi'
import type { ServableApp, ServeFcgiOptions } from 'sluice/fcgi'
import { connectPeer, record, request, tempDir } from '../support.ts'
import type { Peer } from '../support.ts'
import { until } from '../../support/until.ts'

async function start(t: TestContext, app: ServableApp, options: ServeFcgiOptions = {}): Promise<Peer> {
  const path = join(tempDir(t), 'app.sock')
  const server = await serveFcgi(app, path, options)
  t.after(() => server.destroy())
  return connectPeer(t, { path })
}

const stdout = async (peer: Peer, id = 1): Promise<string> =>
  (await peer.until('END', id))
    .filter((each) => each.type === 'STDOUT')
    .map((each) => each.content.toString('latin1'))
    .join('')

const get = { REQUEST_METHOD: 'GET', REQUEST_URI: '/' }
const post = { REQUEST_METHOD: 'POST', REQUEST_URI: '/' }

describe('a response', () => {
  const cases: [string, (request: IncomingMessage, response: ServerResponse) => unknown, string][] = [
    ['in one piece', (_, r) => r.end('hi'), 'Status: 200 OK\r\nContent-Length: 2\r\n\r\nhi'],
    ['without a body', (_, r) => r.writeHead(204).end(), 'Status: 204 No Content\r\n\r\n'],
    [
      'in pieces',
      (_, r) => {
        r.write('a')
        r.end('b')
      },
      'Status: 200 OK\r\n\r\nab',
    ],
    [
      'that names a connection and a coding',
      (_, r) => {
        r.writeHead(200, { Connection: 'close', 'Transfer-Encoding': 'chunked', Trailer: 'X', A: 'b' })
        r.write('abc')
        r.addTrailers({ X: 'y' })
        r.end('d')
      },
      'Status: 200 OK\r\nA: b\r\n\r\nabcd',
    ],
    [
      'that announces trailers, as the manual of Node.js does',
      (_, r) => {
        r.writeHead(200, { 'Content-Type': 'a/b', Trailer: 'X' })
        r.write('abc')
        r.addTrailers({ X: 'y' })
        r.end()
      },
      'Status: 200 OK\r\nContent-Type: a/b\r\n\r\nabc',
    ],
    [
      'that announces trailers one header at a time',
      (_, r) => {
        r.setHeader('trailer', 'X')
        r.addTrailers({ X: 'y' })
        r.end('abc')
      },
      'Status: 200 OK\r\n\r\nabc',
    ],
    [
      'that announces trailers in a list',
      (_, r) => {
        r.writeHead(200, ['A', 'b', 'Trailer', 'X'])
        r.end('abc')
      },
      'Status: 200 OK\r\nA: b\r\n\r\nabc',
    ],
    [
      'that is written to its socket',
      ({ socket }) => {
        socket.write('HTTP/1.1 201 Created\r\nA: b\r\n\r\nraw')
        socket.end()
      },
      'Status: 201 Created\r\nA: b\r\n\r\nraw',
    ],
    [
      'whose socket ends before it',
      ({ socket }) => socket.end(),
      'Status: 500 Internal Server Error\r\n\r\n',
    ],
    [
      'behind heads that gateways do not expect',
      (_, r) => {
        r.writeContinue()
        r.writeProcessing()
        r.writeEarlyHints({ link: '</x.css>; rel=preload' })
        r.end()
      },
      'Status: 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'of bytes and of headers that are not ASCII',
      (_, r) => {
        r.setHeader('X', '\xe4')
        r.end(Buffer.from([0xff, 0]))
      },
      'Status: 200 OK\r\nX: \xe4\r\nContent-Length: 2\r\n\r\n\xff\0',
    ],
    ['of a listener that throws', () => assert.fail('x'), 'Status: 500 Internal Server Error\r\n\r\n'],
    [
      'of a listener that rejects',
      async () => {
        await sleep(1)
        throw new Error('x')
      },
      'Status: 500 Internal Server Error\r\n\r\n',
    ],
    ['that is destroyed before it began', (_, r) => r.destroy(), 'Status: 500 Internal Server Error\r\n\r\n'],
  ]
  for (const [what, listener, expected] of cases) {
    it(what, async (t) => {
      const peer = await start(t, listener)
      peer.send(request(1, get))
      assert.equal(await stdout(peer), expected)
      // And the connection goes on.
      peer.send(request(3, get))
      assert.equal(await stdout(peer, 3), expected)
    })
  }

  it('to HEAD has no body', async (t) => {
    const peer = await start(t, (_, response) => response.end('hi'))
    peer.send(request(1, { ...get, REQUEST_METHOD: 'HEAD' }))
    // As node:http has it: a length that nobody set is not told without the body.
    assert.equal(await stdout(peer), 'Status: 200 OK\r\n\r\n')
  })

  it('that is destroyed within ends the connection without END_REQUEST', async (t) => {
    const peer = await start(t, async (_, response) => {
      response.write('half')
      await sleep(20)
      response.destroy()
    })
    peer.send(request(1, get))
    assert.match((await peer.expect('STDOUT')).content.toString(), /half$/)
    assert.equal(await peer.next(), undefined)
  })

  it('waits for a gateway that does not read, and drains', async (t) => {
    let writes = 0
    let drains = 0
    const piece = Buffer.alloc(65_536)
    const peer = await start(t, async (_, response) => {
      response.on('drain', () => drains++)
      for (; writes < 400; writes++) {
        if (!response.write(piece)) {
          assert.equal(response.writableNeedDrain, true)
          await new Promise((resolve) => {
            response.once('drain', resolve)
          })
        }
      }
      response.end()
    })
    peer.socket.pause()
    peer.send(request(1, get))
    await sleep(150)
    const before = writes
    await sleep(150)
    assert.ok(before < 400 && writes === before, `${before} ${writes}`)
    peer.socket.resume()
    assert.equal((await stdout(peer)).length, 'Status: 200 OK\r\n\r\n'.length + 400 * piece.length)
    assert.ok(drains > 0)
  })
})

describe('a response that is written faster than it leaves', () => {
  it('drains when more was written in one turn than a stream likes, and the gateway takes it', async (t) => {
    const drains: boolean[] = []
    // What a stream likes differs from one line of Node.js to the next.
    const piece = 'x'.repeat(Math.ceil(getDefaultHighWaterMark(false) * 0.6))
    const peer = await start(t, (_, response) => {
      response.on('drain', () => {
        drains.push(response.writableNeedDrain)
        if (drains.length === 3) response.end('end')
        else writeTwo(response)
      })
      writeTwo(response)
    })
    const writeTwo = (response: ServerResponse): void => {
      assert.deepEqual([response.write(piece), response.write(piece)], [true, false])
    }
    peer.send(request(1, get))
    assert.equal((await stdout(peer)).length, 'Status: 200 OK\r\n\r\n'.length + 6 * piece.length + 3)
    assert.deepEqual(drains, [false, false, false])
  })

  it('has a head of any size, in records of the size that they can have', async (t) => {
    const values = Array.from({ length: 40 }, (_, at) => String(at).padEnd(4000, 'v'))
    const expected = `Status: 200 OK\r\n${values.map((each) => `X: ${each}\r\n`).join('')}`
    for (const body of ['', 'short', 'x'.repeat(100_000)]) {
      const peer = await start(t, (_, response) => {
        response.writeHead(200, { X: values })
        if (body !== '') response.write(body)
        response.end()
      })
      for (const id of [1, 3]) {
        peer.send(request(id, get))
        assert.equal(await stdout(peer, id), `${expected}\r\n${body}`)
      }
    }
  })
})

describe('a request', () => {
  it('has what node:http would have', async (t) => {
    const peer = await start(t, (r, response) => {
      const { method, url, httpVersion, headers, headersDistinct, rawHeaders } = r
      const { remoteAddress, remotePort, remoteFamily, localAddress, localPort } = r.socket
      const { encrypted } = r.socket as { encrypted?: boolean }
      const socket = [remoteAddress, remotePort, remoteFamily, localAddress, localPort, encrypted]
      const seen = { method, url, httpVersion, headers, headersDistinct, rawHeaders, socket }
      response.end(JSON.stringify(seen))
    })
    peer.send(
      request(1, {
        REQUEST_METHOD: 'OPTIONS',
        REQUEST_URI: '*',
        SERVER_PROTOCOL: 'HTTP/2.0',
        HTTP_HOST: 'a',
        HTTP_X_FORWARDED_FOR: '192.0.2.9',
        HTTP_PROXY: 'http://evil/',
        REMOTE_ADDR: '2001:db8::7',
        REMOTE_PORT: '5',
        SERVER_ADDR: '127.0.0.1',
        SERVER_PORT: '443',
        HTTPS: 'on',
      }),
    )
    assert.deepEqual(JSON.parse((await stdout(peer)).split('\r\n\r\n')[1] ?? ''), {
      method: 'OPTIONS',
      url: '*',
      httpVersion: '2.0',
      headers: { host: 'a', 'x-forwarded-for': '192.0.2.9' },
      headersDistinct: { host: ['a'], 'x-forwarded-for': ['192.0.2.9'] },
      rawHeaders: ['Host', 'a', 'X-Forwarded-For', '192.0.2.9'],
      socket: ['2001:db8::7', 5, 'IPv6', '127.0.0.1', 443, true],
    })
  })

  it('without a length says that its body is chunked, when there is one', async (t) => {
    const peer = await start(t, async (r, response) => {
      response.end(`${r.headers['transfer-encoding']} ${await text(r)}`)
    })
    const answers = []
    for (const [at, body] of ['', 'hello'].entries()) {
      const id = at * 2 + 1
      // The end of the parameters alone says nothing of a body.
      peer.send(request(id, post, null))
      await sleep(10)
      peer.send(...(body === '' ? [] : [record('STDIN', id, body)]), record('STDIN', id))
      answers.push((await stdout(peer, id)).split('\r\n\r\n')[1])
    }
    // As nginx sends small requests: all of it arrives at once.
    for (const [id, body] of [
      [5, ''],
      [7, 'hello'],
    ] as const) {
      peer.send(request(id, post, body))
      answers.push((await stdout(peer, id)).split('\r\n\r\n')[1])
    }
    assert.deepEqual(answers, ['undefined ', 'chunked hello', 'undefined ', 'chunked hello'])
  })

  it('is aborted when its body is shorter than its length says', async (t) => {
    const seen: string[] = []
    const peer = await start(t, (given, response) => {
      given.on('error', ({ code }: NodeJS.ErrnoException) => seen.push(`error ${String(code)}`))
      given.on('end', () => seen.push('end'))
      response.on('close', () => seen.push('close'))
      given.resume()
    })
    peer.send(request(1, { ...post, CONTENT_LENGTH: '9' }, 'half'))
    assert.equal(await stdout(peer), 'Status: 400 Bad Request\r\n\r\n')
    assert.deepEqual(seen.sort(), ['close', 'error ECONNRESET'])
    // Whoever does not read it does not miss anything.
    const other = await start(t, (_, response) => response.end('hi'))
    other.send(request(1, { ...post, CONTENT_LENGTH: '9' }, 'half'))
    assert.match(await stdout(other), /^Status: 200 OK\r\n[^]*hi$/)
  })

  it('tells of silence as node:http does', async (t) => {
    const peer = await start(t, (given, response) => {
      if (given.url === '/request') given.setTimeout(20, () => response.end('request'))
      else if (given.url === '/response') response.setTimeout(20, () => response.end('response'))
      else given.socket.setTimeout(20)
    })
    const answers: string[] = []
    for (const [at, url] of ['/request', '/response', '/nobody'].entries()) {
      peer.send(request(at + 1, { ...get, REQUEST_URI: url }))
      answers.push((await stdout(peer, at + 1)).replace(/Content-Length.*\r\n/, ''))
    }
    assert.deepEqual(answers, [
      'Status: 200 OK\r\n\r\nrequest',
      'Status: 200 OK\r\n\r\nresponse',
      'Status: 500 Internal Server Error\r\n\r\n',
    ])
  })

  it('holds the gateway back while nobody reads its body', async (t) => {
    let go: () => void = () => {}
    const going = new Promise<void>((resolve) => {
      go = resolve
    })
    const peer = await start(t, async (r, response) => {
      await going
      response.end(String((await text(r)).length))
    })
    const size = 8_000_000
    peer.send(request(1, { ...post, CONTENT_LENGTH: String(size) }, null))
    for (let left = size; left > 0; left -= 50_000) peer.send(record('STDIN', 1, Buffer.alloc(50_000)))
    peer.send(record('STDIN', 1))
    await sleep(200)
    assert.ok(peer.socket.writableLength > 0, 'not all of it has left')
    go()
    assert.match(await stdout(peer), new RegExp(`\\r\\n\\r\\n${size}$`))
  })

  it('and its response are over with the response, in this order', async (t) => {
    const events: string[] = []
    const peer = await start(t, (r, response) => {
      for (const name of ['end', 'close', 'aborted', 'error'] as const)
        r.on(name, () => events.push(`request ${name}`))
      for (const name of ['finish', 'close'] as const)
        response.on(name, () => events.push(`response ${name}`))
      response.end()
    })
    peer.send(request(1, { ...post, CONTENT_LENGTH: '5' }, 'hello'))
    await stdout(peer)
    await sleep(20)
    assert.deepEqual(events.toSorted(), ['request close', 'request end', 'response close', 'response finish'])
    assert.equal(events[0], 'response finish')
  })

  for (const [how, breakOff] of [
    ['response', (_: IncomingMessage, response: ServerResponse) => response.destroy()],
    ['socket', ({ socket }: IncomingMessage) => socket.destroy()],
    ["socket's writing end", ({ socket }: IncomingMessage) => socket.end()],
  ] as const) {
    for (const begun of [false, true]) {
      it(`whose ${how} the application ends ${begun ? 'behind' : 'before'} the head closes, too`, async (t) => {
        const events: string[] = []
        const peer = await start(t, (r, response) => {
          for (const name of ['aborted', 'close', 'end'] as const) r.on(name, () => events.push(name))
          if (begun) response.write('x')
          setTimeout(() => breakOff(r, response), 10)
        })
        peer.send(request(1, get))
        await until(() => events.includes('close'))
        assert.deepEqual(events, ['aborted', 'close'])
      })

      it(`whose ${how} the application ends ${begun ? 'behind' : 'before'} the head has no whole body`, async (t) => {
        let seen: (what: unknown) => void = () => {}
        const read = new Promise((resolve) => {
          seen = resolve
        })
        const peer = await start(t, (r, response) => {
          text(r).then(seen, (error: NodeJS.ErrnoException) => seen(error.code))
          if (begun) response.write('x')
          setTimeout(() => breakOff(r, response), 10)
        })
        peer.send(request(1, post, null), record('STDIN', 1, 'he'))
        assert.equal(await read, 'ECONNRESET')
      })
    }
  }

  for (const [how, leave] of [
    ['ABORT_REQUEST', (peer: Peer) => peer.send(record('ABORT', 1))],
    ['the end of the connection', (peer: Peer) => peer.socket.destroy()],
  ] as const) {
    it(`that is given up by ${how} closes both, and nothing is thrown`, async (t) => {
      const events: string[] = []
      let over: () => void = () => {}
      const closed = new Promise<void>((resolve) => {
        over = resolve
      })
      const peer = await start(t, (r, response) => {
        r.on('aborted', () => events.push('aborted'))
        r.on('close', () => events.push('request close'))
        response.on('close', () => {
          events.push(`response close ${response.writableFinished}`)
          over()
        })
        response.write('x')
      })
      peer.send(request(1, { ...post, CONTENT_LENGTH: '5' }, null))
      await peer.expect('STDOUT')
      leave(peer)
      await closed
      await sleep(10)
      assert.deepEqual(events.toSorted(), ['aborted', 'request close', 'response close false'])
    })
  }
})

describe('an application', () => {
  it('may be an http.Server that does not listen', async (t) => {
    const peer = await start(
      t,
      createServer((r, response) => response.end(r.url)),
    )
    peer.send(request(1, { ...get, REQUEST_URI: '/x' }))
    assert.match(await stdout(peer), /\/x$/)
  })

  it('may have a fetch, to which an upload that breaks off is an error', async (t) => {
    const seen: unknown[] = []
    const fetch = async (r: Request): Promise<Response> => {
      const body = await r.text().catch((error: Error) => error.name)
      seen.push(body)
      return new Response(body)
    }
    const peer = await start(t, { fetch })
    peer.send(request(1, { ...post, CONTENT_LENGTH: '5' }, 'he'))
    assert.equal(await stdout(peer), 'Status: 400 Bad Request\r\n\r\n')
    peer.send(request(3, { ...post, CONTENT_LENGTH: '5' }, 'hello'))
    assert.match(await stdout(peer, 3), /^Status: 200 OK\r\n[^]*\r\n\r\nhello$/)
    assert.deepEqual(seen, ['FcgiError', 'hello'])
  })

  it('may have a fetch, whose response to HEAD has no body', async (t) => {
    let cancelled = false
    const body = () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(Buffer.from('x')),
        cancel: () => void (cancelled = true),
      })
    const peer = await start(t, { fetch: () => new Response(body(), { headers: { A: 'b' } }) })
    peer.send(request(1, { ...get, REQUEST_METHOD: 'HEAD' }))
    assert.equal(await stdout(peer), 'Status: 200 OK\r\na: b\r\n\r\n')
    assert.ok(cancelled)
  })

  it('may have a fetch', async (t) => {
    let aborted = ''
    const app = {
      name: 'app',
      async fetch(
        this: { name: string },
        r: Request,
        {
          params,
          incoming,
        }: {
          params: ReadonlyMap<string, string>
          incoming: { socket: { remoteAddress: string | undefined } }
        },
      ) {
        r.signal.addEventListener('abort', () => (aborted = 'yes'))
        const { pathname } = new URL(r.url)
        if (pathname === '/hang') return new Promise<Response>(() => {})
        if (pathname === '/throw') throw new Error('x')
        const body = [this.name, r.method, r.url, await r.text(), params.size, incoming.socket.remoteAddress]
        const headers = new Headers({ 'Transfer-Encoding': 'chunked', 'Content-Type': 'text/x' })
        headers.append('Set-Cookie', 'a=1')
        headers.append('Set-Cookie', 'b=2')
        return new Response(JSON.stringify(body), { status: 201, headers })
      },
    }
    const peer = await start(t, app)
    peer.send(
      request(
        1,
        { ...post, REQUEST_URI: '/x?y', HTTP_HOST: 'h:8080', HTTPS: 'on', REMOTE_ADDR: '::1' },
        'body',
      ),
    )
    assert.equal(
      await stdout(peer),
      'Status: 201 Created\r\ncontent-type: text/x\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n' +
        JSON.stringify(['app', 'POST', 'https://h:8080/x?y', 'body', 5, '::1']),
    )
    const statuses = []
    for (const [id, params] of [
      [3, { ...get, REQUEST_URI: '/throw' }],
      [5, { ...get, REQUEST_METHOD: 'TRACE' }],
      [7, { ...get, HTTP_HOST: 'not a host' }],
    ] as const) {
      peer.send(request(id, params))
      statuses.push((await stdout(peer, id)).slice(0, 11))
    }
    assert.deepEqual(statuses, ['Status: 500', 'Status: 501', 'Status: 400'])
    peer.send(request(9, { ...get, REQUEST_URI: '/hang' }))
    await sleep(20)
    peer.send(record('ABORT', 9))
    await peer.until('END', 9)
    assert.equal(aborted, 'yes')
  })

  it('must be one', async () => {
    for (const app of [undefined, null, 'x', {}, { fetch: 1 }]) {
      await assert.rejects(serveFcgi(app as unknown as ServableApp, '127.0.0.1:0'), {
        code: 'ERR_SLUICE_OPTION',
      })
    }
    await assert.rejects(
      serveFcgi(() => {}, 'nowhere'),
      { code: 'ERR_SLUICE_ADDRESS' },
    )
  })

  it('that is given no logger tells on standard error what its listener throws, and where', (t) => {
    const file = join(tempDir(t), 'app.mjs')
    writeFileSync(
      file,
      `import { createFcgiClient, serveFcgi } from ${JSON.stringify(import.meta.resolve('sluice/fcgi'))}
      const server = await serveFcgi(async () => undefined.x, '127.0.0.1:0')
      const client = createFcgiClient({ endpoint: server.endpoint })
      const { status, body } = await client.request({ params: [['REQUEST_METHOD', 'GET']] })
      console.log(status)
      body.resume()
      await client.close()
      await server.close()`,
    )
    const { stdout: printed, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' })
    assert.equal(printed, '500\n')
    assert.match(
      stderr,
      /^\S+ error fcgi: a handler threw err="Cannot read properties of undefined \(reading 'x'\)" at=file:\S+app\.mjs:2:\d+\n$/,
    )
  })
})
