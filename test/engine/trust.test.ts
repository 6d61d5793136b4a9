import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Trust, trustTransitions, type Attempts, type ServerTrust } from '#src/engine/trust.js'

const options = { maxFailures: 3, minBackoff: 40, maxBackoff: 80 }
const nothing: Attempts = { connecting: 0, open: 0, unproven: false }
const connecting: Attempts = { connecting: 1, open: 0, unproven: false }
const open: Attempts = { connecting: 3, open: 1, unproven: true }
const proven: Attempts = { connecting: 0, open: 2, unproven: false }
const unproven: Attempts = { connecting: 0, open: 2, unproven: true }

/** In a state, at the time 1000, when the last failure was; the next attempt may be made at 1080. */
function trustIn(state: ServerTrust): Trust {
  const trust = new Trust(options)
  if (state === 'up') return trust
  if (state === 'down') {
    trust.fail(0, 1)
    trust.fail(500, 1)
  } else {
    trust.fail(0, 1)
    trust.prove()
  }
  trust.fail(1000, 1)
  return trust
}

test('each state and each event, as docs/engine.md has them', () => {
  const events = { failed: 1, proved: 0, failedOften: 3 } as const
  for (const [state, transitions] of Object.entries(trustTransitions) as [ServerTrust, object][]) {
    for (const [event, next] of Object.entries(transitions) as [keyof typeof events, ServerTrust][]) {
      const trust = trustIn(state)
      assert.equal(trust.state, state)
      let now = 2000
      if (event === 'proved') trust.prove()
      else for (let failures = 0; failures < events[event]; failures++) trust.fail((now += 1000), 0)
      // One failure that is not the last straw of a server that is down keeps it there.
      assert.equal(trust.state, next, `${state}, ${event}`)
    }
  }
  const docs = readFileSync('docs/engine.md', 'utf8')
  for (const [state, { failed, failedOften, proved }] of Object.entries(trustTransitions)) {
    assert.ok(docs.includes(`| \`${state}\` | ${failed} | ${failedOften} | ${proved} |`), state)
  }
})

test('what may be attempted, in each state and with each kind of connections', () => {
  for (const [state, now, attempts, allowed] of [
    // The first goes ahead; when it is open, as many as one likes.
    ['up', 0, nothing, true],
    ['up', 0, connecting, false],
    ['up', 0, open, true],
    ['up', 0, proven, true],
    ['up', 0, unproven, true],
    // One at a time, and not before the wait is over.
    ['failing', 1039, nothing, false],
    ['failing', 1040, nothing, true],
    ['failing', 1040, connecting, false],
    ['failing', 1040, open, false],
    ['failing', 1040, unproven, false],
    ['failing', 1039, proven, false],
    ['failing', 1040, proven, true],
    ['down', 1079, nothing, false],
    ['down', 1080, nothing, true],
    ['down', 1080, connecting, false],
    ['down', 1080, unproven, false],
    ['down', 1080, proven, true],
  ] as const) {
    const trust = trustIn(state)
    assert.equal(trust.allows(now, attempts), allowed, `${state} at ${now}: ${JSON.stringify(attempts)}`)
  }
})

test('the wait doubles with each failure up to a limit, and is cut by chance to between half and all of it', () => {
  for (const chance of [0, 0.5, 1]) {
    const trust = new Trust(options)
    let now = 0
    for (const wait of [40, 80, 80, 80]) {
      trust.fail(now, chance)
      assert.equal(trust.retryAt - now, wait * (0.5 + chance / 2))
      now = trust.retryAt
    }
  }
})

test('at most 50 attempts in any second, whatever chance says', () => {
  const trust = new Trust(options)
  let now = 0
  const attempts: number[] = []
  while (now < 3000) {
    if (trust.allows(now, nothing)) {
      attempts.push(now)
      trust.fail(now, 0)
    }
    now++
  }
  for (const from of attempts) {
    const inOneSecond = attempts.filter((at) => at >= from && at < from + 1000).length
    assert.ok(inOneSecond <= 50, `${inOneSecond} from ${from} on`)
  }
})

test('being down is news once, and so is being back', () => {
  const trust = new Trust(options)
  assert.deepEqual(
    [0, 100, 200, 300].map((now) => trust.fail(now, 1)),
    [false, false, true, false],
  )
  assert.equal(trust.prove(), true)
  assert.equal(trust.prove(), false)
  trust.fail(1000, 1)
  assert.equal(trust.prove(), false) // it was not down
  assert.equal(trust.fail(2000, 1), false) // not in a row
  assert.equal(trust.retryAt, 2040) // the backoff begins again
})

test('of attempts that were made together, the first failure counts', () => {
  const trust = new Trust(options)
  for (let attempt = 0; attempt < 10; attempt++) assert.equal(trust.fail(100, 1), false)
  assert.equal(trust.state, 'failing')
  assert.equal(trust.retryAt, 140)
})
