/** When a connection has kept the agent waiting for too long, by a clock of the test's own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { overdue, type Waiting } from '#src/agent/overdue.js'

const limits = {
  stallTimeout: 30_000,
  receiveTimeout: 10_000,
  handshakeTimeout: 5000,
  idleTimeout: 60_000,
  maxPendingOutput: 1000,
}
const fine: Waiting = { state: 'open', stalled: 0, over: false, owing: 0, silent: 0, held: 0 }

/** What is seen, and the end, if it is one. */
const rows: readonly (readonly [Partial<Waiting>, string])[] = [
  [{}, ''],
  [{ stalled: 30_000 }, ''],
  [{ stalled: 30_001 }, 'stalled: for 30000 ms'],
  [{ stalled: 30_001, state: 'leaving' }, 'stalled: for 30000 ms'],
  [{ stalled: 500, over: true }, ''],
  [{ stalled: 501, over: true }, 'stalled: more than 1000 bytes wait for it'],
  [{ owing: 10_000 }, ''],
  [{ owing: 10_001 }, 'fault: after 10000 ms'],
  [{ owing: 10_001, state: 'idle' }, 'fault: after 10000 ms'],
  [{ state: 'idle', silent: 5000 }, ''],
  [{ state: 'idle', silent: 5001 }, 'fault: after 5000 ms'],
  [{ state: 'checked', silent: 60_001 }, ''],
  [{ silent: 60_000 }, ''],
  [{ silent: 60_001 }, 'drain: after 60000 ms'],
  [{ silent: 60_001, held: 1 }, ''],
  [{ silent: 60_001, state: 'draining' }, ''],
  [{ stalled: 30_001, owing: 10_001, silent: 60_001 }, 'stalled: for 30000 ms'],
]

const told = (waiting: Waiting, given: typeof limits) => {
  const due = overdue(waiting, given)
  return due === undefined ? '' : `${due.event}: ${due.error.message.split(': ')[1] ?? ''}`
}

describe('overdue', () => {
  for (const [seen, expected] of rows)
    it(`${JSON.stringify(seen)} is ${expected === '' ? 'fine' : expected}`, () => {
      assert.equal(told({ ...fine, ...seen }, limits), expected)
    })

  it('is nobody where the limits are 0', () => {
    const none = {
      stallTimeout: 0,
      receiveTimeout: 0,
      handshakeTimeout: 0,
      idleTimeout: 0,
      maxPendingOutput: 0,
    }
    for (const [seen] of rows) {
      if (seen.over !== true) assert.equal(told({ ...fine, ...seen }, none), '')
    }
  })
})
