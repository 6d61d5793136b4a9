import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  BodyDecoder,
  connectionNames,
  ConnectionOption,
  formatChunkSize,
  formatLastChunk,
  encodeHead,
  formatRequestHead,
  formatResponseHead,
  Framing,
  HeadBuffer,
  HeaderList,
  Http1Error,
  http1Faults,
  isHeaderValue,
  isHost,
  isPersistent,
  isToken,
  originForm,
  parseConnection,
  parseHeaderBlock,
  parseRequestHead,
  parseResponseHead,
  reasonPhrase,
  responseFraming,
  targetAuthority,
} from '#src/http1/index.js'
import type { RequestHead } from '#src/http1/index.js'
import { bytes } from './support.js'

function keysOf({ fields }: HeaderList): string[] {
  return fields.map(({ key }) => key)
}

function request(...lines: string[]): RequestHead {
  const raw = bytes(`${lines.join('\r\n')}\r\n\r\n`)
  return parseRequestHead(raw, 0, raw.length)
}

describe('HeaderList', () => {
  it('keeps names as received and finds them in lower case', () => {
    const list = HeaderList.from([
      ['Host', 'a'],
      ['Cookie', '1'],
      ['COOKIE', '2'],
      ['X', '3'],
    ])
    assert.equal(list.length, 4)
    assert.equal(list.get('cookie'), '1')
    assert.deepEqual(list.all('cookie'), ['1', '2'])
    assert.equal(list.get('y'), undefined)
    assert.equal(list.has('x'), true)
    assert.equal(list.delete('cookie'), 2)
    assert.equal(list.delete('cookie'), 0)
    assert.deepEqual(
      [...list],
      [
        ['Host', 'a'],
        ['X', '3'],
      ],
    )
    list.set('host', 'b')
    assert.deepEqual(
      [...list],
      [
        ['X', '3'],
        ['host', 'b'],
      ],
    )
  })

  it('keeps names that look like properties of objects apart', () => {
    const list = HeaderList.from([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
    assert.equal(list.get('__proto__'), 'a')
    assert.equal(list.get('constructor'), 'b')
    assert.equal(list.get('tostring'), undefined)
  })

  it('clones', () => {
    const list = HeaderList.from([['A', '1']])
    const copy = list.clone()
    copy.add('B', '2')
    assert.equal(list.length, 1)
    assert.deepEqual(keysOf(copy), ['a', 'b'])
    assert.deepEqual(copy.fields.length, 2)
  })
})

describe('parseHeaderBlock', () => {
  it('takes lines that end with LF when asked to', () => {
    const block = bytes('Status: 404 Not Found\nX: 1\r\n\nbody')
    assert.throws(() => parseHeaderBlock(block, 0, block.length - 4), { code: 'ERR_HTTP1_LINE_END' })
    const list = parseHeaderBlock(block, 0, block.length - 4, { bareLf: true })
    assert.deepEqual(
      [...list],
      [
        ['Status', '404 Not Found'],
        ['X', '1'],
      ],
    )
  })

  it('reads a block whose blank line is missing', () => {
    assert.deepEqual([...parseHeaderBlock(bytes('A: 1\r\n'))], [['A', '1']])
    assert.throws(() => parseHeaderBlock(bytes('A: 1')), { code: 'ERR_HTTP1_LINE_END' })
  })

  it('counts header fields', () => {
    assert.throws(() => parseHeaderBlock(bytes('A: 1\r\nB: 2\r\n'), 0, 12, { maxHeaders: 1 }), {
      code: 'ERR_HTTP1_TOO_MANY_HEADERS',
    })
  })

  it('tells names apart that fall on the same place of the cache', () => {
    // Many more names than the cache has places.
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 5000; index++) {
        const name = `X-${index.toString(36)}`
        assert.deepEqual([...parseHeaderBlock(bytes(`${name}: v\r\n`))], [[name, 'v']])
      }
    }
  })
})

