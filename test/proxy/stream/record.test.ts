/** What the log tells, by sequences of what happens: HAProxy 2.6 shows the same (configuration.txt 8.4 and 8.5). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { monotonic } from '#src/base/clock.js'
import { StreamRecord } from '#src/proxy/stream/record.js'

function begun({ idle = 0 } = {}): StreamRecord {
  const now = monotonic()
  return new StreamRecord({ accepted: now - idle, acceptDate: 0, begun: now, requestDate: 0 }, -1)
}

/** The clock is read once a turn: on a busy machine a timer may fire in the turn that has begun it. */
async function pause(): Promise<void> {
  await sleep(12)
  await nextTurn()
}

type Event = (record: StreamRecord) => void

const ready: Event = (record) => record.requestReady()
const queued: Event = (record) => record.queued(3)
const assigned: Event = (record) => record.assigned()
const connected: Event = (record) => record.connected(false)
const answering: Event = (record) => {
  record.responded()
  record.answering()
}

/** What happens, who is blamed, and the termination state. */
const terminations: readonly (readonly [string, readonly Event[], string])[] = [
  ['nothing', [], 'CR'],
  ['the rules wait', [ready], 'CR'],
  ['a tarpit', [(record) => record.tarpitted()], 'CT'],
  ['the queue', [ready, queued], 'CQ'],
  ['no server, behind the queue', [ready, queued, (record) => record.unassigned()], 'CQ'],
  ['no server', [ready, (record) => record.unassigned()], 'CC'],
  ['a connection', [ready, assigned], 'CC'],
  ['the head of the response', [ready, assigned, connected], 'CH'],
  ['the response', [ready, assigned, connected, answering], 'CD'],
  ['the last bytes', [ready, assigned, connected, answering, (record) => record.answered()], 'CL'],
  ['a refused response', [ready, assigned, connected, answering, (record) => record.responseRefused()], 'CH'],
  ['a refused request', [ready, assigned, connected, (record) => record.requestRefused()], 'CR'],
]

describe('the record of a stream', () => {
  for (const [name, events, state] of terminations) {
    it(`tells how far it came: ${name}`, () => {
      const record = begun()
      for (const event of events) event(record)
      assert.equal(record.termination, '--')
      record.blame('C')
      assert.equal(record.termination, state)
    })
  }

  it('blames who was first', () => {
    const record = begun()
    record.blame('-')
    record.blame('c')
    record.blame('S')
    record.blame('-')
    assert.equal(record.cause, 'c')
  })

  it('tells each time apart', async () => {
    // The clock may have begun with the process.
    const idle = Math.trunc(monotonic() / 2)
    const record = begun({ idle })
    await pause()
    record.requestReady()
    const { requestTime } = record
    record.requestReady()
    record.queued(2)
    await pause()
    record.assigned()
    const first = record.queueTime
    await pause()
    record.connected(false)
    // What the first server has cost is waiting, when a second one is chosen.
    record.assigned()
    assert.equal(record.connectTime, -1)
    const { queueTime } = record
    assert.ok(queueTime >= first + 10, `${queueTime}, ${first} before`)
    await pause()
    record.connected(false)
    await pause()
    record.responded()
    const { responseTime } = record
    record.responded()
    record.answering()
    await pause()
    record.ended()
    assert.ok(idle > 5 && Math.abs(record.idleTime - idle) <= 1)
    assert.equal(record.requestTime, requestTime)
    assert.equal(record.queueTime, queueTime)
    assert.equal(record.responseTime, responseTime)
    assert.equal(record.queuedBefore, 3)
    const { connectTime, dataTime, activeTime, totalTime, requestEnd } = record
    for (const time of [requestTime, queueTime, connectTime, responseTime, dataTime])
      assert.ok(time >= 10, `${time}`)
    const sum = requestTime + queueTime + connectTime + responseTime + dataTime
    assert.ok(Math.abs(activeTime - sum) <= 5, `${activeTime} is not ${sum}`)
    assert.ok(Math.abs(totalTime - activeTime - idle) <= 1)
    assert.ok(Math.abs(requestEnd - requestTime - idle) <= 1)
  })

  it('a kept connection took no time, and what did not happen is -1', async () => {
    const record = begun()
    record.requestReady()
    record.assigned()
    await pause()
    record.connected(true)
    assert.equal(record.connectTime, 0)
    assert.ok(record.queueTime >= 0)
    assert.equal(record.responseTime, -1)
    record.responded()
    assert.ok(record.responseTime >= 10)
    record.responseRefused()
    assert.equal(record.responseTime, -1)
    assert.equal(record.totalTime, -1)
    const none = begun()
    assert.deepEqual([none.requestTime, none.queueTime, none.connectTime, none.dataTime], [-1, -1, -1, -1])
  })

  it('the time in a tarpit is time in the queue, and so is the wait for nothing', async () => {
    const record = begun()
    record.tarpitted()
    await pause()
    record.requestReady()
    assert.ok(record.queueTime >= 10)
    assert.equal(record.requestTime, -1)
    const waited = begun()
    waited.requestReady()
    waited.queued(0)
    await pause()
    waited.queueLeft()
    assert.ok(waited.queueTime >= 10)
  })

  it('is an error for the log as HAProxy says', () => {
    const cases: readonly (readonly [Event, boolean])[] = [
      [() => {}, false],
      [(record) => (record.status = 499), false],
      [(record) => (record.status = 500), true],
      [(record) => (record.retries = 1), true],
      [(record) => (record.redispatched = true), true],
      [(record) => record.blame('L'), false],
      [(record) => record.blame('C'), true],
      [(record) => record.blame('P'), true],
    ]
    for (const [event, wrong] of cases) {
      const record = begun()
      event(record)
      assert.equal(record.wentWrong, wrong, event.toString())
    }
  })

  it('carried something when bytes of the client came, be they a request or not', () => {
    const record = begun()
    record.bytesRead = 100
    assert.equal(record.carried, false)
    record.garbled = true
    assert.equal(record.carried, true)
    record.garbled = false
    record.bytesUploaded = 1
    assert.equal(record.carried, true)
  })
})
