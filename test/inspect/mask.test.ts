/** What is hidden of a frame, and that nothing else is: the bytes stay as many as they were. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FrameEntry } from '#src/inspect/entry.js'
import { HeaderMasker, maskLoose } from '#src/inspect/mask.js'
import { Inspector } from '#src/inspect/inspector.js'
import { formatEntry } from '#src/inspect/text.js'
import { frame, inspect, recv, send, type Step } from './support.ts'

const hello = [
  send(
    '01 00 00 00 01 00 00 12 "supported-versions" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 00',
  ),
  recv(
    '65 00 00 00 01 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 0d "fragmentation"',
  ),
]

const size = (text: string) => Buffer.byteLength(text).toString(16).padStart(2, '0')
const hex = (text: string) => Buffer.from(text).toString('hex')
const string = (text: string) => `${size(text)} ${hex(text)}`

/** What the one argument of a message, a string or bytes, is shown as. */
function shown(name: string, value: string, type = '08'): string {
  const notify = send(`03 00 00 00 01 07 01 ${string('m')} 01 ${string(name)} ${type} ${string(value)}`)
  const entries = inspect([...hello, notify])
  const [argument] = (entries.at(-1) as FrameEntry).details[0]?.values ?? []
  const text = String(argument?.value)
  return type === '09' ? Buffer.from(text, 'hex').toString('latin1') : text
}

/** `req.hdrs_bin`. */
const pairs = (...headers: readonly (readonly [string, string])[]) =>
  Buffer.from(
    `${headers.map(([name, value]) => string(name) + string(value)).join('')}0000`.replace(/\s/g, ''),
    'hex',
  ).toString('latin1')

describe('what is hidden', () => {
  for (const [what, name, value, wanted] of [
    ['a cookie by its name', 'cookie', 'sid=1', '*****'],
    ['Set-Cookie', 'set-cookie', 'sid=1', '*****'],
    ['Authorization', 'req.authorization', 'x', '*'],
    ['a token', 'access_token', 'abc', '***'],
    ['a password', 'passwd', 'abc', '***'],
    ['a scheme and what follows, whatever the name', 'auth', 'Bearer abc', '**********'],
    ['several cookies without a name', '', 'a=b; c=d', '********'],
    [
      'lines of req.hdrs',
      'hdrs',
      'host: a\r\nCookie: b=c\r\nx: y\r\n\r\n',
      'host: a\r\nCookie:****\r\nx: y\r\n\r\n',
    ],
    [
      'a folded line',
      'hdrs',
      'authorization: a\r\n b\r\nx: y\r\n\r\n',
      'authorization:**\r\n**\r\nx: y\r\n\r\n',
    ],
    ['no path', 'path', '/a?b=c', '/a?b=c'],
    ['no user agent', 'ua', 'curl/8 (a; b)', 'curl/8 (a; b)'],
    ['nothing of a body behind the head', 'hdrs', 'a: b\r\n\r\ncookie: d', 'a: b\r\n\r\ncookie: d'],
    ['nothing of an empty value', 'cookie', '', ''],
  ] as const) {
    it(what, () => assert.equal(shown(name, value), wanted))
  }

  it('pairs of req.hdrs_bin', () => {
    const given = pairs(['host', 'a'], ['cookie', 'b=c'], ['authorization', 'Basic x'], ['x', 'y'])
    const wanted = pairs(['host', 'a'], ['cookie', '***'], ['authorization', '*******'], ['x', 'y'])
    assert.equal(shown('hdrs', given, '09'), wanted)
    assert.equal(shown('hdrs', given.slice(0, 12), '09'), wanted.slice(0, 12), 'one that is cut')
  })

  it('values of variables, in an ACK', () => {
    const ack = recv(
      `67 00 00 00 01 07 01 01 03 02 ${string('set_cookie')} 08 ${string('s=1')} 01 03 02 ${string('n')} 08 ${string('v')}`,
    )
    const notify = send('03 00 00 00 01 07 01 01 "m" 00')
    const { details } = inspect([...hello, notify, ack]).at(-1) as FrameEntry
    assert.deepEqual(
      details.map(({ values }) => values[0]?.value),
      ['***', 'v'],
    )
    const text = formatEntry(inspect([...hello, notify, ack]).at(-1) as FrameEntry, {
      longestValue: 10,
      colour: false,
      sources: false,
    })
    assert.match(text.join('\n'), /set-var txn\.set_cookie = string \(hidden, 3 characters\)/)
  })

  it('nothing, when all is to be shown', () => {
    const notify = send(`03 00 00 00 01 07 01 01 "m" 01 ${string('cookie')} 08 ${string('a')}`)
    const entries = inspect([...hello, notify], { showSecrets: true })
    assert.equal((entries.at(-1) as FrameEntry).details[0]?.values[0]?.value, 'a')
  })

  it('in lines that come a byte at a time', () => {
    const masker = new HeaderMasker()
    const bytes = Buffer.from('Status: 200\r\nSet-Cookie: a=b\r\nX: y\r\n\r\nSet-Cookie: body')
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
    for (const piece of pieces) masker.mask(piece)
    assert.equal(bytes.toString(), 'Status: 200\r\nSet-Cookie:****\r\nX: y\r\n\r\nSet-Cookie: body')
  })

  it('in bytes of no known form', () => {
    const bytes = Buffer.from('GET / HTTP/1.1\r\nCookie: abc\r\nHost: a\r\n\r\n')
    maskLoose(bytes)
    assert.equal(bytes.toString(), 'GET / HTTP/1.1\r\nCookie: ***\r\nHost: a\r\n\r\n')
  })
})