describe('HeadBuffer', () => {
  const buffer = (raw: string, bareLf = false, maxHeadSize = 100): HeadBuffer => {
    const made = new HeadBuffer({ maxHeadSize, bareLf })
    made.push(bytes(raw), 0)
    return made
  }

  it('finds the end of a head whose lines end with LF', () => {
    for (const raw of ['A: 1\n\nrest', 'A: 1\r\n\r\nrest', 'A: 1\n\r\nrest', '\n\r\nA: 1\r\n\nrest']) {
      const made = new HeadBuffer({ maxHeadSize: 100, bareLf: true })
      assert.equal(made.push(bytes(raw), 0), raw.indexOf('rest'))
      assert.deepEqual(
        [...parseHeaderBlock(made.bytes, made.start, made.end, { bareLf: true })],
        [['A', '1']],
      )
    }
  })

  it('does not copy a head that is whole within a chunk', () => {
    const chunk = bytes('xxA: 1\r\n\r\nmore')
    const made = new HeadBuffer({ maxHeadSize: 100 })
    assert.equal(made.push(chunk, 2), 10)
    assert.equal(made.bytes, chunk)
    assert.equal(made.start, 2)
    assert.equal(made.pending, 0)
  })

  it('shows what it holds of a head that is not complete', () => {
    assert.equal(buffer('GET / HT').partial.toString(), 'GET / HT')
    assert.equal(buffer('\r\n\r\n').pending, 0)
  })

  it('never holds more than the limit', () => {
    assert.throws(() => buffer('a'.repeat(101)), { code: 'ERR_HTTP1_HEAD_TOO_LARGE' })
    const made = buffer('a'.repeat(100))
    assert.equal(made.pending, 100)
    assert.throws(() => made.push(bytes('b'), 0), { code: 'ERR_HTTP1_HEAD_TOO_LARGE' })
  })

  it('takes a head of exactly the limit', () => {
    const raw = `${'a'.repeat(96)}\r\n\r\n`
    assert.equal(new HeadBuffer({ maxHeadSize: 100 }).push(bytes(raw), 0), 100)
    const made = new HeadBuffer({ maxHeadSize: 100 })
    assert.equal(made.push(bytes(raw.slice(0, 50)), 0), -1)
    assert.equal(made.push(bytes(`${raw.slice(50)}rest`), 0), 50)
  })
})

describe('what a request says about its connection', () => {
  it('is persistent as the version and Connection say', () => {
    assert.equal(isPersistent(1, 0), true)
    assert.equal(isPersistent(0, 0), false)
    assert.equal(isPersistent(0, parseConnection('Keep-Alive')), true)
    assert.equal(isPersistent(1, parseConnection('Close')), false)
    assert.equal(isPersistent(1, parseConnection('keep-alive, close')), false)
  })

  it('knows the tokens of Connection', () => {
    assert.equal(parseConnection(' Upgrade ,\tx'), ConnectionOption.Upgrade | ConnectionOption.Other)
    assert.equal(parseConnection('closed, xclose'), ConnectionOption.Other)
    assert.equal(parseConnection(', ,'), 0)
    const list = HeaderList.from([
      ['Connection', 'close, X-A'],
      ['connection', 'TE'],
    ])
    assert.deepEqual(connectionNames(list), ['x-a', 'te'])
  })

  it('sees Expect and Upgrade in HTTP/1.1 only', () => {
    const upgrade = ['Host: a', 'Connection: upgrade', 'Upgrade: websocket', 'Expect: 100-Continue']
    const head = request('GET / HTTP/1.1', ...upgrade)
    assert.equal(head.upgrade, 'websocket')
    assert.equal(head.expectsContinue, true)
    const old = request('GET / HTTP/1.0', ...upgrade)
    assert.equal(old.upgrade, undefined)
    assert.equal(old.expectsContinue, false)
    assert.equal(request('GET / HTTP/1.1', 'Host: a', 'Upgrade: h2c').upgrade, undefined)
  })
})

