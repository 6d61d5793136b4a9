import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileLogFormat } from '#src/sample/index.js'
import type { LogFormatUse, Stream, StreamLog } from '#src/sample/index.js'
import { logAliases } from '#src/sample/log-aliases.js'
import {
  compileContext,
  complaints,
  emptyLog,
  requestStream,
  testStream,
  word,
} from '../support/sample-stream.ts'

function format(text: string, use: LogFormatUse, stream: Stream = testStream()): string | undefined {
  const context = compileContext()
  const compiled = compileLogFormat(word(text), context, use)
  assert.deepEqual(complaints(context), [], text)
  return compiled?.format(stream)
}

const wrong: readonly (readonly [string, RegExp])[] = [
  ['a %', /^test\.cfg:1:3: error: a lone percent sign.*CFG_SAMPLE_LOG_FORMAT.*\n.*'%%'/],
  ['100% sure', /a lone percent sign/],
  ['%{+Q}', /a lone percent sign|without a closing brace or a name/],
  ['%{+Q', /flags without a closing brace/],
  ['a %nope', /^test\.cfg:1:3: error: '%nope' is no log-format alias/],
  ['%HX', /did you mean '%?H\w?'/],
  ['%[nope]', /^test\.cfg:1:3: error: unknown fetch 'nope'/],
  ['%[path', /^test\.cfg:1:7: error: '\]' is missing behind 'path': its end was found/],
  ['%[path}', /'\]' is missing behind 'path': '\}' was found/],
  ['x %[status]', /^test\.cfg:1:5: error: fetch 'status' needs HTTP response/],
]

test('complaints name the place', () => {
  for (const [text, expected] of wrong) {
    const context = compileContext()
    assert.equal(compileLogFormat(word(text), context, 'log'), undefined, text)
    assert.match(complaints(context)[0] ?? '', expected, text)
  }
})

test('some aliases exist in HTTP mode only', () => {
  const context = compileContext({ mode: 'tcp' })
  assert.equal(compileLogFormat(word('%HM'), context, 'log'), undefined)
  assert.match(complaints(context)[0] ?? '', /'%HM' exists in HTTP mode only/)
  assert.notEqual(compileLogFormat(word('%ci'), context, 'log'), undefined)
})

test('text without anything to evaluate is constant', () => {
  const constant = (text: string, use: LogFormatUse) =>
    compileLogFormat(word(text), compileContext(), use)?.constant
  assert.equal(constant('a b %% c', 'header'), 'a b % c')
  assert.equal(constant('', 'header'), '')
  assert.equal(constant('a b', 'log'), undefined)
  assert.equal(constant('%ci', 'header'), undefined)
})

test('what is missing, and how bytes are written, depends on the use', () => {
  const stream = requestStream('GET / HTTP/1.1\r\n\r\n')
  stream.variables('txn')?.set('x', { type: 'str', value: 'a\x01\r\n\t\xe9"]' })
  assert.equal(format('%[var(txn.none)]|%ID', 'log', stream), '-|-')
  assert.equal(format('%[var(txn.none)]|%ID', 'header', stream), '|')
  assert.equal(format('%[var(txn.none)]|%ID', 'plain', stream), '|')
  assert.equal(format('%{+Q}[var(txn.none)]', 'log', stream), '""')
  assert.equal(format('%[var(txn.x)]', 'header', stream), 'a%01%0D%0A\t\xe9"]')
  assert.equal(format('%{+E}[var(txn.x)]', 'header', stream), 'a%01%0D%0A\t\xe9\\"\\]')
  assert.equal(format(' %[var(txn.none)]  %[var(txn.x)]', 'unique-id', stream), ' a%01%0D%0A\t\xe9"]')
  assert.equal(format('%[var(txn.x)]', 'plain', stream), 'a\x01\r\n\t\xe9"]')
})

