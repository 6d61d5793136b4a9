/**
 * Every cell of both tables, written out: what a state does not allow is as much part of it as what it does. The
 * pictures in docs/spop-states.md are compared with the tables; `UPDATE_DOCS=1` writes them anew.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { agentTransitions, engineTransitions, stepAgent, stepEngine } from 'sluice/spop'

type Row = Readonly<Record<string, string>>
type Table = Readonly<Record<string, Row>>

/** One line per event, one column per state; a dot is a violation. */
const agentCells = `
                 idle     checked  open      draining  leaving  closed
recvHello        open     .        .         .         .        .
recvHealthCheck  checked  .        .         .         .        .
recvNotify       .        .        open      draining  .        .
recvUnset        .        .        open      draining  .        .
recvUnknown      .        .        open      draining  .        .
recvDisconnect   .        leaving  leaving   leaving   .        .
drain            leaving  checked  draining  draining  .        .
drained          .        .        .         leaving   .        .
fail             leaving  leaving  leaving   leaving   .        .
lost             closed   closed   closed    closed    closed   .
`
const engineCells = `
                connecting  greeting  open      draining  leaving  closed
connected       greeting    .         .         .         .        .
recvHello       .           open      .         .         .        .
recvAck         .           .         open      draining  .        .
recvUnknown     .           .         open      draining  .        .
recvDisconnect  .           leaving   leaving   leaving   leaving  .
drain           closed      leaving   draining  draining  .        .
drained         .           .         .         leaving   .        .
fail            .           leaving   leaving   leaving   .        .
lost            closed      closed    closed    closed    closed   .
`

function walk(cells: string, table: Table, step: (state: string, event: string) => string | undefined): void {
  const [head = '', ...lines] = cells.trim().split('\n')
  const states = head.trim().split(/\s+/)
  assert.deepEqual(Object.keys(table).sort(), [...states].sort(), 'every state is a column')
  const events = new Set(Object.values(table).flatMap((row) => Object.keys(row)))
  assert.deepEqual(
    [...events].sort(),
    lines.map((line) => line.split(/\s+/)[0] ?? '').sort(),
    'every event is a line',
  )
  for (const line of lines) {
    const [event = '', ...next] = line.split(/\s+/)
    states.forEach((state, column) => {
      const expected = next[column] === '.' ? undefined : next[column]
      assert.equal(step(state, event), expected, `${state}, ${event}`)
    })
  }
}

test("every cell of the agent's table", () => {
  walk(agentCells, agentTransitions, stepAgent as (state: string, event: string) => string | undefined)
})

test("every cell of the engine's table", () => {
  walk(engineCells, engineTransitions, stepEngine as (state: string, event: string) => string | undefined)
})

test('from every state there is a way to closed, and closed has no way out', () => {
  for (const table of [agentTransitions, engineTransitions] as const) {
    const rows: Table = table
    assert.deepEqual(rows['closed'], {})
    for (const [state, row] of Object.entries(rows)) {
      if (state !== 'closed') assert.equal(row['lost'], 'closed', state)
      for (const next of Object.values(row))
        assert.ok(next in rows, `${state} leads to ${next}, which is no state`)
    }
  }
})

/** Events that lead the same way share an arrow; those that change nothing are listed below the state. */
function mermaid(table: Table, first: string): string {
  const lines = ['```mermaid', 'stateDiagram-v2', `  [*] --> ${first}`]
  for (const [state, row] of Object.entries(table)) {
    const ways = new Map<string, string[]>()
    for (const [event, next] of Object.entries(row)) ways.set(next, [...(ways.get(next) ?? []), event])
    for (const [next, events] of ways) lines.push(`  ${state} --> ${next}: ${events.join(', ')}`)
  }
  return [...lines, '  closed --> [*]', '```'].join('\n')
}

test('the pictures in docs/spop-states.md are those of the tables', () => {
  const path = 'docs/spop-states.md'
  const text = [
    '# The states of a SPOP connection',
    '',
    'Drawn from the tables of `src/spop/state.ts`; a test keeps both equal (`UPDATE_DOCS=1` writes this page).',
    'An event that has no arrow is not allowed in that state: a `recv…` is then a violation by the peer, answered',
    'with DISCONNECT and status 4; anything else is a mistake of ours.',
    '',
    "## The agent's end",
    '',
    mermaid(agentTransitions, 'idle'),
    '',
    "## The engine's end",
    '',
    mermaid(engineTransitions, 'connecting'),
    '',
  ].join('\n')
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text)
  assert.equal(readFileSync(path, 'utf8'), text)
})
