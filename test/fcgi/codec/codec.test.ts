import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  decodeGetValuesResult,
  encodeGetValuesResult,
  encodeParams,
  encodeRecord,
  encodeRecordHeader,
  formatStderr,
  ParamsDecoder,
  recordFraming,
  RecordReader,
  RecordType,
} from 'sluice/fcgi'
import { Writer } from '#src/bytes/writer.js'
import { paddingFor, streamContentSize } from '#src/fcgi/codec/record.js'

const limits = { maxParamsSize: 1000, maxParams: 10 }

/** A writer whose memory is full of 0xff, to show what is not written over. */
function dirtyWriter(): Writer {
  const writer = new Writer(65_800)
  writer.bytes.fill(0xff)
  return writer
}

/** Type, content size and padding of each record. */
function shapes(bytes: Buffer): [type: number, size: number][] {
  const reader = new RecordReader()
  const found: [number, number][] = []
  reader.push(bytes)
  while (reader.next()) found.push([reader.type, reader.size])
  assert.equal(reader.midRecord, false)
  return found
}

describe('record', () => {
  it('refuses to write lengths and ids that do not fit', () => {
    const writer = new Writer()
    const code = { code: 'ERR_FCGI_RECORD_SIZE', fault: 'local' }
    for (const [id, content, padding] of [
      [1, 65_536, 0],
      [1, -1, 0],
      [1, 1.5, 0],
      [1, Number.NaN, 0],
      [65_536, 0, 0],
      [1, 0, 256],
      // php-fpm closes the connection when the two together are more than 65535.
      [1, 65_535, 1],
    ] as const) {
      assert.throws(() => encodeRecordHeader(writer, RecordType.Stdin, id, content, padding), code)
    }
    encodeRecordHeader(writer, RecordType.Stdin, 65_535, 65_535, 0)
  })

  it('pads to eight bytes when asked, as far as there is room, with zeroes', () => {
    assert.deepEqual([0, 1, 7, 8, 9, 65_529, 65_535].map(paddingFor), [0, 7, 1, 0, 7, 6, 0])
    const writer = dirtyWriter()
    encodeRecord(writer, RecordType.Stdout, 1, Buffer.from('abc'), true)
    assert.equal(writer.view().toString('hex'), '0106000100030500' + '616263' + '0000000000')
  })

  it('computes sizes beyond 16 bits', () => {
    const header = Buffer.from('01060001ffffff00', 'hex')
    assert.equal(recordFraming.sizeAt(header, 0), 8 + 65_535 + 255)
  })

  it('names the version byte that it refuses', () => {
    const reader = new RecordReader()
    reader.push(Buffer.from('HTTP/1.1 200 OK\r\n'))
    assert.throws(() => reader.next(), { code: 'ERR_FCGI_VERSION', fault: 'peer', message: /0x48/ })
  })
})

