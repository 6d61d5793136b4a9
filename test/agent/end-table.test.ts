/** Every cell of src/agent/ends.ts, written out, and that it goes no way that src/spop/state.ts does not have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentTransitions, stepAgent, type AgentEvent, type AgentState } from 'sluice/spop'
import { endOf, type EndEvent } from '#src/agent/ends.js'

/** State and event; then the next state, what becomes of exchanges, whether DISCONNECT is said, and the socket. */
const cells = `
idle      fault      leaving   answer    DISCONNECT  endSoon
idle      fin        leaving   keep      -           end
idle      drain      leaving   keep      -           destroy
idle      stalled    idle      keep      -           cut
idle      destroyed  idle      keep      -           destroy
idle      lost       closed    handOver  -           gone
checked   checked    checked   keep      -           endSoon
checked   fault      leaving   answer    DISCONNECT  endSoon
checked   goodbye    leaving   handOver  DISCONNECT  end
checked   fin        checked   keep      -           end
checked   stalled    checked   keep      -           cut
checked   destroyed  checked   keep      -           destroy
checked   lost       closed    handOver  -           gone
open      fault      leaving   answer    DISCONNECT  endSoon
open      goodbye    leaving   handOver  DISCONNECT  end
open      fin        leaving   keep      -           end
open      finHeld    draining  keep      -           keep
open      drain      draining  keep      -           keep
open      stalled    open      keep      -           cut
open      destroyed  open      keep      -           destroy
open      lost       closed    handOver  -           gone
draining  fault      leaving   answer    DISCONNECT  endSoon
draining  goodbye    leaving   handOver  DISCONNECT  end
draining  fin        leaving   keep      -           end
draining  finHeld    draining  keep      -           keep
draining  drain      draining  keep      -           keep
draining  drained    leaving   keep      DISCONNECT  endSoon
draining  stalled    draining  keep      -           cut
draining  destroyed  draining  keep      -           destroy
draining  lost       closed    handOver  -           gone
leaving   fin        leaving   keep      -           end
leaving   stalled    leaving   keep      -           cut
leaving   destroyed  leaving   keep      -           destroy
leaving   lost       closed    handOver  -           gone
`

/** The events of spop/state.ts that each is: those that a state does not have are left out. */
const ways: Record<EndEvent, readonly AgentEvent[]> = {
  checked: [],
  fault: ['fail'],
  goodbye: ['recvDisconnect'],
  fin: ['drain', 'drained'],
  finHeld: ['drain'],
  drain: ['drain'],
  drained: ['drained'],
  stalled: [],
  destroyed: [],
  lost: ['lost'],
}

const states = Object.keys(agentTransitions) as AgentState[]
const events = Object.keys(ways) as EndEvent[]

test('every cell of the table, and no other', () => {
  const written = states.flatMap((state) =>
    events.flatMap((event) => {
      const end = endOf(state, event)
      if (end === undefined) return []
      return `${state} ${event} ${end.next} ${end.held} ${end.word ? 'DISCONNECT' : '-'} ${end.socket}`
    }),
  )
  const expected = cells.trim().split('\n')
  assert.deepEqual(written.sort(), expected.map((each) => each.replaceAll(/ +/g, ' ')).sort())
})

test('each next state is that of spop/state.ts', () => {
  for (const state of states)
    for (const event of events) {
      const end = endOf(state, event)
      if (end === undefined) continue
      let next = state
      for (const step of ways[event]) next = stepAgent(next, step) ?? next
      assert.equal(end.next, next, `${state}, ${event}`)
    }
})

test('a HAPROXY-DISCONNECT is taken where spop/state.ts takes it', () => {
  for (const state of states)
    assert.equal(endOf(state, 'goodbye')?.next, stepAgent(state, 'recvDisconnect'), state)
})

test('from every state the end of the socket leads to closed, and nothing leads out of it', () => {
  for (const state of states)
    assert.equal(endOf(state, 'lost')?.next, state === 'closed' ? undefined : 'closed')
  for (const event of events) assert.equal(endOf('closed', event), undefined)
})
