import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker } from '#src/engine/breaker.js'

const options = { maxFailures: 3, minBackoff: 100, maxBackoff: 350 }

test('it opens at the failure that is one too many, for half to all of the backoff', () => {
  const breaker = new Breaker(options)
  assert.equal(breaker.fail(0, 0), false)
  assert.equal(breaker.fail(0, 0), false)
  assert.equal(breaker.state, 'closed')
  assert.ok(breaker.allows(0, 7))
  assert.equal(breaker.fail(1000, 0), true)
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.retryAt, 1050)
  assert.equal(breaker.allows(1049, 0), false)
  assert.ok(breaker.allows(1050, 0))
})

test('half-open means one at a time, and a failure doubles the wait, up to a limit', () => {
  const breaker = new Breaker({ ...options, maxFailures: 1 })
  let now = 0
  breaker.fail(now, 1)
  for (const wait of [100, 200, 350, 350]) {
    assert.equal(breaker.retryAt - now, wait)
    now = breaker.retryAt
    assert.equal(breaker.allows(now, 1), false)
    assert.ok(breaker.allows(now, 0))
    breaker.attempt()
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.allows(now, 1), false)
    assert.equal(breaker.fail(now, 1), false) // no news
  }
})

test('success closes it, and is news only after a failure', () => {
  const breaker = new Breaker({ ...options, maxFailures: 2 })
  assert.equal(breaker.succeed(), false)
  breaker.fail(0, 1)
  breaker.succeed()
  breaker.fail(0, 1)
  assert.equal(breaker.state, 'closed') // not in a row
  breaker.fail(0, 1)
  breaker.attempt()
  assert.equal(breaker.succeed(), true)
  assert.equal(breaker.state, 'closed')
  breaker.fail(0, 1)
  breaker.fail(0, 1)
  assert.equal(breaker.retryAt, 100) // the backoff begins again
})

test('failures of attempts that were under way when it opened change nothing', () => {
  const breaker = new Breaker({ ...options, maxFailures: 1 })
  breaker.fail(0, 1)
  assert.equal(breaker.fail(50, 1), false)
  assert.equal(breaker.retryAt, 100)
})