describe('params', () => {
  it('breaks records between pairs only', () => {
    const writer = new Writer()
    const value = 'v'.repeat(30_000)
    const pairs = ['A', 'B', 'C', 'D', 'E'].map((name) => [name, value] as const)
    encodeParams(writer, 1, pairs)
    // A pair takes 1 + 4 + 1 + 30000 bytes; two fit a record, three do not.
    assert.deepEqual(shapes(writer.view()), [
      [4, 60_012],
      [4, 60_012],
      [4, 30_006],
      [4, 0],
    ])
  })

  it('fills a record to its last byte', () => {
    const writer = new Writer()
    encodeParams(writer, 1, [['N', 'v'.repeat(65_535 - 6)]])
    assert.deepEqual(shapes(writer.view()), [
      [4, 65_535],
      [4, 0],
    ])
  })

  it('refuses a pair that no record holds, and leaves nothing behind', () => {
    const writer = new Writer()
    writer.uint8(1)
    const pairs: [string, string][] = [
      ['A', 'b'],
      ['HTTP_COOKIE', 'v'.repeat(65_530)],
    ]
    assert.throws(() => encodeParams(writer, 1, pairs), {
      code: 'ERR_FCGI_PARAM_SIZE',
      message: /"HTTP_COOKIE" takes 65546 bytes/,
    })
    assert.equal(writer.at, 1)
  })

  it('refuses NULs, empty names and characters that the encoding does not have', () => {
    const bad = (name: string, value: string | Buffer, encoding?: 'utf8') =>
      assert.throws(() => encodeParams(new Writer(), 1, [[name, value]], encoding), {
        code: 'ERR_FCGI_PARAM_VALUE',
        fault: 'local',
      })
    bad('', 'x')
    bad('N', 'a\0b')
    bad('N\0', 'a')
    bad('N', Buffer.from([0x61, 0]))
    // U+010A would become a line feed when its upper byte is cut.
    bad('N', '\u010a')
    bad('N', 'a\0', 'utf8')
    bad('N', '\ud800', 'utf8')
    bad('N', 'x\udc00', 'utf8')
  })

  it('writes latin1 unless told otherwise', () => {
    const encoded = (encoding?: 'utf8') => {
      const writer = new Writer()
      encodeParams(writer, 1, [['N', 'é']], encoding)
      return writer.view().toString('hex', 8, writer.at - 8)
    }
    assert.equal(encoded(), '01014ee9')
    assert.equal(encoded('utf8'), '01024ec3a9')
  })

  it('takes any Map, and bytes as values', () => {
    const writer = new Writer()
    encodeParams(writer, 1, new Map<string, string | Buffer>([['A', Buffer.from([1, 2])]]))
    assert.equal(writer.view().toString('hex', 8, 13), '0102410102')
  })

  it('gives the last value of a name', () => {
    const decoder = new ParamsDecoder(limits)
    decoder.push(Buffer.from('\x01\x01a1\x01\x01a2', 'latin1'))
    assert.deepEqual([...decoder.finish()], [['a', '2']])
  })

  it('keeps names that objects have', () => {
    const decoder = new ParamsDecoder(limits)
    decoder.push(Buffer.from('\x09\x01__proto__x', 'latin1'))
    assert.deepEqual([...decoder.finish()], [['__proto__', 'x']])
  })

  it('stops at its limits, before taking memory', () => {
    const decoder = new ParamsDecoder({ maxParamsSize: 10, maxParams: 1 })
    decoder.push(Buffer.alloc(10, 1))
    assert.throws(() => decoder.push(Buffer.alloc(1)), { code: 'ERR_FCGI_PARAMS_LIMIT', status: 431 })
    const many = new ParamsDecoder({ maxParamsSize: 100, maxParams: 1 })
    many.push(Buffer.from('\x01\x00a\x01\x00b', 'latin1'))
    assert.throws(() => many.finish(), { code: 'ERR_FCGI_PARAMS_LIMIT' })
  })
})

describe('values', () => {
  it('writes what is known and reads it back', () => {
    const writer = new Writer()
    encodeGetValuesResult(writer, [['FCGI_MPXS_CONNS', '1']])
    assert.equal(writer.view().toString('latin1'), '\x01\x0a\0\0\0\x12\0\0\x0f\x01FCGI_MPXS_CONNS1')
    assert.equal(decodeGetValuesResult(writer.view(), 8).mpxsConns, true)
  })
})

describe('formatStderr', () => {
  it('leaves no control character that could forge a line of a log', () => {
    assert.equal(formatStderr(Buffer.from('PHP message: x\n')), 'PHP message: x')
    assert.equal(
      formatStderr(Buffer.from('a\r\nFAKE \x1b[31m\x7f\t\u0085\u2028b\r\n\n')),
      'a..FAKE .[31m....b',
    )
    assert.equal(formatStderr(Buffer.from('é€')), 'é€')
    assert.equal(formatStderr(Buffer.alloc(0)), '')
  })
})

it('streams are cut into records that need no padding', () => {
  assert.equal(streamContentSize % 8, 0)
  assert.ok(streamContentSize <= 65_535)
})
