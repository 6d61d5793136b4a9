/**
 * Clients, and applications, are read into one buffer, all of them: whatever becomes of a request, its server gets its own
 * bytes, and whatever keeps them has them, and its client gets the answer to it.
 */
import { describe, it } from 'node:test'
import { converse, forms, spoil } from './lent-support.ts'
import type { Conversation } from './lent-support.ts'
import { startWay, ways } from './lent-ways.ts'

const whole = [10_000_000]
const cuts = [whole, [1, 7, 30, 500, 40_000], [100, 16_000]]

/** Three requests for each form and cut: mostly one stands in the same segment as the end of the one before. */
function conversations(most = 200_000): Conversation[] {
  let id = 0
  const next = (form: string, size: number, answer: number) => ({
    id: id++,
    form,
    size: Math.min(size, most),
    answer,
  })
  return Object.keys(forms).flatMap((form, at) =>
    cuts.map((sizes, index) => ({
      sizes,
      late: at === index ? 10 : 0,
      requests: [
        next(form, 1, 20_000),
        { ...next(form, 20_000, 1000), method: at === 1 ? 'HEAD' : 'PUT' },
        next(form, index === 0 ? 200_000 : 1000, index === 1 ? 200_000 : 1),
      ],
    })),
  )
}

describe('many clients at a time', { concurrency: 1 }, () => {
  for (const [name, way] of Object.entries(ways)) {
    it(name, async (t) => {
      const places = await startWay(t, way)
      spoil(t)
      await Promise.all(
        conversations(way.most).map((each, at) => converse(t, places[at % 2] ?? '', each, way.check)),
      )
    })
  }
})
