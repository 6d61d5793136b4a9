/** The table of `set_server_check_status` and `srv_getinter` (HAProxy, src/check.c), by hand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthCounter } from '#src/proxy/server/health-counter.js'

/** Results in, and after each: the status of the log line in parentheses when there is none, and the interval. */
const table: readonly (readonly [rise: number, fall: number, steps: readonly string[]])[] = [
  [2, 3, ['P 3/3 UP inter', 'P (3/3 UP) inter', 'F 2/3 UP fastinter', 'P 3/3 UP inter']],
  [2, 3, ['P 3/3 UP inter', 'F 2/3 UP fastinter', 'F 1/3 UP fastinter', 'F 0/2 DOWN downinter']],
  [2, 3, ['F 0/2 DOWN downinter', 'F (0/2 DOWN) downinter', 'P 1/2 DOWN fastinter', 'P 3/3 UP inter']],
  [2, 3, ['F 0/2 DOWN downinter', 'P 1/2 DOWN fastinter', 'F 0/2 DOWN downinter', 'P 1/2 DOWN fastinter']],
  [3, 2, ['P 2/2 UP inter', 'F 1/2 UP fastinter', 'F 0/3 DOWN downinter', 'P 1/3 DOWN fastinter']],
  [3, 2, ['F 0/3 DOWN downinter', 'P 1/3 DOWN fastinter', 'P 2/3 DOWN fastinter', 'F 0/3 DOWN downinter']],
  [3, 2, ['F 0/3 DOWN downinter', 'P 1/3 DOWN fastinter', 'P 2/3 DOWN fastinter', 'P 2/2 UP inter']],
  [1, 1, ['P (1/1 UP) inter', 'F 0/1 DOWN downinter', 'P 1/1 UP inter']],
  [1, 3, ['F 0/1 DOWN downinter', 'P 3/3 UP inter', 'F 2/3 UP fastinter']],
  [3, 1, ['P (1/1 UP) inter', 'F 0/3 DOWN downinter', 'P 1/3 DOWN fastinter', 'F 0/3 DOWN downinter']],
]

describe('the counter of health checks', () => {
  for (const [rise, fall, steps] of table) {
    it(`rise ${rise}, fall ${fall}: ${steps.map((step) => step[0]).join('')}`, () => {
      const counter = new HealthCounter(rise, fall)
      assert.ok(counter.healthy)
      for (const step of steps) {
        const isNews = counter.take(step.startsWith('P'))
        const status = isNews ? counter.status : `(${counter.status})`
        assert.equal(`${step[0]} ${status} ${counter.pace}`, step)
        assert.equal(counter.healthy, counter.status.endsWith('UP'))
      }
    })
  }

  it('begins up, to fall at the first failure', () => {
    const counter = new HealthCounter(2, 3)
    assert.equal(counter.pace, 'fastinter')
    counter.take(false)
    assert.ok(!counter.healthy)
  })
})