describe('targets', () => {
  it('come in four forms', () => {
    assert.equal(request('GET /x HTTP/1.1', 'Host: a').form, 'origin')
    assert.equal(request('GET http://a/x HTTP/1.1', 'Host: a').form, 'absolute')
    assert.equal(request('CONNECT a:1 HTTP/1.1', 'Host: a:1').form, 'authority')
    assert.equal(request('OPTIONS * HTTP/1.1', 'Host: a').form, 'asterisk')
  })

  it('give path and authority', () => {
    assert.equal(originForm('http://a:80/x?y'), '/x?y')
    assert.equal(originForm('http://a?y'), '/?y')
    assert.equal(originForm('/x'), '/x')
    assert.equal(targetAuthority('http://a:80/x'), 'a:80')
    assert.equal(targetAuthority('/x'), undefined)
  })

  it('know hosts', () => {
    for (const host of ['a', 'a.b:80', '[::1]', '[::1]:80', '192.0.2.1', 'a:', 'a%20b'])
      assert.ok(isHost(host), host)
    for (const host of ['', 'a b', 'a/b', '::1', '[::1', 'a]', '[a]b', 'a:80:80', 'é'])
      assert.ok(!isHost(host), host)
  })
})

describe('responses', () => {
  const response = (text: string) => {
    const raw = bytes(text)
    return parseResponseHead(raw, 0, raw.length)
  }

  it('have a body until the connection closes when nothing else is said', () => {
    const head = response('HTTP/1.1 200 OK\r\n\r\n')
    assert.equal(responseFraming(head, 'GET'), Framing.UntilClose)
    assert.equal(responseFraming(head, 'HEAD'), 0)
    const decoder = new BodyDecoder()
    decoder.reset(Framing.UntilClose)
    decoder.push(bytes('abc'))
    assert.equal(decoder.next()?.toString(), 'abc')
    assert.equal(decoder.next(), undefined)
    assert.equal(decoder.done, false)
    decoder.finish()
    assert.equal(decoder.done, true)
  })

  it('tell what they switch to', () => {
    assert.equal(
      response('HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n').upgrade,
      'websocket',
    )
  })

  it('have reasons', () => {
    assert.equal(reasonPhrase(404), 'Not Found')
    assert.equal(reasonPhrase(799), 'Other')
  })
})

describe('BodyDecoder', () => {
  it('hands out whole chunks as they are', () => {
    const decoder = new BodyDecoder()
    decoder.reset(6)
    const chunk = bytes('abc')
    decoder.push(chunk)
    assert.equal(decoder.next(), chunk)
    decoder.push(bytes('defGET'))
    assert.equal(decoder.next()?.toString(), 'def')
    assert.equal(decoder.done, true)
    assert.equal(decoder.at, 3)
    assert.equal(decoder.next(), undefined)
  })

  it('says when the connection ended too early', () => {
    const decoder = new BodyDecoder()
    decoder.reset(6)
    assert.throws(() => decoder.finish(), { code: 'ERR_HTTP1_TRUNCATED' })
    decoder.reset(Framing.Chunked)
    decoder.push(bytes('0\r\n'))
    decoder.next()
    assert.throws(() => decoder.finish(), { code: 'ERR_HTTP1_TRUNCATED' })
    decoder.reset(0)
    decoder.finish()
  })

  it('forgets one body when it begins the next', () => {
    const decoder = new BodyDecoder()
    decoder.reset(Framing.Chunked)
    decoder.push(bytes('0\r\nA: 1\r\n\r\n'))
    decoder.next()
    assert.deepEqual([...(decoder.trailers ?? [])], [['A', '1']])
    decoder.reset(Framing.Chunked)
    assert.equal(decoder.trailers, undefined)
    decoder.push(bytes('1\r\nx\r\n0\r\n\r\n'))
    assert.equal(decoder.next()?.toString(), 'x')
    assert.equal(decoder.next(), undefined)
    assert.equal(decoder.done, true)
  })
})

