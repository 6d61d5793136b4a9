/** What is found wrong with SPOP: a row for each rule, in bytes written from SPOE.txt. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fcgiRules } from '#src/inspect/fcgi-rules.js'
import { ruleTable, spopRules } from '#src/inspect/rules.js'
import type { InspectorOptions } from '#src/inspect/inspector.js'
import { findings, frame, inspect, recv, send, type Step } from './support.ts'

const size = '0e "max-frame-size" 03' // then a varint
const greeting = [
  send(
    `01 00 00 00 01 00 00 12 "supported-versions" 08 03 "2.0" ${size} fc f0 06
    0c "capabilities" 08 0a "pipelining" 09 "engine-id" 08 01 "e"`.replace(/\s+/g, ' '),
  ),
  recv(`65 00 00 00 01 00 00 07 "version" 08 03 "2.0" ${size} fc f0 06 0c "capabilities" 08 0a "pipelining"`),
]
const check = '05 "check" 00' // a message without arguments
const notify = (ids: string, at = 0) => send(`03 00 00 00 01 ${ids} ${check}`, at)
const ack = (ids: string, actions = '', at = 0) => recv(`67 00 00 00 01 ${ids} ${actions}`, at)
const answered = (actions: string) => [...greeting, notify('07 01'), ack('07 01', actions)]
const end = (from: Step['from'], what: 'fin' | 'reset' = 'fin', at = 0): Step => ({ from, what, at })
const hello = (rest: string) => send(`01 00 00 00 01 00 00 ${rest}`)
const agentHello = (rest: string) => [greeting[0] as Step, recv(`65 00 00 00 01 00 00 ${rest}`)]
const fragmenting = [
  greeting[0] as Step,
  recv(
    `65 00 00 00 01 00 00 07 "version" 08 03 "2.0" ${size} fc f0 06 0c "capabilities" 08 0d "fragmentation"`,
  ),
]
const bytes = (from: Step['from'], what: Buffer): Step => ({ from, what, at: 0 })
const healthCheck = send(
  `01 00 00 00 01 00 00 12 "supported-versions" 08 03 "2.0" ${size} fc f0 06 0c "capabilities" 08 00 0b "healthcheck" 11`,
)

type Row = readonly [
  rule: keyof typeof spopRules,
  says: RegExp,
  steps: readonly Step[],
  options?: Partial<InspectorOptions>,
]

const rows: readonly Row[] = [
  [
    'frame.not-spop',
    /no SPOP frame: they begin as HTTP does: "GET \/ HTTP\/1\.1"/,
    [bytes('client', Buffer.from('GET / HTTP/1.1\r\n\r\n'))],
  ],
  [
    'frame.not-spop',
    /no SPOP frame: they begin as TLS does/,
    [bytes('client', Buffer.from('160301020001000001fc0303', 'hex'))],
  ],
  ['frame.not-spop', /no SPOP frame: .*announced/, [bytes('client', Buffer.from('ffffffff', 'hex'))]],
  [
    'frame.truncated',
    /ends 5 bytes into a frame/,
    [...greeting, bytes('client', Buffer.from('0000000903', 'hex')), end('client')],
  ],
  [
    'frame.undecodable',
    /cannot be decoded: .*data type/,
    [...greeting, send('03 00 00 00 01 07 01 01 "m" 01 01 "a" 0f')],
  ],
  [
    'frame.undecodable',
    /cannot be decoded: .*ends inside/,
    [...greeting, send('03 00 00 00 01 f0 80 80 80')],
  ],
  [
    'frame.oversize',
    /16996 bytes, and max-frame-size is 16380: HAProxy disconnects with status 3/,
    [...greeting, notify('07 01'), ack('07 01', '01 03 02 01 "v" 08 f4 96 07'.concat(' 61*16980'))],
  ],
  ['frame.direction', /an agent never sends NOTIFY/, [...greeting, recv(`03 00 00 00 01 07 01 ${check}`)]],
  ['frame.before-hello', /NOTIFY before the HELLOs/, [notify('07 01')]],
  ['frame.unknown-type', /a frame of type 42/, [...greeting, send('2a 00 00 00 01 00 00')]],
  ['frame.flags', /flags 0x01000000.*host order/, [...greeting, send(`03 01 00 00 00 07 01 ${check}`)]],
  [
    'frame.no-fin',
    /ACK without FIN: .*status 10/,
    [...greeting, notify('07 01'), recv('67 00 00 00 00 07 01')],
  ],
  ['frame.ids', /AGENT-HELLO with the ids 3\/1/, [greeting[0] as Step, recv('65 00 00 00 01 03 01')]],
  ['hello.again', /a second HAPROXY-HELLO/, [...greeting, greeting[0] as Step]],
  [
    'hello.refused',
    /status 6: max-frame-size value not found/,
    [hello('12 "supported-versions" 08 03 "2.0" 0c "capabilities" 08 00')],
  ],
  [
    'hello.refused',
    /status 8: unsupported version/,
    agentHello(`07 "version" 08 03 "1.0" ${size} fc f0 06 0c "capabilities" 08 00`),
  ],
  [
    'hello.refused',
    /status 9: max-frame-size too big or too small: 20000, wanted 256 to 16380/,
    agentHello(`07 "version" 08 03 "2.0" ${size} f0 d3 08 0c "capabilities" 08 00`),
  ],
  [
    'hello.smaller-frames',
    /max-frame-size 256 is below HAProxy's 16380/,
    agentHello(`07 "version" 08 03 "2.0" ${size} f0 01 0c "capabilities" 08 00`),
  ],
  [
    'hello.async',
    /agree on async/,
    [
      hello(
        `12 "supported-versions" 08 03 "2.0" ${size} fc f0 06 0c "capabilities" 08 05 "async" 09 "engine-id" 08 01 "e"`,
      ),
      recv(`65 00 00 00 01 00 00 07 "version" 08 03 "2.0" ${size} fc f0 06 0c "capabilities" 08 05 "async"`),
    ],
  ],
  ['hello.no-capabilities', /no capabilities/, agentHello(`07 "version" 08 03 "2.0" ${size} fc f0 06`)],
  [
    'hello.split',
    /came in pieces \(20 of 68 bytes first\)/,
    [
      greeting[0] as Step,
      bytes('server', (greeting[1] as Step & { what: Buffer }).what.subarray(0, 20)),
      bytes('server', (greeting[1] as Step & { what: Buffer }).what.subarray(20)),
    ],
  ],
  [
    'hello.disconnected',
    /DISCONNECT in place of AGENT-HELLO/,
    [greeting[0] as Step, recv('66 00 00 00 01 00 00 0b "status-code" 03 0d 07 "message" 08 04 "full"')],
  ],
  [
    'notify.reused-pair',
    /NOTIFY 7\/1 was asked 108 ms ago and has no answer yet/,
    [...greeting, notify('07 01'), notify('07 01', 108)],
  ],
  [
    'notify.no-ack',
    /no ACK for NOTIFY 7\/1 \(check\) within 50 ms/,
    [...greeting, notify('07 01'), notify('09 01', 60)],
    { processingTimeout: 50 },
  ],
  ['notify.no-message', /a NOTIFY without messages/, [...greeting, send('03 00 00 00 01 07 01')]],
  [
    'fragment.not-agreed',
    /did not announce fragmentation/,
    [...greeting, send('03 00 00 00 00 07 01 05 "che"')],
  ],
  [
    'fragment.interlaced',
    /NOTIFY 9\/1 inside the fragments of 7\/1/,
    [...fragmenting, send('03 00 00 00 00 07 01 05 "che"'), notify('09 01')],
  ],
  [
    'fragment.interlaced',
    /UNSET 9\/1 continues nothing/,
    [...fragmenting, send('00 00 00 00 01 09 01 "ck"')],
  ],
  [
    'fragment.aborted',
    /gives up the fragmented NOTIFY 7\/1/,
    [...fragmenting, send('03 00 00 00 00 07 01 05 "che"'), send('00 00 00 00 03 07 01')],
  ],
  [
    'ack.frame-id',
    /ACK 7\/2 has a wrong frame id, 7\/1 is waiting/,
    [...greeting, notify('07 01'), ack('07 02')],
  ],
  ['ack.unasked', /ACK 9\/1 answers no NOTIFY/, [...greeting, notify('07 01'), ack('09 01')]],
  ['ack.again', /a second ACK 7\/1/, [...answered(''), ack('07 01')]],
  [
    'ack.late',
    /^ACK 31 ms after the stream timed out$/,
    [...greeting, notify('07 01'), ack('07 01', '', 81)],
    { processingTimeout: 50 },
  ],
  [
    'ack.ambiguous',
    /NOTIFY 7\/1 was asked twice/,
    [...greeting, notify('07 01'), notify('07 01', 50), ack('07 01', '', 60)],
  ],
  [
    'ack.early',
    /before the last fragment/,
    [...fragmenting, send('03 00 00 00 00 07 01 05 "che"'), ack('07 01')],
  ],
  ['action.type', /^action 1 ignored by HAProxy: its type is 3/, answered('03 02 02 01 "x"')],
  [
    'action.nb-args',
    /^action 2 ignored by HAProxy: nb-args is 4, set-var wants 3; so is every action behind it$/,
    answered('01 03 02 01 "x" 11 01 04 02 01 "y" 11'),
  ],
  ['action.scope', /^action 1 ignored by HAProxy: its scope is 5/, answered('01 03 05 01 "x" 11')],
  [
    'action.undecodable',
    /^action 2 ignored by HAProxy: .*data type/,
    answered('01 03 02 01 "x" 11 01 03 02 01 "y" 0a'),
  ],
  // What one agent library writes for unset-var: a value that does not belong there.
  ['action.type', /^action 2 ignored by HAProxy: its type is 0/, answered('02 02 02 01 "x" 00')],
  [
    'variable.long',
    /^variable name of 71 characters is dropped: behind 'txn.' and a prefix HAProxy has room for 57$/,
    answered('01 03 02 47 61*71 11'),
  ],
  [
    'variable.long',
    /behind 'txn\.agent\.' HAProxy has room for 53$/,
    answered('01 03 02 36 61*54 11'),
    { varPrefix: 'agent' },
  ],
  ['variable.name', /^variable name "a-b" is dropped/, answered('01 03 02 03 "a-b" 11')],
  [
    'value.negative',
    /txn\.n: uint64 18446744073709551615 becomes a negative/,
    answered('01 03 02 01 "n" 05 ff f0 fe fe fe fe fe fe fe 0e'),
  ],
  ['value.control', /txn\.s holds control characters/, answered('01 03 02 01 "s" 08 03 61 0d 62')],
  [
    'disconnect.status',
    /the agent leaves with status 4 \(invalid frame received\): sluice inspect explain 260/,
    [...greeting, recv('66 00 00 00 01 00 00 0b "status-code" 03 04')],
  ],
  [
    'disconnect.pending',
    /with 1 NOTIFY unanswered: the error 256 for each/,
    [...greeting, notify('07 01'), recv('66 00 00 00 01 00 00 0b "status-code" 03 00')],
  ],
  [
    'end.pending',
    /closes with no answer to NOTIFY 7\/1 \(check\): the error 257/,
    [...greeting, notify('07 01'), end('server')],
  ],
  [
    'end.given-up',
    /HAProxy closes while NOTIFY 7\/1 \(check\) waits/,
    [...greeting, notify('07 01'), end('client', 'reset')],
  ],
  ['end.no-disconnect', /closes without DISCONNECT/, [...greeting, end('server')]],
  [
    'end.health-check',
    /the end of a health check/,
    [healthCheck, greeting[1] as Step, end('client', 'reset')],
  ],
]

describe('rules of SPOP', () => {
  for (const [rule, says, steps, options] of rows) {
    it(`${rule}: ${says.source}`, () => {
      const found = findings(inspect(steps, options)).filter((each) => each.rule === rule)
      assert.equal(found.length, 1, JSON.stringify(found))
      assert.match(found[0]?.text ?? '', says)
    })
  }

  it('every rule has its row', () => {
    const tested = new Set(rows.map(([rule]) => rule))
    assert.deepEqual(
      Object.keys(spopRules).filter((rule) => !tested.has(rule as keyof typeof spopRules)),
      [],
    )
  })

  it('nothing is wrong with an ordinary conversation, however it is cut', () => {
    const steps = [...greeting, notify('07 01'), ack('07 01', '01 03 02 01 "x" 11', 3)]
    assert.deepEqual(findings(inspect(steps, { processingTimeout: 50 })), [])
    for (const step of steps.slice(2)) {
      const whole = step.what as Buffer
      const bytewise = Array.from(whole, (_, at) => ({ ...step, what: whole.subarray(at, at + 1) }))
      const cut = steps.flatMap((each) => (each === step ? bytewise : [each]))
      const entries = inspect(cut)
      assert.deepEqual(findings(entries), [])
      assert.equal(entries.filter(({ kind }) => kind === 'frame').length, 4)
    }
  })

  it('answers that may come on another connection of the engine (async) are known', () => {
    const hi = [
      hello(
        `12 "supported-versions" 08 03 "2.0" ${size} fc f0 06 0c "capabilities" 08 05 "async" 09 "engine-id" 08 01 "e"`,
      ),
      recv(`65 00 00 00 01 00 00 07 "version" 08 03 "2.0" ${size} fc f0 06 0c "capabilities" 08 05 "async"`),
    ]
    const second = hi.map((step) => ({ ...step, connection: 2 }))
    const steps = [...hi, ...second, notify('07 01'), { ...ack('07 01', '', 4), connection: 2 }]
    const rules = findings(inspect(steps)).map(({ rule }) => rule)
    assert.deepEqual(rules, ['hello.async', 'hello.async'])
  })

  it('bytes that are no frames are told once, whatever follows', () => {
    const steps = [
      bytes('client', Buffer.from('GE')),
      bytes('client', Buffer.from('T / HTTP/1.1\r\n\r\n')),
      bytes('client', frame('00')),
    ]
    const entries = inspect(steps)
    assert.deepEqual(
      entries.map(({ kind }) => kind),
      ['open', 'broken'],
    )
    assert.equal(
      entries[1]?.kind === 'broken' ? entries[1].bytes.toString('latin1') : '',
      'GET / HTTP/1.1\r\n\r\n',
    )
  })
})

it('docs/inspect.md has every rule (UPDATE_DOCS=1 writes it)', () => {
  const page = readFileSync('docs/inspect.md', 'utf8')
  const [before = '', , after = ''] = page.split(/(?<=<!-- rules -->\n)([^]*)(?=<!-- end of rules -->)/)
  assert.ok(after.length > 20, 'the marks are there')
  const wanted = `${before}${ruleTable(spopRules, fcgiRules)}${after}`
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync('docs/inspect.md', wanted)
  else assert.equal(page, wanted)
})
