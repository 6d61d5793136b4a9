import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTime } from '#src/config/text/time.js'

test('times are milliseconds, rounded up', () => {
  const ms = (text: string) => {
    const parsed = parseTime(text)
    return 'ms' in parsed ? parsed.ms : undefined
  }
  assert.equal(ms('0'), 0)
  assert.equal(ms('1500'), 1500)
  assert.equal(ms('1500ms'), 1500)
  assert.equal(ms('1us'), 1)
  assert.equal(ms('1001us'), 2)
  assert.equal(ms('2s'), 2000)
  assert.equal(ms('3m'), 180_000)
  assert.equal(ms('1h'), 3_600_000)
  assert.equal(ms('24d'), 2_073_600_000)
  assert.equal(ms('2147483647'), 2_147_483_647)
  assert.equal(ms('2147483648'), undefined)
  assert.equal(ms('25d'), undefined)
  assert.equal(ms('99999999999999999999d'), undefined)
  for (const text of ['', 's', '-1', '1.5s', '1x', ' 1', '1 s']) assert.equal(ms(text), undefined, text)
})

test('what follows the unit is told', () => {
  assert.deepEqual(parseTime('3sec'), { ms: 3000, junk: 'ec' })
})
