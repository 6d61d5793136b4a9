/**
 * Node's own parser as the witness: every request that we take must be one that node:http takes, and it must see the
 * same method, target, headers, body, and the same request behind it. The other way round is not asked for: we are
 * stricter.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { Http1Error } from '#src/http1/index.js'
import { bytes, read } from './support.js'
import { badRequests, goodRequests } from './vectors.js'

interface Seen {
  method: string | undefined
  url: string | undefined
  headers: string[]
  body: string
}

/** Sent behind each request: when it is seen as it is, the two readers agree where the first one ends. */
const sentinel = 'GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n'

let server: Server
let seen: Seen[] = []
let failed = false

before(async () => {
  server = createServer({ maxHeaderSize: 65_536, keepAliveTimeout: 1000 }, (request, response) => {
    const body: Buffer[] = []
    request.on('data', (chunk: Buffer) => body.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const { method, url, rawHeaders } = request
      seen.push({ method, url, headers: rawHeaders, body: Buffer.concat(body).toString('latin1') })
      response.end()
    })
  })
  server.on('clientError', (_error, socket) => {
    failed = true
    socket.destroy()
  })
  server.on('connect', (request, socket) => {
    seen.push({ method: request.method, url: request.url, headers: request.rawHeaders, body: '' })
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

after(() => server.close())

async function ask(raw: string): Promise<{ seen: Seen[]; failed: boolean }> {
  seen = []
  failed = false
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.end(bytes(raw))
  await once(socket, 'close')
  return { seen, failed }
}

/** Methods that llhttp knows; it refuses all others, which we pass on. */
const known = new Set(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'])

async function agree(raw: string): Promise<boolean> {
  const ours = read([bytes(raw + sentinel)])
  if (ours === undefined || ours instanceof Http1Error || !known.has(ours.start[0] ?? '')) return false
  // A connection that says close, or HTTP/1.0, ends with the first request.
  const theirs = await ask(raw + sentinel)
  const first = theirs.seen[0]
  assert.ok(first !== undefined, `node refuses ${JSON.stringify(raw)}`)
  const flat = ours.headers.flat()
  assert.deepEqual(
    { method: first.method, url: first.url, headers: first.headers, body: first.body },
    { method: ours.start[0], url: ours.start[1], headers: flat, body: ours.body },
    JSON.stringify(raw),
  )
  const second = theirs.seen[1]
  if (second !== undefined && ours.leftover === sentinel) assert.equal(second.url, '/sentinel')
  return true
}

describe('node:http agrees with us', () => {
  for (const vector of goodRequests) {
    it(vector.name, async () => {
      await agree(vector.raw)
    })
  }

  it('takes none of the requests that we refuse for their framing as two requests', async () => {
    for (const vector of badRequests) {
      if (!/CONTENT_LENGTH|TRANSFER|FRAMING/.test(vector.code)) continue
      const theirs = await ask(vector.raw + sentinel)
      const ours = read([bytes(vector.raw + sentinel)])
      assert.ok(ours instanceof Http1Error, `${vector.name}; node: ${JSON.stringify(theirs)}`)
    }
  })

  it('for requests put together from good and bad pieces', async () => {
    const piece = fc.constantFrom(
      'GET',
      'POST',
      ' ',
      '/',
      '/a?b',
      '*',
      'http://a/',
      'HTTP/1.1',
      'HTTP/1.0',
      '\r\n',
      '\r\n\r\n',
      '\n',
      '\r',
      '\t',
      '\0',
      '\x0b',
      ':',
      ',',
      ';',
      'Host: a\r\n',
      'Content-Length: 3\r\n',
      'Content-Length: 0\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Transfer-Encoding: gzip\r\n',
      'Connection: close\r\n',
      'X-A: b\r\n',
      '3\r\nabc\r\n',
      '0\r\n',
      '0\r\n\r\n',
      'abc',
      '\xff',
    )
    const whole = fc
      .tuple(
        fc.constantFrom(
          'GET / HTTP/1.1\r\nHost: a\r\n',
          'POST / HTTP/1.1\r\nHost: a\r\n',
          'POST / HTTP/1.0\r\n',
          '',
        ),
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom('\r\n', '\r\nabc', '\r\n3\r\nabc\r\n0\r\n\r\n', ''),
      )
      .map(([start, middle, end]) => start + middle.join('') + end)
    await fc.assert(
      fc.asyncProperty(whole, async (raw) => void (await agree(raw))),
      { numRuns: 400 },
    )
  })

  it('for good requests with one byte changed', async () => {
    const changed = fc
      .tuple(
        fc.constantFrom(...goodRequests.map((each) => each.raw)),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom('replace', 'insert', 'remove'),
      )
      .map(([raw, where, byte, how]) => {
        const at = where % raw.length
        const between = how === 'remove' ? '' : String.fromCharCode(byte)
        return raw.slice(0, at) + between + raw.slice(how === 'insert' ? at : at + 1)
      })
    await fc.assert(
      fc.asyncProperty(changed, async (raw) => void (await agree(raw))),
      { numRuns: 600 },
    )
  })
})
