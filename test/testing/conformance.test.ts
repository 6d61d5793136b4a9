/** The conformance checks pass good agents, ours and another, and fail each known defect in the right rows. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, test, type TestContext } from 'node:test'
import { createAgent, type Agent } from 'sluice/agent'
import {
  checklist,
  createSocketPair,
  IpAddress,
  runConformance,
  TestingError,
  type ConformanceOptions,
  type ConformanceReport,
} from 'sluice/testing'
import { conformanceChecks } from '#src/testing/conformance/checks.js'
import { RawAgent, type Defect } from './raw-agent.ts'

const messages = [{ name: 'm', args: [['ip', IpAddress.parse('192.0.2.1')]] }] as const

function createOurs(t: TestContext): Agent {
  const agent = createAgent({ deadline: 50 })
  agent.message('m', { ip: 'ip' }, ({ ip }, actions) => {
    actions.setVar('sess', 'ip', ip.toString())
    actions.unsetVar('txn', 'old')
  })
  agent.message('hang', () => new Promise(() => {}))
  t.after(() => agent.destroy())
  return agent
}

const failures = ({ results }: ConformanceReport, level?: 'must' | 'should') =>
  results
    .filter((result) => result.status === 'fail' && (level ?? result.level) === result.level)
    .map(({ id, expected, got }) => `${id}: wanted ${expected}, got ${got}`)

const skipped = ({ results }: ConformanceReport) =>
  results.filter(({ status }) => status === 'skip').map(({ id }) => id)

describe('our agent conforms', { concurrency: true }, () => {
  it('in memory, with everything that can be checked', async (t) => {
    const agent = createOurs(t)
    const report = await runConformance(agent, {
      messages,
      slow: [{ name: 'hang', args: [] }],
      stop: () => agent.close(),
    })
    assert.deepEqual(failures(report), [])
    assert.deepEqual(skipped(report), ['fragment.refused'])
    assert.equal(report.passed, report.results.length - 1)
  })

  it('over TCP, and says what could not be seen', async (t) => {
    const endpoint = await createOurs(t).listen('127.0.0.1:0')
    const report = await runConformance(endpoint)
    assert.deepEqual(failures(report), [])
    assert.deepEqual(skipped(report), [
      'notify.second',
      'ack.actions',
      'ack.names',
      'ack.integers',
      'ack.size',
      'fragment.same',
      'fragment.refused',
      'policy.deadline',
      'policy.drain',
    ])
  })

  it('over a unix socket', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'agent.sock')
    await createOurs(t).listen(path)
    assert.deepEqual(failures(await runConformance(path, { messages })), [])
  })

  it('without fragmentation and pipelining', async (t) => {
    const agent = createAgent({ fragmentation: false, pipelining: false })
    t.after(() => agent.destroy())
    const report = await runConformance(agent, { only: ['hello', 'delivery', 'fragment'] })
    assert.deepEqual(failures(report), [])
    assert.ok(skipped(report).includes('delivery.pipelined'))
    assert.ok(!skipped(report).includes('fragment.refused'))
  })
})

test('the least message that there is can be asked, too', async (t) => {
  for (const name of ['', 'n', 'nn']) {
    const agent = createAgent()
    t.after(() => agent.destroy())
    agent.message(name, (_, actions) => void actions.setVar('txn', 'known', true))
    const report = await runConformance(agent, {
      messages: [{ name, args: [] }],
      only: ['notify', 'fragment'],
    })
    assert.deepEqual(failures(report), [])
    assert.deepEqual(skipped(report), ['fragment.refused'])
  }
})

test("a catch-all may answer the checks' own messages with actions", async (t) => {
  const agent = createOurs(t)
  agent.otherwise((message, actions) => {
    actions.setVar('txn', 'last_message', message.name)
    actions.setVar('sess', 'ip', '192.0.2.1')
  })
  // In the second run nobody has registered the asked message either.
  for (const asked of [messages, [{ name: 'other', args: [] }]]) {
    const report = await runConformance(agent, { messages: asked })
    assert.deepEqual(failures(report), [])
    assert.equal(report.results.find(({ id }) => id === 'notify.second')?.status, 'pass')
  }
})

const good = ['a', 'b']
for (const [what, names] of [
  ['change places', ['b', 'a']],
  ['change', ['a', 'c']],
  ['are missing', ['b']],
] as const) {
  test(`actions of the asked message that ${what} behind another message are no good`, async (t) => {
    let isSecond = false
    const agent = createAgent()
    t.after(() => agent.destroy())
    agent.otherwise((_, actions) => {
      isSecond = true
      actions.setVar('txn', 'other', 1)
    })
    agent.message('m', (_, actions) => {
      for (const name of isSecond ? names : good) actions.setVar('txn', name, 1)
    })
    const report = await runConformance(agent, { messages, only: ['notify.second'] })
    assert.deepEqual([report.passed, report.failed], [0, 1])
    assert.match(failures(report)[0] ?? '', /wanted the actions 0103.*, among others or alone, got 0103/)
  })
}

test('an agent in raw bytes that keeps the rules conforms too', async () => {
  const report = await runConformance(new RawAgent(), { messages })
  assert.deepEqual(failures(report), [])
  assert.ok(report.passed > 70)
})

/** Which rows a defect fails, of all that were run, and in which groups to look. */
const defects: [Defect, readonly string[], { must?: readonly string[]; should?: readonly string[] }][] = [
  ['split-hello', ['hello.'], { must: ['hello.one-write'] }],
  ['no-capabilities', ['hello.', 'health.'], { must: ['hello.answer', 'health.answer'] }],
  ['announces-async', ['hello.'], { should: ['hello.capabilities-common', 'hello.no-async'] }],
  ['exact-version', ['hello.'], { must: ['hello.versions'], should: ['hello.version-minor'] }],
  [
    'any-version',
    ['hello.'],
    { must: ['hello.version-old', 'hello.version-new'], should: ['hello.version-malformed'] },
  ],
  ['prefix-keys', ['hello.'], { must: ['hello.key-exact'] }],
  ['only-uint32', ['hello.'], { must: ['hello.integer-types'] }],
  ['healthcheck-by-presence', ['health.'], { must: ['health.false'] }],
  [
    'no-size-check',
    ['garbage.'],
    { must: ['garbage.http', 'garbage.4gb', 'garbage.tls', 'garbage.too-big', 'garbage.after'] },
  ],
  [
    'status-99',
    ['hello.', 'garbage.truncated', 'garbage.too-big', 'fragment.'],
    {
      should: [
        'hello.version-old',
        'hello.version-new',
        'hello.no-version',
        'hello.no-size',
        'hello.no-capabilities',
        'hello.size-small',
        'hello.version-malformed',
        'fragment.refused',
        'garbage.too-big',
        'garbage.truncated',
      ],
    },
  ],
  ['ids-as-doubles', ['notify.'], { must: ['notify.big-ids'] }],
  ['stream-0-is-none', ['notify.'], { must: ['notify.stream-0'] }],
  [
    'silent-without-handler',
    ['notify.unknown', 'notify.empty', 'notify.second', 'health.'],
    { must: ['notify.unknown', 'notify.empty'] },
  ],
  ['signed-nb-args', ['notify.'], { must: ['notify.arguments'] }],
  ['ignores-nb-args', ['notify.'], { must: ['notify.second'] }],
  ['unset-with-null', ['ack.', 'notify.unknown'], { must: ['ack.actions'] }],
  ['ack-too-big', ['hello.size', 'ack.'], { must: ['hello.size-256', 'ack.size'] }],
  ['ack-in-pieces', ['delivery.one-write', 'delivery.pipelined'], { should: ['delivery.one-write'] }],
  [
    'ack-twice',
    ['delivery.pipelined', 'delivery.one-write'],
    { must: ['delivery.pipelined'], should: ['delivery.one-write'] },
  ],
  ['mixes-frames', ['delivery.pipelined', 'notify.unknown'], { must: ['delivery.pipelined'] }],
  ['little-endian-flags', ['hello.answer', 'hello.head'], { must: ['hello.answer'] }],
  [
    'one-frame-per-read',
    ['delivery.joined', 'delivery.pipelined'],
    { must: ['delivery.joined', 'delivery.pipelined'] },
  ],
  [
    'one-connection-at-a-time',
    ['delivery.independent', 'delivery.burst', 'notify.ids'],
    {
      must: ['notify.ids-per-connection', 'delivery.burst', 'delivery.independent'],
    },
  ],
  ['no-farewell', ['end.disconnect', 'end.fin'], { should: ['end.disconnect'] }],
  ['never-closes', ['end.disconnect'], { must: ['end.disconnect'] }],
  [
    'fragments-alone',
    ['fragment.'],
    {
      must: ['fragment.joined', 'fragment.same', 'fragment.every-byte', 'fragment.abort'],
      should: ['fragment.interlaced-notify', 'fragment.interlaced-unset'],
    },
  ],
]

