/**
 * What samples see of a body that is there in part, in chunks or not at all: HAProxy, which gets the bytes in one
 * segment and evaluates at once, beside the sample language on a stream that has the same bytes.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { connect, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { compileLogFormat, str } from '#src/sample/index.js'
import type { SampleRequest, SampleResponse, Stream } from '#src/sample/index.js'
import type { Haproxy } from '../support/haproxy.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { compileContext, complaints, readBody, testStream, word } from '../support/sample-stream.ts'
import { parseRequest, parseResponse } from '../support/sample-stream.ts'

const skip = skipWithoutHaproxy()

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
const post = (headers: string, body: string) => `POST /p?q=1 HTTP/1.1\r\nHost: h\r\n${headers}\r\n\r\n${body}`
const answer = (headers: string, body: string) => `HTTP/1.1 200 OK\r\n${headers}\r\n\r\n${body}`

/** Headers and as much of the body as has come. */
const bodies: Readonly<Record<string, readonly [headers: string, body: string]>> = {
  'of a length, all there': ['Content-Length: 11', 'a=1&b=2&a=3'],
  'of a length, a part': ['Content-Length: 11', 'a=1&b'],
  'of a length, none yet': ['Content-Length: 11', ''],
  empty: ['Content-Length: 0', ''],
  'in chunks, all there': ['Transfer-Encoding: chunked', '4\r\na=1&\r\n7;x=y\r\nb=2&a=3\r\n0\r\n\r\n'],
  'in chunks, with trailers': ['Transfer-Encoding: chunked', '3\r\na=1\r\n0\r\nX-T: t\r\n\r\n'],
  'in chunks, the last open': ['Transfer-Encoding: chunked', '4\r\na=1&\r\n'],
  'in chunks, one cut': ['Transfer-Encoding: chunked', '4\r\na=1&\r\n20\r\nb=2'],
  'in chunks, none yet': ['Transfer-Encoding: chunked', ''],
  'of any bytes': ['Content-Length: 6', '\0\r\n\xff%='],
}

const ofRequest = [
  'req.body,hex',
  'req.body_len',
  'req.body_size',
  'req.body_param(a),hex',
  'req.body_param(b),hex',
  'req.body_param(),hex',
  'req.len',
  'req.payload(0,0),hex',
]
const ofResponse = ['res.body,hex', 'res.body_len', 'res.body_size', 'res.len', 'res.payload(0,0),hex']

const sets = (kind: string, list: readonly string[]): string =>
  list.map((each, at) => `  http-${kind} set-var-fmt(txn.v${at}) %[${each}]`).join('\n')

const page = (list: readonly string[]): string =>
  list.map((each, at) => `${each}=%[var(txn.v${at})]\n`).join('')

let haproxy: Haproxy<'req' | 'res' | 'origin'>
let answered = ''

const origin = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.write(answered, 'latin1'))
})

before(async () => {
  if (skip !== false) return
  haproxy = await startHaproxy({
    ports: ['req', 'res', 'origin'],
    foreign: ['origin'],
    files: { 'req.lf': page(ofRequest), 'res.lf': page(ofResponse) },
    config: (ports) => `
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend req
  bind 127.0.0.1:${ports.req}
${sets('request', ofRequest)}
  http-request return status 200 content-type text/plain lf-file req.lf
listen res
  bind 127.0.0.1:${ports.res}
  server s1 127.0.0.1:${ports.origin}
${sets('response', ofResponse)}
  http-response return status 200 content-type text/plain lf-file res.lf
`,
  })
  await new Promise<void>((resolve) => origin.listen(haproxy.ports.origin, '127.0.0.1', resolve))
})

after(async () => {
  origin.close()
  await haproxy?.stop()
})

/** Sends all in one segment, and returns the page that comes back. */
function ask(port: number, raw: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(raw, 'latin1'))
    let text = ''
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`no page: ${text}`)))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN)
      if (end < 0 || !(text.length >= end + 4 + length)) return
      resolve(
        text
          .slice(end + 4)
          .split('\n')
          .slice(0, -1),
      )
      socket.destroy()
    })
  })
}

function evaluate(list: readonly string[], stream: Stream): string[] {
  const checkpoint = stream.direction === 'request' ? 'http-request' : 'http-response'
  const context = compileContext({ checkpoint })
  const values = list.map((each) => compileLogFormat(word(`%[${each}]`), context, 'plain')?.format(stream))
  assert.deepEqual(complaints(context), [])
  for (const [at, value] of values.entries()) stream.variables('txn')?.set(`v${at}`, str(value ?? 'BROKEN'))
  return list.map((each, at) => `${each}=${values[at]}`)
}

/** HAProxy counts the end of chunks and trailers as well: `req.len` and `res.len` of HTTP mode are compared without them. */
function compare(
  ours: readonly string[],
  theirs: readonly string[],
  body: (typeof bodies)[string] | undefined,
): void {
  const ended = body?.[1].includes('\r\n0\r\n') === true
  const comparable = (lines: readonly string[]) =>
    lines.filter((line) => !ended || !/^re[qs]\.len=/.test(line))
  assert.deepEqual(comparable(ours), comparable(theirs))
}

const cases: Readonly<Record<string, (typeof bodies)[string] | undefined>> = { ...bodies, absent: undefined }

for (const [name, body] of Object.entries(cases)) {
  test(`the body of a request: ${name}`, { skip }, async () => {
    const raw = body === undefined ? get : post(...body)
    const request: SampleRequest = { ...parseRequest(raw), ...readBody(raw) }
    compare(evaluate(ofRequest, testStream({ request })), await ask(haproxy.ports.req, raw), body)
  })

  test(`the body of a response: ${name}`, { skip }, async () => {
    answered = body === undefined ? 'HTTP/1.1 204 No Content\r\n\r\n' : answer(...body)
    const response: SampleResponse = { ...parseResponse(answered), ...readBody(answered) }
    const stream = testStream({ direction: 'response', request: parseRequest(get), response })
    compare(evaluate(ofResponse, stream), await ask(haproxy.ports.res, get), body)
  })
}
