/** What HAProxy 2.6 to 3.5-dev5 really said is said again to our agent, cut in several ways. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { createAgent, type Agent } from 'sluice/agent'
import { parseCapture, replayCapture, TestingError, type CapturedConnection } from 'sluice/testing'
import { ack, agentHello, hex } from '../support/peer.ts'

/** NOTIFYs of each recording. */
const recorded = { '2.6.12': 10, '3.0.0': 10, '3.2.0': 9, '3.5-dev5': 9 } as const

function read(version: string): CapturedConnection[] {
  return parseCapture(readFileSync(`test/vectors/captures/haproxy-${version}.jsonl`, 'utf8'))
}

/** Answers with each named argument as a variable of the transaction, as the agent of the recordings did. */
function createEcho(t: TestContext, delay?: number): Agent {
  const agent = createAgent()
  agent.otherwise(async (message, actions) => {
    if (delay !== undefined) await new Promise((resolve) => setTimeout(resolve, delay))
    for (const [name, value] of message.args) if (name !== '') actions.setVar('txn', name, value)
  })
  t.after(() => agent.close())
  return agent
}

for (const [version, notifies] of Object.entries(recorded)) {
  for (const cutting of ['recorded', 'whole', 1, 2, 7, 100] as const) {
    test(`${version}, cut ${cutting}: every NOTIFY is answered once`, async (t) => {
      const report = await replayCapture(createEcho(t), read(version), { cutting })
      assert.deepEqual(report.faults, [])
      assert.deepEqual([report.notifies, report.answered], [notifies, notifies])
    })
  }

  test(`${version}: the same with handlers that take a while, over TCP`, async (t) => {
    const agent = createEcho(t, 2)
    const endpoint = await agent.listen('127.0.0.1:0')
    const report = await replayCapture(endpoint, read(version))
    assert.deepEqual(report.faults, [])
    assert.equal(report.answered, notifies)
  })
}

/** One connection: HELLO, then NOTIFY 1/1 and 3/1. */
const twoNotifies = parseCapture(
  [
    ['haproxy>agent', '00000012010000000100000161080162'],
    ['agent>haproxy', '00'],
    ['haproxy>agent', '000000070300000001010100000007030000000103 01'.replaceAll(' ', '')],
  ]
    .map(([dir, digits]) => JSON.stringify({ ms: 0, conn: 4, dir, hex: digits }))
    .join('\n')
    .replace('0000001201', '0000000c01'),
)

function scripted(answer: Buffer): { accept(stream: Duplex): void } {
  return {
    accept(stream) {
      let hello = true
      stream.on('data', () => {
        stream.write(hello ? agentHello() : answer)
        hello = false
      })
    },
  }
}

for (const [what, answer, fault] of [
  [
    'answers one twice',
    [ack('01 01'), ack('01 01'), ack('03 01')],
    /^connection 4: NOTIFY 1\/1 was answered 2 times$/,
  ],
  [
    'forgets one',
    [ack('03 01')],
    /^connection 4: 1 of 3 answers are missing,connection 4: NOTIFY 1\/1 was answered 0 times$/,
  ],
  [
    'answers what was not asked',
    [ack('01 01'), ack('03 01'), ack('05 01')],
    /^connection 4: ACK 5\/1 .* belongs to no NOTIFY$/,
  ],
  ['sends no frames', [hex('"HTTP/1.1 400 Bad Request"')], /bytes that are no frame/],
  [
    'sends broken actions',
    [ack('01 01', '02 02 02 01 "x" 00'), ack('03 01')],
    /connection 4: a frame of type 103 that is broken/,
  ],
  ['disconnects', [hex('00000017 66 00000001 00 00 0b "status-code" 03 63 00 00')], /connection 4/],
] as const) {
  test(`an agent that ${what} is found out`, async () => {
    const report = await replayCapture(scripted(Buffer.concat(answer)), twoNotifies, { timeout: 50 })
    assert.match(String(report.faults), fault)
  })
}

for (const [line, reason] of [
  ['nonsense', /line 2 is not JSON/],
  ['5', /line 2 is not an object/],
  ['{"conn": 1, "ms": 1, "dir": "up"}', /line 2: wanted conn, ms and dir/],
  ['{"conn": 1, "dir": "haproxy>agent", "hex": "abc"}', /line 2: 'hex' is not hexadecimal/],
  ['{"conn": 1, "dir": "haproxy>agent", "event": "gone"}', /line 2: .*fin/],
] as const) {
  test(`a recording with the line ${line} is refused`, () => {
    assert.throws(
      () => parseCapture(`{"conn": 1, "dir": "haproxy>agent"}\n${line}\n`),
      (error) =>
        error instanceof TestingError && error.code === 'ERR_TESTING_CAPTURE' && reason.test(error.message),
    )
  })
}
