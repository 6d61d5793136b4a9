import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSources } from './source-scan.ts'
import { until } from './until.ts'

test('what holds is not waited for, and what comes true is', async () => {
  await until(() => true, 'nothing', 0)
  let asked = 0
  await until(() => Promise.resolve(++asked === 3))
  assert.equal(asked, 3)
})

test('what does not come true is named, with the time', async () => {
  const never = (): boolean => false
  await assert.rejects(until(never, 'rain', 5), /^Error: waited \d+ ms in vain for: rain$/)
  await assert.rejects(until(never, undefined, 5), /in vain for: \(\) => false$/)
  let said = 'sun'
  const late = until(never, () => said, 5)
  said = 'clouds'
  await assert.rejects(late, /in vain for: clouds$/)
})

test('what a condition throws ends the wait', async () => {
  await assert.rejects(
    until(() => {
      throw new RangeError('broken')
    }),
    RangeError,
  )
})

test('no test polls in a loop of its own, which may have no end', () => {
  const found = Object.entries(readSources('test')).flatMap(([file, source]) =>
    source
      .split('\n')
      .filter((line) => /while \(.*\) await (sleep|turn|new Promise)\b/.test(line))
      .filter((line) => !line.includes('performance.now() <'))
      .map((line) => `${file}: ${line.trim()}`),
  )
  assert.deepEqual(found, [])
})
