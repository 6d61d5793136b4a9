/** Validators, conditions and ranges of files, by RFC 9110. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '#src/http1/index.js'
import { fileResponse } from '#src/proxy/server/file-response.js'

const changed = Date.UTC(2024, 0, 2, 3, 4, 5, 678)
const about = { size: 1000, changed, contentType: 'text/plain' }
const etag = `"${changed.toString(16)}-3e8"`
const date = 'Tue, 02 Jan 2024 03:04:05 GMT'
const before = 'Tue, 02 Jan 2024 03:04:04 GMT'
const after = 'Tue, 02 Jan 2024 03:04:06 GMT'

const cases: [headers: Record<string, string>, expected: string][] = [
  [{}, '200 0-1000'],
  // Conditions.
  [{ 'if-none-match': etag }, '304'],
  [{ 'if-none-match': `W/${etag}` }, '304'],
  [{ 'if-none-match': `"x", ${etag}` }, '304'],
  [{ 'if-none-match': '*' }, '304'],
  [{ 'if-none-match': '"x"' }, '200 0-1000'],
  [{ 'if-none-match': 'nonsense' }, '200 0-1000'],
  [{ 'if-modified-since': date }, '304'],
  [{ 'if-modified-since': after }, '304'],
  [{ 'if-modified-since': before }, '200 0-1000'],
  [{ 'if-modified-since': 'yesterday' }, '200 0-1000'],
  [{ 'if-none-match': '"x"', 'if-modified-since': after }, '200 0-1000'],
  [{ 'if-match': etag }, '200 0-1000'],
  [{ 'if-match': '*' }, '200 0-1000'],
  [{ 'if-match': '"x"' }, '412'],
  [{ 'if-match': `W/${etag}` }, '412'],
  [{ 'if-unmodified-since': date }, '200 0-1000'],
  [{ 'if-unmodified-since': before }, '412'],
  [{ 'if-match': etag, 'if-unmodified-since': before }, '200 0-1000'],
  // Ranges.
  [{ range: 'bytes=0-0' }, '206 0-1'],
  [{ range: 'bytes=0-499' }, '206 0-500'],
  [{ range: 'bytes=500-' }, '206 500-1000'],
  [{ range: 'bytes=-100' }, '206 900-1000'],
  [{ range: 'bytes=-5000' }, '206 0-1000'],
  [{ range: 'bytes=999-9999' }, '206 999-1000'],
  [{ range: 'Bytes= 1-2 ' }, '206 1-3'],
  [{ range: 'bytes=1000-' }, '416'],
  [{ range: 'bytes=-0' }, '416'],
  [{ range: 'bytes=2-1' }, '200 0-1000'],
  [{ range: 'bytes=-' }, '200 0-1000'],
  [{ range: 'bytes=0-1,3-4' }, '200 0-1000'],
  [{ range: 'lines=0-1' }, '200 0-1000'],
  [{ range: 'bytes=0-1', 'if-range': etag }, '206 0-2'],
  [{ range: 'bytes=0-1', 'if-range': `W/${etag}` }, '200 0-1000'],
  [{ range: 'bytes=0-1', 'if-range': '"x"' }, '200 0-1000'],
  [{ range: 'bytes=0-1', 'if-range': date }, '206 0-2'],
  [{ range: 'bytes=0-1', 'if-range': before }, '200 0-1000'],
  [{ range: 'bytes=0-1', 'if-range': after }, '200 0-1000'],
  [{ range: 'bytes=0-1', 'if-none-match': etag }, '304'],
  [{ range: 'bytes=990-99999999999999999999999' }, '206 990-1000'],
  [{ range: 'bytes=99999999999999999999999-' }, '416'],
  [{ range: 'bytes=-99999999999999999999999' }, '206 0-1000'],
  // The three forms of a date, and what Date.parse takes beside them.
  [{ 'if-modified-since': 'Tuesday, 02-Jan-24 03:04:05 GMT' }, '304'],
  [{ 'if-modified-since': 'Tuesday, 02-Jan-24 03:04:04 GMT' }, '200 0-1000'],
  [{ 'if-modified-since': 'Tue Jan  2 03:04:05 2024' }, '304'],
  [{ 'if-modified-since': 'Tue Jan  2 03:04:04 2024' }, '200 0-1000'],
  [{ 'if-modified-since': '2099' }, '200 0-1000'],
  [{ 'if-modified-since': '2099-01-01T00:00:00Z' }, '200 0-1000'],
  [{ 'if-modified-since': `${date}; length=1000` }, '200 0-1000'],
  [{ 'if-unmodified-since': '1' }, '200 0-1000'],
]

const askFor = (headers: Record<string, string>, method = 'GET') => ({
  method,
  headers: HeaderList.from(Object.entries(headers)),
})

test('a file answers as its request wants', () => {
  for (const [headers, expected] of cases) {
    const { status, start, end } = fileResponse(askFor(headers), about)
    const shown = status === 200 || status === 206 ? `${status} ${start}-${end}` : `${status}`
    assert.equal(shown, expected, JSON.stringify(headers))
    if (status > 206) assert.equal(end, start)
  }
})

test('and says what it is', () => {
  const show = (headers: Record<string, string>, given = about) =>
    [...fileResponse(askFor(headers), given).headers].map((each) => each.join(': '))
  const validators = [`etag: ${etag}`, `last-modified: ${date}`, 'accept-ranges: bytes']
  assert.deepEqual(show({}), [...validators, 'content-type: text/plain', 'content-length: 1000'])
  assert.deepEqual(show({ range: 'bytes=1-2' }), [
    ...validators,
    'content-type: text/plain',
    'content-range: bytes 1-2/1000',
    'content-length: 2',
  ])
  assert.deepEqual(show({ range: 'bytes=1000-' }).slice(-2), [
    'content-range: bytes */1000',
    'content-length: 0',
  ])
  assert.deepEqual(show({ 'if-none-match': etag }), validators)
  const empty = { ...about, size: 0 }
  assert.equal(show({}, empty).at(-1), 'content-length: 0')
  // As nginx and Apache: a part of nothing is all of it.
  for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-5']) {
    assert.equal(fileResponse(askFor({ range }), empty).status, 200, range)
  }
})

test('ranges are for GET alone', () => {
  for (const range of ['bytes=1-2', 'bytes=5000-'])
    assert.equal(fileResponse(askFor({ range }, 'HEAD'), about).status, 200)
  assert.equal(fileResponse(askFor({ 'if-none-match': etag }, 'HEAD'), about).status, 304)
})

test('dates are of Greenwich, wherever this runs', (t) => {
  const zone = process.env['TZ']
  t.after(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })
  process.env['TZ'] = 'America/New_York'
  const { status } = fileResponse(askFor({ 'if-modified-since': 'Tue Jan  2 03:04:05 2024' }), about)
  assert.equal(status, 304)
})