describe('writing', () => {
  it('writes heads with names in lower case', () => {
    const headers = HeaderList.from([
      ['Host', 'a'],
      ['X-Y', '\xe9'],
    ])
    assert.equal(formatRequestHead('GET', '/x', headers), 'GET /x HTTP/1.1\r\nhost: a\r\nx-y: \xe9\r\n\r\n')
    assert.equal(formatRequestHead('GET', '/', new HeaderList(), 0), 'GET / HTTP/1.0\r\n\r\n')
    assert.equal(formatResponseHead(200, 'OK', headers), 'HTTP/1.1 200 OK\r\nhost: a\r\nx-y: \xe9\r\n\r\n')
  })

  it('writes chunks', () => {
    assert.equal(formatChunkSize(255), 'ff\r\n')
    assert.equal(formatLastChunk(), '0\r\n\r\n')
    assert.equal(formatLastChunk(HeaderList.from([['T', '1']])), '0\r\nt: 1\r\n\r\n')
  })

  it('says what may be written', () => {
    assert.ok(isToken('X-A'))
    for (const name of ['', 'a b', 'a:', 'é', 'Ā']) assert.ok(!isToken(name), name)
    assert.ok(isHeaderValue('') && isHeaderValue('a\tb \xff'))
    for (const value of ['a\r\nb: c', 'a\nb', '\0', '\x7f', '€']) assert.ok(!isHeaderValue(value))
  })
})

describe('errors', () => {
  it('carry the status of the catalogue', () => {
    for (const [code, fault] of Object.entries(http1Faults)) {
      const error = new Http1Error(code as keyof typeof http1Faults, 'why')
      assert.equal(error.status, fault.status)
      assert.ok(error.message.endsWith(': why'))
    }
  })
})

