/**
 * Clients that say anything, cut anywhere, through any of the configurations that keep bytes, at the same time: each server gets
 * what its client has said, and each client the answer to it. SLUICE_LENT_SECONDS makes it longer, SLUICE_LENT_SEED another one.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Cleanups } from '../support/cleanups.ts'
import { breakOff, converse, forms, spoil } from './lent-support.ts'
import type { Conversation } from './lent-support.ts'
import { startWay, ways } from './lent-ways.ts'
import type { Way } from './lent-ways.ts'

const seconds = Number(process.env['SLUICE_LENT_SECONDS'] ?? 1)
const firstSeed = Number(process.env['SLUICE_LENT_SEED'] ?? 20_261_126)
const names = Object.keys(forms)

/** The same choices for the same seed. */
class Choices {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }

  /** At least `least`, less than `end`. */
  between(least: number, end: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return least + Math.floor((this.#state / 0x1_0000_0000) * (end - least))
  }

  /** Small ones as often as large ones. */
  size(most: number): number {
    return Math.min(most, this.between(0, 10 ** this.between(1, 6)), 200_000)
  }

  of<T>(all: readonly T[]): T {
    return all[this.between(0, all.length)] ?? assert.fail()
  }
}

let lastId = 0

function conversation(choices: Choices, most = 200_000): Conversation {
  const requests = Array.from({ length: choices.between(1, 6) }, () => ({
    id: lastId++ % 500,
    form: choices.of(names),
    size: choices.size(most),
    answer: choices.size(200_000),
    method: choices.of(['PUT', 'PUT', 'PUT', 'HEAD']),
  }))
  const sizes = Array.from({ length: choices.between(1, 6) }, () => choices.size(100_000) + 1)
  // A byte at a time takes for ever.
  sizes.push(choices.between(5000, 70_000))
  const late = choices.of([0, 0, 0, choices.between(1, 30)])
  return { requests, sizes, late }
}

/** Some of the ways, with clients of all of them at a time. */
async function round(seed: number, until: number): Promise<number> {
  const choices = new Choices(seed)
  const cleanups = new Cleanups()
  let done = 0
  try {
    const chosen = Array.from({ length: 5 }, () => choices.of(Object.entries(ways)))
    const places = new Map<Way, readonly [number, string]>()
    for (const [, way] of chosen) if (!places.has(way)) places.set(way, await startWay(cleanups, way))
    spoil(cleanups)
    for (let batch = 0; batch < 10 && performance.now() < until; batch++) {
      const clients = Array.from({ length: 12 }, async () => {
        const [name, way] = choices.of(chosen)
        const place = choices.of(places.get(way) ?? [])
        const said = conversation(choices, way.most)
        if (choices.between(0, 6) === 0) return breakOff(cleanups, place, said, choices.size(200_000))
        const about = `seed ${seed}, batch ${batch}, ${name}`
        await converse(cleanups, place, said, way.check).catch((error: unknown) => {
          throw new Error(`${about}: ${(error as Error).message}`, { cause: error })
        })
        done++
      })
      await Promise.all(clients)
    }
  } finally {
    await cleanups.run()
  }
  return done
}

it('random clients', { timeout: (seconds + 60) * 1000 }, async () => {
  const until = performance.now() + seconds * 1000
  let done = 0
  for (let seed = firstSeed; performance.now() < until; seed++) done += await round(seed, until)
  assert.ok(done > 0)
})
