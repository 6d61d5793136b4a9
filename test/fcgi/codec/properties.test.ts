/** What holds for any bytes. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  createFcgiClient,
  createFcgiResponder,
  decodeBeginRequest,
  decodeEndRequest,
  decodeGetValues,
  decodeGetValuesResult,
  decodePairs,
  decodeUnknownType,
  encodeParams,
  encodeRecord,
  FcgiError,
  ParamsDecoder,
  RecordReader,
  RecordType,
} from 'sluice/fcgi'
import { Writer } from '#src/bytes/writer.js'
import { until } from '../../support/until.ts'
import { connectPeer, pair, record, request, startApp, tempDir } from '../support.js'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

/** Bytes that are records more often than chance would have it. */
const recordish = fc
  .array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc
          .tuple(
            fc.integer({ min: 1, max: 12 }),
            fc.constantFrom(0, 1, 1, 1, 3),
            bytes(20),
            fc.integer({ min: 0, max: 9 }),
          )
          .map(([type, id, content, padding]) => record(type, id, content, padding)),
      },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          record('STDOUT', 1, 'A: b\r\n\r\nx'),
          record('STDOUT', 1),
          record('END', 1, Buffer.alloc(8)),
        ),
      },
      { weight: 1, arbitrary: bytes(10) },
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces))

function cut(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const size of sizes) chunks.push(whole.subarray(at, (at += size)))
  chunks.push(whole.subarray(at))
  return chunks.filter((chunk) => chunk.length > 0)
}

const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 30 })

/** Runs it; an error must be one of ours. */
function coded<T>(run: () => T): T | string {
  try {
    return run()
  } catch (error) {
    if (error instanceof FcgiError) return error.code
    throw error
  }
}

function readRecords(chunks: readonly Buffer[]): unknown[] {
  const reader = new RecordReader()
  const seen: unknown[] = []
  const error = coded(() => {
    for (const chunk of chunks) {
      reader.push(chunk)
      while (reader.next()) seen.push([reader.type, reader.id, reader.content().toString('hex')])
    }
    return 'fine'
  })
  return [...seen, error]
}

describe('decoding', () => {
  it('any bytes are values or an error with a code', () => {
    fc.assert(
      fc.property(bytes(64), (input) => {
        for (const decode of [
          decodeBeginRequest,
          decodeEndRequest,
          decodeUnknownType,
          decodeGetValues,
          decodeGetValuesResult,
        ]) {
          coded(() => decode(input))
        }
        coded(() =>
          decodePairs(input, 0, input.length, (source, a, b, c, d) => {
            assert.ok(source === input && a <= b && b === c && c <= d && d <= input.length)
          }),
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('any cutting gives the same records', () => {
    fc.assert(
      fc.property(recordish, sizes, (whole, at) => {
        assert.deepEqual(readRecords(cut(whole, at)), readRecords([whole]))
      }),
      { numRuns: 1000 },
    )
  })

  it('records come back as they were written', () => {
    const one = fc.tuple(
      fc.integer({ min: 1, max: 11 }),
      fc.integer({ min: 0, max: 65_535 }),
      bytes(300),
      fc.boolean(),
    )
    fc.assert(
      fc.property(fc.array(one, { maxLength: 5 }), sizes, (records, at) => {
        const writer = new Writer(8)
        for (const [type, id, content, align] of records)
          encodeRecord(writer, type as RecordType, id, content, align)
        const seen = readRecords(cut(Buffer.from(writer.view()), at))
        assert.deepEqual(seen, [
          ...records.map(([type, id, content]) => [type, id, content.toString('hex')]),
          'fine',
        ])
      }),
    )
  })

  it('parameters come back as they were written, wherever the stream is cut', () => {
    const latin1 = (maxLength: number) =>
      fc.array(fc.integer({ min: 1, max: 255 }), { maxLength }).map((codes) => String.fromCharCode(...codes))
    const name = latin1(200).filter((each) => each !== '')
    const long = fc.integer({ min: 0, max: 40_000 }).map((size) => 'x'.repeat(size))
    const pairs = fc.uniqueArray(fc.tuple(name, fc.oneof(latin1(300), long)), {
      selector: ([key]) => key,
      maxLength: 8,
    })
    fc.assert(
      fc.property(pairs, (given) => {
        const writer = new Writer(8)
        encodeParams(writer, 1, given)
        const reader = new RecordReader()
        const decoder = new ParamsDecoder({ maxParamsSize: 1e6, maxParams: 100 })
        reader.push(writer.view())
        let ends = 0
        while (reader.next()) {
          if (reader.size === 0) ends++
          else {
            decoder.push(reader.content())
            // Pairs are whole within their records.
            decodePairs(reader.bytes, reader.start, reader.end, () => {})
          }
        }
        assert.equal(ends, 1)
        assert.deepEqual([...decoder.finish()], given)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the client', () => {
  it('comes to exactly one end, whatever the application sends', async (t) => {
    let answer = Buffer.alloc(0)
    let at: readonly number[] = []
    const app = await startApp(t, async (peer) => {
      await peer.until('STDIN')
      for (const chunk of cut(answer, at)) {
        peer.socket.write(chunk)
        await new Promise(setImmediate)
      }
      peer.socket.end()
    })
    const client = createFcgiClient({ endpoint: app.endpoint, keepConn: false, maxRetries: 1 })
    t.after(() => client.destroy())
    await fc.assert(
      fc.asyncProperty(
        recordish,
        sizes.map((all) => all.slice(0, 5)),
        async (whole, cuts) => {
          answer = whole
          at = cuts
          const seen: string[] = []
          await new Promise<void>((resolve) => {
            const over = (what: string) => {
              seen.push(what)
              resolve()
            }
            client.start(
              { params: [] },
              {
                onHead: () => seen.push('head'),
                onBody: () => true,
                onEnd: () => over('end'),
                onError: (error) => over(error.code),
              },
            )
          })
          await new Promise(setImmediate)
          assert.equal(seen.filter((each) => each !== 'head').length, 1, seen.join())
          assert.equal(client.stats.active, 0)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('the responder', () => {
  it('goes on serving whatever a gateway sends', async (t) => {
    const responder = createFcgiResponder({
      onRequest: () => ({ body: 'fine' }),
      maxRequestsPerConnection: 3,
    })
    t.after(() => responder.destroy())
    const path = join(tempDir(t), 'r.sock')
    await responder.listen(path)
    await fc.assert(
      fc.asyncProperty(
        recordish,
        sizes.map((all) => all.slice(0, 5)),
        async (whole, cuts) => {
          const bad = await connectPeer(t, { path })
          for (const chunk of cut(whole, cuts)) bad.socket.write(chunk)
          const good = await connectPeer(t, { path })
          good.send(request(1, { A: 'b' }))
          const [first] = await good.until('END', 1)
          assert.match(first?.content.toString() ?? '', /fine$/)
          good.socket.destroy()
          bad.socket.destroy()
        },
      ),
      { numRuns: 100 },
    )
    await until(() => responder.stats.connections === 0)
    assert.equal(responder.stats.active, 0)
  })
})

it('names of pairs are bytes, not keys', () => {
  const decoder = new ParamsDecoder({ maxParamsSize: 100, maxParams: 5 })
  decoder.push(Buffer.from(pair('constructor', 'x') + pair('__proto__', 'y'), 'latin1'))
  assert.deepEqual([...decoder.finish().keys()], ['constructor', '__proto__'])
})
