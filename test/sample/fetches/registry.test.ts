import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { compileExpression, defaultRegistry } from '#src/sample/index.js'
import type { Checkpoint, SampleValue, Stream } from '#src/sample/index.js'
import { fetches } from '#src/sample/fetches/registry.js'
import { unsupportedFetches } from '#src/sample/fetches/unsupported.js'
import { compileContext, complaints, requestStream, testStream, word } from '../../support/sample-stream.ts'

function evaluate(
  text: string,
  stream: Stream,
  checkpoint: Checkpoint = 'http-request',
): SampleValue | undefined {
  const context = compileContext({ checkpoint, environment: new Map([['HOME', '/root']]) })
  const expression = compileExpression(word(text), context)
  assert.deepEqual(complaints(context), [], text)
  return expression?.evaluate(stream)
}

const value = (text: string, stream: Stream, checkpoint?: Checkpoint) =>
  evaluate(text, stream, checkpoint)?.value

test('no name is registered twice, or both supported and not', () => {
  const names = fetches.flatMap((spec) => [spec.name, ...(spec.aliases ?? [])])
  assert.equal(new Set(names).size, names.length)
  assert.equal(defaultRegistry.fetches.size, names.length)
  for (const name of names) assert.equal(unsupportedFetches.has(name), false, name)
})

test('time and chance come from the stream', () => {
  const stream = testStream({ now: 1_700_000_000_123.456, random: () => 0xc000_0001 })
  assert.equal(value('date', stream), 1_700_000_000)
  assert.equal(value('date(-10)', stream), 1_699_999_990)
  assert.equal(value('date(0,ms)', stream), 1_700_000_000_123)
  assert.equal(value('date(0,us)', stream), 1_700_000_000_123_456)
  assert.equal(value('date_us', stream), 123_456)
  assert.equal(value('rand', stream), 0xc000_0001)
  assert.equal(value('rand(100)', stream), 75)
  assert.equal(value('uuid', stream), 'c0000001-c000-4001-8000-0001c0000001')
  assert.equal(value('hostname', stream), 'test-host')
  assert.equal(value('env(HOME)', stream), '/root')
  assert.equal(value('env(NOPE)', stream), undefined)
})

test('TLS, FastCGI and unix sockets', () => {
  const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES', serverName: 'sni.test', alpn: 'http/1.1' }
  const stream = requestStream('GET / HTTP/1.1\r\n\r\n', {
    tls,
    fcgiApp: { docroot: '/srv', index: undefined },
    source: undefined,
    destination: undefined,
  })
  assert.equal(value('ssl_fc', stream), true)
  assert.equal(value('ssl_fc_protocol', stream), 'TLSv1.3')
  assert.equal(value('ssl_fc_cipher', stream), 'TLS_AES')
  assert.equal(value('ssl_fc_sni', stream), 'sni.test')
  assert.equal(value('ssl_fc_has_sni', stream), true)
  assert.equal(value('ssl_fc_alpn', stream), 'http/1.1')
  assert.equal(value('fcgi.docroot', stream), '/srv')
  assert.equal(value('fcgi.index', stream), undefined)
  for (const name of ['src', 'src_port', 'src_is_local', 'dst', 'dst_port', 'dst_is_local'])
    assert.equal(value(name, stream), undefined, name)
})

test('buffers of TCP mode', () => {
  const stream = testStream({ requestBuffer: Buffer.from('hello'), responseBuffer: Buffer.from('world') })
  assert.equal(value('req.len', stream), 5)
  assert.deepEqual(value('req.payload(1,3)', stream), Buffer.from('ell'))
  assert.deepEqual(value('req.payload(1,0)', stream), Buffer.from('ello'))
  assert.equal(value('req.payload(3,3)', stream), undefined)
  assert.equal(value('req.payload(6,0)', stream), undefined)
  assert.deepEqual(value('res.payload(0,0)', stream, 'tcp-response-content'), Buffer.from('world'))
  assert.equal(value('req.payload(0,0)', testStream()), undefined)
  assert.equal(value('req.len', testStream()), 0)
  const context = compileContext()
  assert.equal(compileExpression(word('req.payload(-1,0)'), context), undefined)
  assert.equal(compileExpression(word('req.payload(0,-1)'), context), undefined)
  assert.equal(complaints(context).length, 2)
})

test('lengths of headers in hdrs_bin are varints', () => {
  const long = 'v'.repeat(2288)
  const stream = requestStream(`GET / HTTP/1.1\r\nX-Long: ${long}\r\nB: ${'w'.repeat(240)}\r\n\r\n`)
  const bytes = value('req.hdrs_bin', stream) as Buffer
  // SPOE.txt 3.1: 240 is f0 00, 2288 is f0 80 00.
  const expected = `06x-long\xf0\x80\x00${long}\x01b\xf0\x00${'w'.repeat(240)}\0\0`.replace('06', '\x06')
  assert.equal(bytes.toString('latin1'), expected)
})

test('headers can be read in their own direction only', () => {
  const stream = requestStream('GET /a HTTP/1.1\r\nX: 1\r\n\r\n', { direction: 'response' })
  assert.equal(value('req.hdr(x)', stream), undefined)
  assert.equal(value('path', stream), undefined)
  assert.equal(value('method', stream, 'http-response'), 'GET')
  const unknown = requestStream('BREW /a HTTP/1.1\r\n\r\n', { direction: 'response' })
  assert.equal(value('method', unknown, 'http-response'), undefined)
})

test('bodies that are not there are empty', () => {
  const stream = requestStream('POST / HTTP/1.1\r\n\r\n')
  const request = { ...stream.request, body: undefined, bodySize: 17 } as NonNullable<Stream['request']>
  const without = testStream({ request })
  assert.deepEqual(value('req.body', without), Buffer.alloc(0))
  assert.equal(value('req.body_len', without), 0)
  assert.equal(value('req.body_size', without), 17)
  assert.equal(value('req.body_param(a)', without), undefined)
})
