import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  connectionTransitions,
  requestTransitions,
  responderTransitions,
  stepConnection,
  stepRequest,
  stepResponder,
} from '#src/fcgi/codec/state.js'
import type { ConnectionEvent, ConnectionState, RequestEvent, RequestState } from '#src/fcgi/codec/state.js'
import type { ResponderEvent, ResponderState } from '#src/fcgi/codec/state.js'

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The picture of a table, as docs/fcgi.md has it. Events that change nothing are left out. */
function mermaid(table: Table): string {
  const lines = ['stateDiagram-v2', `  [*] --> ${Object.keys(table)[0] ?? ''}`]
  for (const [from, row] of Object.entries(table)) {
    const events = new Map<string, string[]>()
    for (const [event, to] of Object.entries(row)) {
      if (to !== from) events.set(to, [...(events.get(to) ?? []), event])
    }
    for (const [to, names] of events) lines.push(`  ${from} --> ${to}: ${names.join(', ')}`)
    if (events.size === 0) lines.push(`  ${from} --> [*]`)
  }
  return `\`\`\`mermaid\n${lines.join('\n')}\n\`\`\``
}

const machines: [name: string, table: Table, step: (state: string, event: string) => string | undefined][] = [
  ['request', requestTransitions, (s, e) => stepRequest(s as RequestState, e as RequestEvent)],
  ['connection', connectionTransitions, (s, e) => stepConnection(s as ConnectionState, e as ConnectionEvent)],
  ['responder', responderTransitions, (s, e) => stepResponder(s as ResponderState, e as ResponderEvent)],
]

for (const [name, table, step] of machines) {
  describe(name, () => {
    const events = [...new Set(Object.values(table).flatMap((row) => Object.keys(row)))]

    it('goes where the table says, and nowhere else', () => {
      for (const [state, row] of Object.entries(table)) {
        for (const event of events) {
          const next = step(state, event)
          assert.equal(next, row[event], `${state} ${event}`)
          assert.ok(next === undefined || Object.hasOwn(table, next))
        }
      }
    })

    it('reaches every state, and an end from every state', () => {
      const reachable = (from: string): Set<string> => {
        const found = new Set([from])
        for (const state of found) for (const to of Object.values(table[state] ?? {})) found.add(to)
        return found
      }
      const states = Object.keys(table)
      assert.deepEqual([...reachable(states[0] ?? '')].sort(), states.toSorted())
      const ends = states.filter((state) => Object.keys(table[state] ?? {}).length === 0)
      for (const state of states)
        assert.ok(
          ends.some((end) => reachable(state).has(end)),
          state,
        )
    })

    it('is drawn in docs/fcgi.md', () => {
      assert.ok(readFileSync('docs/fcgi.md', 'utf8').includes(mermaid(table)), `\n${mermaid(table)}\n`)
    })
  })
}
