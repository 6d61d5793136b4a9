/**
 * SPOE through HAProxy 2.6 and through sluice, scenario by scenario: what the client gets, what the agent is told, and the
 * log lines with their counters and times.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { spoeScenarios } from './spoe-scenarios.ts'
import { perform } from './spoe-stage.ts'
import type { Performance, SpoeLine, SpoeScenario } from './spoe-stage.ts'

const skip = skipWithoutHaproxy()

function differences(
  { seen: theirs }: Performance,
  { seen: ours }: Performance,
): Record<string, [string, string]> {
  const places = [...new Set([...theirs.keys(), ...ours.keys()])]
  return Object.fromEntries(
    places.flatMap((place): [string, [string, string]][] => {
      const [one, other] = [theirs.get(place) ?? 'none', ours.get(place) ?? 'none']
      return one === other ? [] : [[place, [one, other]]]
    }),
  )
}

/** A time is there on both sides or on none. How long something took says as much of the machine as of the program. */
function compareTimes(theirs: readonly SpoeLine[], ours: readonly SpoeLine[]): void {
  const there = (lines: readonly SpoeLine[]) =>
    lines.map(({ times }) => times.map((time) => Math.min(time, 0)))
  assert.deepEqual(there(ours), there(theirs))
}

describe('SPOE scenarios through sluice and through HAProxy 2.6', { skip }, () => {
  const theirs = new Map<string, Performance>()
  const ours = new Map<string, Performance>()

  const play = async (chosen: readonly SpoeScenario[]): Promise<void> => {
    for (const [name, each] of await perform('haproxy', chosen)) theirs.set(name, each)
    for (const [name, each] of await perform('sluice', chosen)) ours.set(name, each)
  }

  before(async () => {
    await play(spoeScenarios)
    // Time-outs are short: on a machine that does much else, some come too early. What is so is so again.
    for (let chances = 2; chances > 0; chances--) {
      const odd = spoeScenarios.filter((each) => isOdd(each))
      if (odd.length > 0) await play(odd)
    }
  })

  const isOdd = (scenario: SpoeScenario): boolean => {
    try {
      check(scenario)
      return false
    } catch {
      return true
    }
  }

  const check = ({ name, differs = {}, unsteady = [], floors = [] }: SpoeScenario): void => {
    const haproxy = theirs.get(name)
    const sluice = ours.get(name)
    assert.ok(haproxy !== undefined && sluice !== undefined)
    const found = Object.entries(differences(haproxy, sluice)).filter(([place]) => !unsteady.includes(place))
    assert.deepEqual(Object.fromEntries(found), differs)
    if (Object.keys(differs).length === 0) compareTimes(haproxy.lines, sluice.lines)
    for (const { lines, streams } of [haproxy, sluice]) {
      for (const [at, floor] of floors.entries()) {
        const times = lines[at]?.times ?? []
        assert.ok(
          floor.every((least, position) => (times[position] ?? -2) >= least),
          times.join('/'),
        )
      }
      for (const { sid, kind, times } of lines) {
        const wasSent = (times[1] ?? -1) >= 0
        assert.ok(!wasSent || streams.has(sid), `${kind} has sid ${sid}`)
      }
    }
  }

  for (const scenario of spoeScenarios) it(scenario.name, () => check(scenario))
})
