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
  let theirs: ReadonlyMap<string, Performance>
  let ours: ReadonlyMap<string, Performance>

  before(async () => {
    const only = process.env['SCENARIO']
    const chosen = spoeScenarios.filter(({ name }) => only === undefined || name.includes(only))
    theirs = await perform('haproxy', chosen)
    ours = await perform('sluice', chosen)
  })

  const check = ({ name, differs = {}, unsteady = [], floors = [] }: SpoeScenario): void => {
    const haproxy = theirs.get(name)
    const sluice = ours.get(name)
    if (haproxy === undefined || sluice === undefined) return
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
