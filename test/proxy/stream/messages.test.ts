/** What samples, captures and the byte counters of the log make of a message: pure parts, by their values. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Framing, HeaderList } from '#src/http1/index.js'
import type { RequestHead, ResponseHead } from '#src/http1/index.js'
import { BodyBuffer } from '#src/proxy/stream/body-buffer.js'
import { captureHeaders } from '#src/proxy/stream/captured.js'
import { endSize, requestSize, responseSize } from '#src/proxy/stream/htx-size.js'
import { RequestView, ResponseView } from '#src/proxy/stream/message-view.js'
import { replyHead } from '#src/proxy/stream/reply.js'

const headers = HeaderList.from([
  ['Host', 'a'],
  ['X-A', 'first'],
  ['x-a', 'second'],
])

describe('what HAProxy counts for a message', () => {
  it('is its start line, its fields and their ends', () => {
    const none = new HeaderList()
    // 20 and HTTP/1.1, the words of the line, one for the end of the fields.
    assert.equal(requestSize('GET', '/ab', none), 20 + 8 + 3 + 3 + 1)
    assert.equal(responseSize('OK', none), 20 + 8 + 3 + 2 + 1)
    assert.equal(requestSize('GET', '/ab', headers), requestSize('GET', '/ab', none) + 5 + 8 + 9)
    assert.equal(responseSize('OK', headers), responseSize('OK', none) + 5 + 8 + 9)
  })

  it('is one more for the end of chunks, or the trailers', () => {
    assert.equal(endSize(10, undefined), 0)
    assert.equal(endSize(Framing.UntilClose, undefined), 0)
    assert.equal(endSize(Framing.Chunked, undefined), 1)
    assert.equal(endSize(Framing.Chunked, HeaderList.from([['ab', 'cde']])), 6)
  })
})

describe('the headers that slots capture', () => {
  const slot = (name: string | undefined, length: number) =>
    ({ header: name === undefined ? undefined : { text: name }, length }) as never // all that is looked at

  it('are the last of their name, cut to the length of the slot', () => {
    assert.deepEqual(captureHeaders([slot('HOST', 5), slot('X-a', 3), slot('other', 9)], headers), [
      'a',
      'sec',
      undefined,
    ])
  })

  it('leave a slot empty that waits for a sample', () => {
    assert.deepEqual(captureHeaders([slot(undefined, 9), slot('host', 9)], headers), [undefined, 'a'])
    assert.deepEqual(captureHeaders([], headers), [])
  })
})

describe('a message, as samples see it', () => {
  const request = (more: Partial<RequestHead>): RequestHead =>
    ({ method: 'GET', target: '/x', minor: 1, headers, framing: 0, ...more }) as RequestHead
  const response = (more: Partial<ResponseHead>): ResponseHead => ({
    status: 204,
    reason: 'Gone',
    minor: 1,
    headers,
    framing: 0,
    connection: 0,
    upgrade: undefined,
    ...more,
  })
  const none = { bytes: undefined, left: 7 }
  const some = { bytes: Buffer.from('abc'), left: 7 }

  it('is what its head says', () => {
    const seen = new RequestView(request({}), none)
    assert.deepEqual([seen.method, seen.target, seen.version], ['GET', '/x', '1.1'])
    assert.deepEqual(Array.from(seen.headers), Array.from(headers.pairs))
    assert.equal(new RequestView(request({ minor: 0 }), none).version, '1.0')
    const answer = new ResponseView(response({}), 0, none)
    assert.deepEqual([answer.status, answer.reason, answer.version], [204, 'Gone', '1.1'])
    assert.deepEqual(Array.from(answer.headers), Array.from(headers.pairs))
    assert.equal(new ResponseView(response({ minor: 0 }), 0, none).version, '1.0')
  })

  it('has the body that is there, and the size that is announced: of chunks those that have begun', () => {
    const sizes: readonly (readonly [Framing, typeof none | typeof some, number | undefined])[] = [
      [0, none, 0],
      [5, none, 5],
      [5, some, 5],
      [Framing.Chunked, none, 7],
      [Framing.Chunked, some, 10],
      [Framing.UntilClose, some, undefined],
    ]
    for (const [framing, body, size] of sizes) {
      const seen = new RequestView(request({ framing }), body)
      assert.equal(seen.bodySize, size)
      assert.equal(seen.body, body.bytes)
      // The framing of a response is not its head's to say: HEAD, 304.
      const answer = new ResponseView(response({ framing: 99 }), framing, body)
      assert.equal(answer.bodySize, size)
      assert.equal(answer.body, body.bytes)
    }
  })

  it('has no body as long as no byte of it came', () => {
    const buffer = new BodyBuffer()
    assert.equal(buffer.bytes, undefined)
    buffer.add([])
    assert.equal(buffer.bytes, undefined)
    buffer.add([Buffer.from('ab'), Buffer.from('c')])
    buffer.add([Buffer.from('d')])
    assert.equal(buffer.size, 4)
    assert.equal(String(buffer.bytes), 'abcd')
  })

  it('of the proxy’s own is HTTP/1.1, with the length of its body', () => {
    const body = Buffer.from('abc')
    assert.deepEqual(replyHead({ status: 200, reason: 'OK', headers, body, close: true }), {
      status: 200,
      reason: 'OK',
      minor: 1,
      headers,
      framing: 3,
      connection: 0,
      upgrade: undefined,
    })
  })
})