test('no value brings a control character into a log line', () => {
  const stream = requestStream('GET / HTTP/1.1\r\nX: a\tb\r\nCookie: c=\x1b[2J\r\n\r\n', {
    direction: 'response',
    server: { name: 's\n1', id: 1 },
    uniqueId: 'u\nid',
    log: {
      ...emptyLog,
      requestLine: 'GET /\n HTTP/1.1',
      requestCookie: 'c=\x1b[2J',
      responseCookie: 'c=\r\n',
      capturedRequest: ['a\r\nb', undefined],
      capturedResponse: ['\x7f'],
    },
  })
  stream.variables('txn')?.set('x', { type: 'str', value: '\x01\r\n\t\x7f\xe9"]' })
  stream.variables('txn')?.set('bin', { type: 'bin', value: Buffer.from('a\nb') })
  const names = [...logAliases.map(({ name }) => name), '[var(txn.x)]', '[var(txn.bin)]']
  for (const name of names)
    for (const flags of ['', '{+Q}', '{+E}', '{+X}', '{-M}', '{+Q,+E,+X,-M}'])
      assert.doesNotMatch(format(`%${flags}${name}`, 'log', stream) ?? '', control, `${flags}${name}`)
  for (const name of names)
    assert.doesNotMatch(format(`%{+Q,+E}o %${name}`, 'log', stream) ?? '', control, name)
  assert.equal(format('%[var(txn.x)]', 'log', stream), '#01#0D#0A#09#7F\xe9"]')
  assert.equal(format('%{+Q,+E}[var(txn.x)]', 'log', stream), '"#01#0D#0A#09#7F\xe9\\"\\]"')
  assert.equal(format('%[var(txn.bin),json]', 'log', stream), 'a\\nb')
})

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\x00-\x1f\x7f]/

test('spaces are merged in log lines only', () => {
  assert.equal(format('  a   %ci  b ', 'log'), 'a 127.0.0.1 b ')
  assert.equal(format('  a   %ci  b ', 'header'), '  a   127.0.0.1  b ')
})

test('captures that nobody asked for leave one space', () => {
  const httplog =
    '%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r'
  const line = (log: Partial<StreamLog>) =>
    format(httplog, 'log', testStream({ log: { ...emptyLog, requestLine: 'GET / HTTP/1.1', ...log } })) ?? ''
  assert.match(line({}), / 0\/0 "GET \/ HTTP\/1\.1"$/)
  assert.match(line({ capturedRequest: ['a', undefined] }), / 0\/0 \{a\|\} "GET/)
  assert.match(line({ capturedResponse: [undefined] }), / 0\/0 \{\} "GET/)
})

test('%o sets flags for what follows', () => {
  assert.equal(format('%f %{+Q}o%f %{-Q}f %f', 'log'), 'fe "fe" fe "fe"')
})

test('dates, totals and counters', () => {
  const stream = testStream({
    log: {
      ...emptyLog,
      acceptDate: Date.UTC(2009, 1, 13, 23, 31, 30, 7),
      requestDate: Date.UTC(2009, 1, 13, 23, 31, 31, 70),
      totalTime: 12,
      bytesRead: 345,
      asap: true,
      redispatched: true,
      retries: 2,
      pid: 4711,
      logCounter: 10,
      connectTime: -1,
    },
  })
  assert.equal(
    format('%T %Ts %{+X}Ts %ms', 'log', stream),
    '13/Feb/2009:23:31:30 +0000 1234567890 499602D2 007',
  )
  assert.equal(format('%trg', 'log', stream), '13/Feb/2009:23:31:31 +0000')
  assert.match(
    format('%t %tr %Tl', 'log', stream) ?? '',
    /^\d\d\/Feb\/2009:\d\d:\d1:30\.007 .*:31\.070 .* [+-]\d{4}$/,
  )
  assert.equal(format('%Tt %B %rc %pid %{+X}pid %{+X}lc %Tc', 'log', stream), '+12 +345 +2 4711 1267 000A -1')
})

test('addresses in hex, and none at all', () => {
  const stream = testStream({
    source: { address: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), port: 255 },
    destination: undefined,
  })
  assert.equal(
    format('%ci %{+X}ci %{+X}cp', 'log', stream),
    '2001:db8::1 20010DB8000000000000000000000001 00FF',
  )
  assert.equal(format('%fi %fp', 'log', stream), '- -')
})

test('ends that are unix sockets', () => {
  const listener = { address: new Uint8Array(0), port: 2 }
  const stream = testStream({
    source: listener,
    destination: listener,
    log: { ...emptyLog, serverAddress: { address: new Uint8Array(0), port: 0 } },
  })
  // As HAProxy writes them, but for +X, which ends its line there.
  assert.equal(
    format('%ci:%cp %fi:%fp %si:%sp %{+X}ci:%{+X}cp', 'log', stream),
    'unix:2 unix:2 unix:0 unix:2',
  )
  assert.equal(format('%[src]%[src_port]%[dst]%[dst_port]', 'plain', stream), '')
})