describe('a defect fails its rows, and no others', () => {
  for (const [defect, only, { must = [], should = [] }] of defects) {
    it(defect, async () => {
      const report = await runConformance(new RawAgent(defect), { messages, only, timeout: 100 })
      const rows = (level: 'must' | 'should') =>
        failures(report, level).map((line) => line.slice(0, line.indexOf(':')))
      const context = failures(report).join('\n')
      assert.deepEqual(new Set(rows('must')), new Set(must), context)
      assert.deepEqual(new Set(rows('should')), new Set(should), context)
      assert.deepEqual([report.failed, report.warnings], [must.length, should.length])
    })
  }
})

test('a failed row tells what was wanted, what came, and the bytes of both ends', async () => {
  const options: ConformanceOptions = { only: ['health.false'], timeout: 100 }
  const { results } = await runConformance(new RawAgent('healthcheck-by-presence'), options)
  const [row] = results
  assert.equal(row?.status, 'fail')
  assert.equal(row?.expected, 'the ACK of 1/1')
  assert.equal(row?.got, 'the agent closed the connection')
  assert.deepEqual(row?.points, ['A4', 'W5', 'W19'])
  // HELLO with healthcheck false at its end, the answer, the agent's end.
  assert.match(row?.bytes[0] ?? '', /^> 0000[0-9a-f]+0b6865616c7468636865636b01$/)
  assert.match(row?.bytes[1] ?? '', /^< 000000[0-9a-f]{2}65000000010000/)
  assert.ok(row?.bytes.includes('< FIN'))
})

