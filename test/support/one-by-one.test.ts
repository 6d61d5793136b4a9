import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { oneByOne } from './one-by-one.ts'

test('work is done one by one, whatever becomes of it, until the time for it is over', async () => {
  const calmly = oneByOne(30)
  const seen: string[] = []
  const work = (name: string, milliseconds: number) =>
    calmly(async () => {
      seen.push(`${name} begins`)
      await sleep(milliseconds)
      seen.push(`${name} ends`)
      if (name === 'b') throw new Error('b fails')
    })
  const all = await Promise.allSettled([work('a', 1), work('b', 1), work('c', 40), work('d', 1)])
  assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
})
