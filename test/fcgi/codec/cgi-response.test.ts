import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CgiResponseDecoder, FcgiError } from 'sluice/fcgi'
import type { CgiHead } from 'sluice/fcgi'

interface Result {
  readonly informational: number[]
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly headers: [string, string][]
  readonly contentLength: number | undefined
  readonly body: string
  readonly error: string | undefined
}

const limits = { maxHeadSize: 300, maxHeaders: 5 }

function decode(chunks: readonly Buffer[], method = 'GET', finish = true): Result {
  const decoder = new CgiResponseDecoder(method, limits)
  const informational: number[] = []
  const heads: CgiHead[] = []
  let body = ''
  let error: string | undefined
  try {
    for (const chunk of chunks) {
      decoder.push(chunk, {
        onInformational: (head) => informational.push(head.status),
        onHead: (head) => heads.push(head),
        onBody: (piece) => {
          body += piece.toString('latin1')
        },
      })
    }
    if (finish) decoder.finish()
  } catch (thrown) {
    if (!(thrown instanceof FcgiError)) throw thrown
    error = thrown.code
  }
  const head = heads[0]
  assert.ok(heads.length <= 1)
  return {
    informational,
    status: head?.status,
    reason: head?.reason,
    headers: head === undefined ? [] : [...head.headers],
    contentLength: head?.contentLength,
    body,
    error,
  }
}

/** The result, which must be the same at every cut and byte by byte. */
function decodeText(text: string, method?: string): Result {
  const bytes = Buffer.from(text, 'latin1')
  const whole = decode([bytes], method)
  for (let at = 1; at < bytes.length; at++) {
    assert.deepEqual(decode([bytes.subarray(0, at), bytes.subarray(at)], method), whole, `cut at ${at}`)
  }
  assert.deepEqual(
    decode(
      [...bytes].map((byte) => Buffer.of(byte)),
      method,
    ),
    whole,
    'byte by byte',
  )
  return whole
}

