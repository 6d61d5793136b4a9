/** The bytes of a recording, written by hand from docs/replay.md, and what becomes of files that are cut off or damaged. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { openRecording, RecordingError, type RecordedExchange, type Recording } from 'sluice/recording'

const dir = mkdtempSync(join(tmpdir(), 'sluice-recording-'))
after(() => rmSync(dir, { recursive: true }))

const signature = Buffer.from('SLUICE-RECORDING 1\n')
const hex = (text: string) => Buffer.from(text.replaceAll(/\s|\/\/.*/g, ''), 'hex')

/** Length and check sum, four bytes each, and the body. */
function record(...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part)))
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length, 0)
  head.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([head, body])
}

const begin = record('01', Buffer.from('{"startedAt":1000,"part":1,"omitted":["cookie"]}'))
const source = record('02 00', Buffer.from('waf'))
// Source 0, stream 7, after 5 us, 9 us in all, 8 us - 1 from NOTIFY to ACK, status 0; 13 bytes of messages: "check" with ip = "a".
const answered = record(
  '03 00 07 05 09 08 00 0d 05 63 68 65 63 6b 01 02 69 70 08 01 61',
  '01 03 01 01 73 02 05',
)
// No stream, status 1, and no ACK; no arguments and no actions.
const failed = record('03 00 00 06 f0 00 00 01 03 01 6d 00')
const lost = record('04 03')
const closed = record('05 00')
const whole = [signature, begin, source, answered, failed, lost, closed]

function open(bytes: Buffer): Recording {
  const file = join(dir, 'file.rec')
  writeFileSync(file, bytes)
  return openRecording(file)
}

async function read(recording: Recording): Promise<RecordedExchange[]> {
  const found: RecordedExchange[] = []
  for await (const exchange of recording) found.push(exchange)
  return found
}

test('a recording is read as the page says', async () => {
  const recording = open(Buffer.concat(whole))
  const [first, second, ...more] = await read(recording)
  assert.deepEqual(more, [])
  assert.deepEqual(
    { ...first, messages: first?.messages.map(({ name, args }) => ({ name, args })) },
    {
      source: 'waf',
      stream: 7,
      startedAt: 1000.005,
      processTime: 0.009,
      waitTime: 0.007,
      status: 0,
      messages: [{ name: 'check', args: [['ip', first?.messages[0]?.get('ip')]] }],
      actions: [{ type: 'set-var', scope: 'sess', name: 's', value: { type: 'int32', value: 5 } }],
    },
  )
  assert.deepEqual([second?.status, second?.waitTime, second?.stream, second?.processTime], [1, -1, 0, 0.24])
  assert.deepEqual([...recording.omitted], ['cookie'])
  assert.equal(recording.lost, 3)
  assert.equal(recording.damage, undefined)
})

test('cut off anywhere, all whole exchanges are there, and it is said what is missing', async () => {
  const bytes = Buffer.concat(whole)
  const ends = whole.map((_, at) => Buffer.concat(whole.slice(0, at + 1)).length)
  const whereExchangesEnd = [ends[3] ?? 0, ends[4] ?? 0]
  for (let size = signature.length; size < bytes.length; size++) {
    const recording = open(bytes.subarray(0, size))
    const count = whereExchangesEnd.filter((end) => size >= end).length
    assert.equal((await read(recording)).length, count, `${size} bytes`)
    const why = ends.includes(size) ? 'was not closed' : 'the last record is cut off, as after a crash'
    const good = `the ${count} ${count === 1 ? 'exchange' : 'exchanges'} before it are good`
    const at = ends.findLast((end) => end <= size)
    assert.match(recording.damage ?? '', new RegExp(`file\\.rec: at byte ${at}: .*${why}.*; ${good}$`))
  }
})

test('damaged bytes end it, with what was good before', async () => {
  const bytes = Buffer.concat(whole)
  const begins = signature.length + begin.length + source.length + answered.length
  for (let at = begins; at < begins + failed.length; at++) {
    const broken = Buffer.from(bytes)
    broken[at] = (broken[at] ?? 0) ^ 0x55
    const recording = open(broken)
    assert.equal((await read(recording)).length, 1)
    assert.match(
      recording.damage ?? '',
      new RegExp(`at byte ${begins}: .*; the 1 exchange before it are good$`),
    )
  }
})

test('a record of a later kind is passed over', async () => {
  const recording = open(Buffer.concat([signature, begin, record('63 01 02'), source, answered, closed]))
  assert.equal((await read(recording)).length, 1)
  assert.equal(recording.damage, undefined)
})

const others: readonly (readonly [what: string, bytes: Buffer, message: RegExp])[] = [
  [
    'something else',
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    /does not begin with 'SLUICE-RECORDING '/,
  ],
  ['an empty file', Buffer.alloc(0), /does not begin with/],
  ['half a signature', signature.subarray(0, 9), /does not begin with/],
  ['another version', Buffer.from('SLUICE-RECORDING 2\nabc'), /its format is of another version/],
]

for (const [what, bytes, message] of others) {
  test(`${what} is no recording`, async () => {
    await assert.rejects(read(open(bytes)), (error) => {
      return (
        error instanceof RecordingError &&
        error.code === 'ERR_RECORDING_FORMAT' &&
        message.test(error.message)
      )
    })
  })
}

test('a file that is not there', async () => {
  await assert.rejects(
    read(openRecording(join(dir, 'nothing'))),
    (error) => error instanceof RecordingError && error.code === 'ERR_RECORDING_FILE',
  )
})