describe('HeadBuffer', () => {
  // Nobody waits for the end of a head that can only be refused, wherever its chunks end.
  const broken = [
    'GET / HTTP/1.1\rX',
    'GET / HTTP/1.1\r\nA: b\rc',
    'GET / HTTP/1.1\r\n\rX',
    'A\r\r',
    '\r\n\rX',
    'A\nB',
  ]
  for (const text of broken) {
    for (let cut = 0; cut < text.length; cut++) {
      it(`refuses ${JSON.stringify(text)} at once, cut at ${cut}`, () => {
        const buffer = new HeadBuffer({ maxHeadSize: 100 })
        const code = { code: 'ERR_HTTP1_LINE_END' }
        const feed = () =>
          [text.slice(0, cut), ...text.slice(cut).split('')].map((each) => buffer.push(bytes(each), 0))
        assert.throws(feed, code)
      })
    }
  }

  it('takes line ends that are cut in the middle, and says where the head ends', () => {
    const text = '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest'
    for (let cut = 0; cut <= text.length - 4; cut++) {
      const buffer = new HeadBuffer({ maxHeadSize: 100 })
      const first = buffer.push(bytes(text.slice(0, cut)), 0)
      const end = first >= 0 ? first : cut + buffer.push(bytes(text.slice(cut)), 0)
      assert.equal(end, text.length - 4, `cut at ${cut}`)
      assert.equal(
        buffer.bytes.toString('latin1', buffer.start, buffer.end),
        'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      )
    }
  })

  it('forgets a head that was found in pieces, and one that it is told to forget', () => {
    const buffer = new HeadBuffer({ maxHeadSize: 100 })
    const heads = ['GET /1 HTTP/1.1\r\n\r\n', 'GET /2 HTTP/1.1\r\n\r\n', '\r\nGET /3 HTTP/1.1\r\n\r\n']
    for (const head of heads) {
      for (const byte of head.slice(0, -1)) assert.equal(buffer.push(bytes(byte), 0), -1)
      assert.equal(buffer.push(bytes('\n'), 0), 1)
      assert.equal(buffer.bytes.toString('latin1', buffer.start, buffer.end), head.trimStart())
      assert.equal(buffer.pending, 0)
    }
    buffer.push(bytes('GET /4'), 0)
    assert.equal(buffer.pending, 6)
    assert.equal(buffer.partial.toString('latin1'), 'GET /4')
    buffer.reset()
    assert.equal(buffer.pending, 0)
    const next = bytes('GET /5 HTTP/1.1\r\n\r\n')
    assert.equal(buffer.push(next, 0), next.length)
    assert.equal(buffer.bytes.toString('latin1', buffer.start, buffer.end), next.toString('latin1'))
  })

  it('says which byte is wrong, and where in the head it stands', () => {
    for (const [pieces, bareLf, message] of [
      [['GET\0'], false, /0x00 at byte 3/],
      [['\r\nGET\x16'], false, /0x16 at byte 3/],
      [['\r', '\nGET', '\x16'], false, /0x16 at byte 3/],
      [['A: b', '\rc'], false, /0x0d at byte 4/],
      [['A: b\n', 'C: \0'], true, /0x00 at byte 8/],
      [['A: b\n\x01'], true, /0x01 at byte 5/],
      [['A: b\r', '\x01'], true, /0x0d at byte 4/],
    ] as const) {
      const buffer = new HeadBuffer({ maxHeadSize: 100, bareLf })
      const feed = () => pieces.map((each) => buffer.push(bytes(each), 0))
      assert.throws(feed, (error: Http1Error) => message.test(error.message), JSON.stringify(pieces))
    }
  })
})

describe('heads of many fields', () => {
  const many = Array.from({ length: 20 }, (_, at) => `X-Field-${at}: value ${at}`)
  /** Lines that may not be copied as they stood are among those that may. */
  const lines = [...many, 'Tight:a', 'Wide:  b ', 'EMPTY:', 'lower: c', 'Host: a', 'Last: \xe9']
  const text = `GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  const read = () => {
    const bytes = Buffer.from(`before${text}`, 'latin1')
    return parseRequestHead(bytes, 6, bytes.length).headers
  }
  const shown = (headers: HeaderList) => encodeHead('GET /x HTTP/1.1', headers).toString('latin1')
  const changes: Record<string, (headers: HeaderList) => void> = {
    nothing: () => {},
    'fields removed': (headers) => headers.deleteWhere((key) => key === 'x-field-3' || key === 'tight'),
    'the first and the last removed': (headers) =>
      headers.deleteWhere((key) => /^x-field-0$|^last$/.test(key)),
    'a value replaced': (headers) => headers.replace(5, 'another'),
    'fields added': (headers) => headers.add('X-New', 'n'),
    'a field moved': (headers) => headers.set('x-field-7', 'moved'),
    'what it was read from forgotten': (headers) => headers.forget(),
  }
  for (const [name, change] of Object.entries(changes)) {
    it('hold more names than are kept, and long ones', () => {
      const names = [...Array.from({ length: 2000 }, (_, index) => `X-Name-${index}`), 'X'.repeat(60)]
      for (const round of ['1', '2']) {
        for (const name of names) {
          const headers = HeaderList.from([
            [name, round],
            ['a', 'b'],
          ])
          assert.equal(shown(headers), `GET /x HTTP/1.1\r\n${name.toLowerCase()}: ${round}\r\na: b\r\n\r\n`)
          assert.equal(
            formatRequestHead('GET', '/x', headers),
            `GET /x HTTP/1.1\r\n${name.toLowerCase()}: ${round}\r\na: b\r\n\r\n`,
          )
        }
      }
    })

    it(`are the same as bytes and as text: ${name}`, () => {
      const headers = read()
      change(headers)
      assert.equal(shown(headers), formatRequestHead('GET', '/x', headers))
      assert.equal(shown(headers.clone()), shown(headers))
    })
  }
})

it('a head is read the same whatever the head before it was', () => {
  const blocks = [
    ['Host: a', 'X-One: 1', 'X-Two: 2'],
    ['Host: a', 'X-One-More: 1', 'X-Tw: 2'],
    ['host: a', 'X-ONE: 1', 'X-Two: 2', 'X-Three: 3'],
    ['X-Two: 2', 'Host: a'],
    ['Host: a'],
  ]
  for (const before of blocks) {
    for (const lines of blocks) {
      for (const each of [before, lines]) {
        const bytes = Buffer.from(`GET / HTTP/1.1\r\n${each.join('\r\n')}\r\n\r\n`)
        const { headers } = parseRequestHead(bytes, 0, bytes.length)
        assert.deepEqual(
          [...headers].map(([name, value]) => `${name}: ${value}`),
          each,
        )
        assert.deepEqual(
          keysOf(headers),
          each.map((line) => line.split(':')[0]?.toLowerCase()),
        )
      }
    }
  }
  for (const wrong of ['X-One : 1', 'X-One', ': 1', ' X-One: 1']) {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${wrong}\r\n\r\n`)
    assert.throws(() => parseRequestHead(bytes, 0, bytes.length), Http1Error)
  }
})