describe('head', () => {
  const rows: [name: string, text: string, status: number, reason: string, body: string][] = [
    ['Status with a reason', 'Status: 404 Nothing Here\r\nA: b\r\n\r\nbody', 404, 'Nothing Here', 'body'],
    ['Status with a reason close behind it', 'Status: 404.1-No\r\n\r\n', 404, '.1-No', ''],
    ['Status without one', 'Status: 404\r\n\r\nbody', 404, 'Not Found', 'body'],
    ['lines that end with LF', 'Status: 201 Made\nA: b\n\nbody', 201, 'Made', 'body'],
    ['both line ends', 'A: b\r\nC: d\n\r\nbody', 200, 'OK', 'body'],
    ['neither Status nor Location', 'Content-Type: text/plain\r\n\r\nbody', 200, 'OK', 'body'],
    ['Location alone', 'Location: http://a/\r\n\r\n', 302, 'Found', ''],
    ['Location before Status', 'Location: /x\r\nStatus: 301 Moved\r\n\r\n', 301, 'Moved', ''],
    ['Status before Location', 'status: 201\r\nLocation: /x\r\n\r\n', 201, 'Created', ''],
    ['the same Status twice', 'Status: 404\r\nStatus: 404\r\n\r\n', 404, 'Not Found', ''],
    ['a status that nobody knows', 'Status: 299\r\n\r\n', 299, 'Other', ''],
    ['an empty block, CR LF', '\r\nbody', 200, 'OK', 'body'],
    ['an empty block, LF', '\nbody', 200, 'OK', 'body'],
    ['a body that looks like headers', '\n\nA: b\n\n', 200, 'OK', '\nA: b\n\n'],
  ]
  for (const [name, text, status, reason, body] of rows) {
    it(name, () => {
      const result = decodeText(text)
      assert.deepEqual(
        [result.error, result.status, result.reason, result.body],
        [undefined, status, reason, body],
      )
    })
  }

  it('keeps headers as they are, but for those of the connection', () => {
    const { headers } = decodeText(
      'X-A: 1\r\nConnection: close\r\nKeep-Alive: 5\r\nSet-Cookie: a\r\nSet-Cookie: \xe9\r\n\r\n',
    )
    assert.deepEqual(headers, [
      ['X-A', '1'],
      ['Set-Cookie', 'a'],
      ['Set-Cookie', '\xe9'],
    ])
  })

  it('passes statuses that only the application knows', () => {
    for (const status of [600, 999]) assert.equal(decodeText(`Status: ${status}\r\n\r\n`).status, status)
  })

  for (const [name, text, code] of [
    ['no number', 'Status: abc\r\n\r\n', 'ERR_FCGI_STATUS'],
    ['four digits', 'Status: 1000 Big\r\n\r\n', 'ERR_FCGI_STATUS'],
    ['two digits', 'Status: 99\r\n\r\n', 'ERR_FCGI_STATUS'],
    ['zero', 'Status: 000\r\n\r\n', 'ERR_FCGI_STATUS'],
    ['nothing', 'Status:\r\n\r\n', 'ERR_FCGI_STATUS'],
    ['two different ones', 'Status: 200\r\nStatus: 404\r\n\r\n', 'ERR_FCGI_STATUS'],
    ['101', 'Status: 101 Switching\r\n\r\n', 'ERR_FCGI_STATUS'],
  ] as const) {
    it(`refuses a Status of ${name}`, () => assert.equal(decodeText(text).error, code))
  }

  for (const [name, text, code] of [
    ['a status line', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n', 'ERR_FCGI_NPH'],
    ['a line without a colon', 'what is this\r\n\r\n', 'ERR_FCGI_HEADERS'],
    ['a space before the colon', 'A : b\r\n\r\n', 'ERR_FCGI_HEADERS'],
    ['a folded line', 'A: b\r\n c\r\n\r\n', 'ERR_FCGI_HEADERS'],
    ['a NUL', 'A: b\0c\r\n\r\n', 'ERR_FCGI_HEADERS'],
    ['a bare CR', 'A: b\rSet-Cookie: c\r\n\r\n', 'ERR_FCGI_HEADERS'],
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nx', 'ERR_FCGI_HEADERS'],
    ['a length that is none', 'Content-Length: -1\r\n\r\nx', 'ERR_FCGI_HEADERS'],
    ['a coding that is not chunked', 'Transfer-Encoding: gzip\r\n\r\nx', 'ERR_FCGI_HEADERS'],
    [
      'a length and a coding',
      'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
      'ERR_FCGI_HEADERS',
    ],
    ['too many fields', 'A: 1\nB: 2\nC: 3\nD: 4\nE: 5\nF: 6\n\n', 'ERR_FCGI_HEADERS_LIMIT'],
    ['too many bytes', `A: ${'x'.repeat(400)}\r\n\r\n`, 'ERR_FCGI_HEADERS_LIMIT'],
    ['nothing at all', '', 'ERR_FCGI_EMPTY_RESPONSE'],
    ['an end within a line', 'Content-Ty', 'ERR_FCGI_TRUNCATED_RESPONSE'],
    ['an end before the blank line', 'Status: 200 OK\r\n', 'ERR_FCGI_TRUNCATED_RESPONSE'],
  ] as const) {
    it(`refuses ${name}`, () => assert.equal(decodeText(text).error, code))
  }

  it('holds no more of an endless head than the limit', () => {
    const decoder = new CgiResponseDecoder('GET', limits)
    const sink = { onInformational() {}, onHead() {}, onBody() {} }
    decoder.push(Buffer.from('A: '), sink)
    assert.throws(() => decoder.push(Buffer.alloc(65_535, 'x'), sink), { code: 'ERR_FCGI_HEADERS_LIMIT' })
  })
})

describe('1xx', () => {
  it('goes on until the real head comes', () => {
    const result = decodeText(
      'Status: 100\r\nContent-Length: 5\r\n\r\nStatus: 103 Early Hints\r\nLink: </a>\r\n\r\nA: b\r\n\r\nbody',
    )
    assert.deepEqual([result.informational, result.status, result.body], [[100, 103], 200, 'body'])
  })

  it('does not go on for ever', () => {
    assert.equal(decodeText('Status: 100\n\n'.repeat(20)).error, 'ERR_FCGI_HEADERS_LIMIT')
  })

  it('is no response', () => {
    assert.equal(decodeText('Status: 100\n\n').error, 'ERR_FCGI_TRUNCATED_RESPONSE')
  })
})

describe('body', () => {
  it('is as long as Content-Length', () => {
    const right = decodeText('Content-Length: 4\r\n\r\nbody')
    assert.deepEqual([right.error, right.contentLength, right.body], [undefined, 4, 'body'])
    assert.equal(decodeText('Content-Length: 5\r\n\r\nbody').error, 'ERR_FCGI_RESPONSE_LENGTH')
    const long = decodeText('Content-Length: 3\r\n\r\nbody')
    assert.deepEqual([long.error, long.body], ['ERR_FCGI_RESPONSE_LENGTH', 'bod'])
    assert.equal(decodeText('Content-Length: 0\r\n\r\nx').error, 'ERR_FCGI_RESPONSE_LENGTH')
  })

  it('is given one length when two equal ones came', () => {
    const { headers, contentLength } = decodeText('Content-Length: 1\nContent-Length: 1\n\nx')
    assert.deepEqual([headers, contentLength], [[['Content-Length', '1']], 1])
    const list = decodeText('Content-Length: 1, 1,1\n\nx')
    assert.deepEqual([list.headers, list.contentLength], [[['Content-Length', '1']], 1])
    assert.equal(decodeText('Content-Length: 1, 2\n\nx').error, 'ERR_FCGI_HEADERS')
  })

  it('has no control characters in its headers', () => {
    const { headers } = decodeText('A: b\x01c\x7f\x1bd\te\x02\nB: \xff\x01\n\nx')
    assert.deepEqual(headers, [
      ['A', 'b c  d\te'],
      ['B', '\xff'],
    ])
    for (const text of ['A: b\x01\0\n\n', 'A\x01: b\n\n', 'A: b\x01\rc\n\n'])
      assert.equal(decodeText(text).error, 'ERR_FCGI_HEADERS')
  })

  it('is decoded when the application chunks it', () => {
    const text = 'Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n3\r\nxyz\r\n0\r\n\r\n'
    const result = decodeText(text)
    assert.deepEqual([result.error, result.headers, result.body], [undefined, [], 'bodyxyz'])
    assert.equal(decodeText(text.slice(0, -3)).error, 'ERR_FCGI_RESPONSE_LENGTH')
    assert.equal(decodeText(`${text}x`).error, 'ERR_FCGI_RESPONSE_LENGTH')
    assert.equal(decodeText('Transfer-Encoding: chunked\r\n\r\nzz\r\n').error, 'ERR_FCGI_RESPONSE_BODY')
  })

  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    it(`is discarded after ${method} ${status}`, () => {
      const text = `Status: ${status}\r\nContent-Length: 3\r\n\r\nunwanted`
      const result = decodeText(text, method)
      assert.deepEqual([result.error, result.status, result.body], [undefined, status, ''])
      assert.equal(result.contentLength, undefined)
      assert.equal(result.headers.length, status === 204 ? 0 : 1)
    })
  }
})

describe('properties', () => {
  it('any bytes are a response or an error with a code, the same at any cutting', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'Status: 200',
        'Status: 100',
        'Location: /',
        'A: b',
        'Content-Length: 3',
        '',
        'HTTP/1.1 200',
      ),
      fc.string({ maxLength: 8 }),
    )
    const text = fc
      .tuple(fc.array(fc.tuple(line, fc.constantFrom('\r\n', '\n', '\r')), { maxLength: 8 }), fc.string())
      .map(([lines, body]) => lines.map((pair) => pair.join('')).join('') + body)
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 20 }), (input, sizes) => {
        const bytes = Buffer.from(input, 'latin1')
        const chunks: Buffer[] = []
        let at = 0
        for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)))
        chunks.push(bytes.subarray(at))
        assert.deepEqual(decode(chunks), decode([bytes]))
      }),
      { numRuns: 500 },
    )
  })
})