test('an agent that dies is noticed, and what comes after is skipped', async () => {
  const agent = new RawAgent('dies-of-http')
  const connect = () => {
    const [ours, theirs] = createSocketPair()
    try {
      agent.accept(theirs)
    } catch (cause) {
      throw new TestingError('ERR_TESTING_CLOSED', 'cannot connect', { cause })
    }
    return ours
  }
  const { results } = await runConformance(connect, {
    only: ['garbage.http', 'garbage.4gb', 'garbage.tls'],
    timeout: 100,
  })
  assert.deepEqual(
    results.map(({ id, status }) => [id, status]),
    [
      ['garbage.http', 'fail'],
      ['garbage.4gb', 'skip'],
      ['garbage.tls', 'skip'],
    ],
  )
  assert.match(results[0]?.expected ?? '', /still there/)
  assert.equal(results[1]?.reason, 'the agent is gone since garbage.http')
})

test('without a connection there is no report', async () => {
  await assert.rejects(
    runConformance('/nowhere/agent.sock'),
    (error) => error instanceof TestingError && error.code === 'ERR_TESTING_CLOSED',
  )
})

test('every point of the checklist is looked at by some check, and every id is there once', () => {
  const seen = new Set(conformanceChecks.flatMap(({ points }) => points))
  assert.deepEqual(
    [...checklist.keys()].filter((point) => !seen.has(point)),
    [],
  )
  assert.equal(checklist.size, 14 + 26)
  const ids = conformanceChecks.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids)
    assert.match(id, /^(hello|health|notify|ack|delivery|fragment|garbage|end|policy)\.[a-z0-9-]+$/)
})
