import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { mayBecomeRequest } from '#src/http1/index.js'

const requests = [
  'GET / HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-A: \xe9 b\r\n\r\n',
  '\r\n\r\nM-SEARCH * HTTP/1.0\r\n\r\n',
  'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n',
]

test('every beginning of a request may become one', () => {
  for (const request of requests)
    for (let length = 0; length < request.length; length++) {
      const begun = request.slice(0, length)
      assert.equal(mayBecomeRequest(Buffer.from(begun, 'latin1')), true, JSON.stringify(begun))
    }
})

test('what no byte could repair is seen at once', () => {
  const never = [
    '\x16\x03\x01',
    '(',
    ' ',
    '\n',
    'GET\r',
    'GET\t',
    'GET  ',
    'GET /#',
    'GET /\r\n',
    'GET / h',
    'GET / HTTP/2',
    'GET / HTTP/1.2',
    'GET / HTTP/1.1 ',
    'GET / HTTP/1.1\n',
    'GET / HTTP/1.1\rX',
    'GET / HTTP/1.1\r\n ',
    'GET / HTTP/1.1\r\n:',
    'GET / HTTP/1.1\r\nA B',
    'GET / HTTP/1.1\r\nA\r\nB: c',
    'GET / HTTP/1.1\r\nA: b\0',
    'GET / HTTP/1.1\r\nA: b\rc',
    'GET / HTTP/1.1\r\nA: b\r\nB c: d',
  ]
  for (const text of never)
    for (const rest of ['', 'x'])
      assert.equal(mayBecomeRequest(Buffer.from(text + rest, 'latin1')), false, JSON.stringify(text + rest))
})
