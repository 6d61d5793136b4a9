import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLargestRate } from '#src/load/saturation.js'

/** What is found when all up to `limit` is borne. */
async function search(limit: number, from = 1000, most = 5_000_000) {
  const tried: number[] = []
  const best = await findLargestRate({
    from,
    most,
    precision: 0.05,
    attempt: (rate) => {
      tried.push(rate)
      return Promise.resolve({ isBorne: rate <= limit, found: undefined })
    },
  })
  return { best: best?.rate, tried }
}

test('the largest rate that is borne is found to 5 %, from above and from below', async () => {
  for (const limit of [1, 2, 7, 90, 999, 1000, 1001, 12_345, 900_000, 4_999_999]) {
    const { best, tried } = await search(limit)
    assert.ok(best !== undefined && best <= limit, `${limit}: ${best}`)
    assert.ok(best >= limit * 0.95 - 1, `${limit}: ${best}`)
    assert.ok(tried.length <= 20, `${limit}: ${tried.join(' ')}`)
    assert.equal(new Set(tried).size, tried.length)
  }
})

test('what bears everything is not asked for more than the most, and what bears nothing gives no answer', async () => {
  assert.equal((await search(Infinity, 1000, 10_000)).best, 10_000)
  const { best, tried } = await search(0)
  assert.equal(best, undefined)
  assert.equal(tried.at(-1), 1)
})

test('a search that is ended answers what was found until then', async () => {
  const best = await findLargestRate({
    from: 100,
    most: 1e6,
    precision: 0.05,
    attempt: (rate) => Promise.resolve({ isBorne: rate < 1000, found: rate }),
    onTrial: ({ rate }) => rate < 400,
  })
  assert.equal(best?.rate, 400)
})