describe('what is kept for a capture', () => {
  const notify = `${string('m')} 01 ${string('cookie')} 08 ${string('secret-1')}`
  const payload = frame(notify).subarray(4)
  const pieces = (cut: number): Step[] => [
    send(`03 00 00 00 00 07 01 ${payload.subarray(0, cut).toString('hex')}`),
    send(`00 00 00 00 01 07 01 ${payload.subarray(cut).toString('hex')}`),
  ]

  function kept(steps: readonly Step[]): Buffer {
    const bytes: Buffer[] = []
    const settings = { showSecrets: false, processingTimeout: undefined, varPrefix: undefined }
    const inspector = new Inspector({
      ...settings,
      protocol: 'auto',
      onEntry: () => {},
      onBytes: (_, __, piece) => bytes.push(piece),
    })
    const inspected = inspector.open({ client: 'a', server: 'b' }, 0)
    for (const { from, what } of steps) inspected.push(from, what as Buffer, 0)
    inspected.end('client', 'fin', 0)
    return Buffer.concat(bytes)
  }

  it('is as long as what came, without the secret, wherever a fragment is cut', () => {
    for (let cut = 1; cut < payload.length; cut++) {
      const steps = [...hello, ...pieces(cut)]
      const came = Buffer.concat(steps.map(({ what }) => what as Buffer))
      const found = kept(steps)
      assert.equal(found.length, came.length)
      assert.equal(kept(steps.slice(0, -1)).includes('secret'), false, 'the last one is missing')
      // Frame heads apart, the bytes that differ are those of the secret.
      assert.equal(found.filter((byte, at) => byte !== came[at]).length, 'secret-1'.length)
    }
  })

  it('holds no secret of bytes that are no frames', () => {
    const what = Buffer.from('GET / HTTP/1.1\r\nCookie: secret-1\r\n\r\n')
    const found = kept([
      { from: 'client', what: what.subarray(0, 30), at: 0 },
      { from: 'client', what: what.subarray(30), at: 0 },
    ])
    assert.equal(found.length, what.length)
    assert.equal(found.includes('cret'), false)
  })
})
