/** Every state of a response with every event: what is not in the table is not allowed. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isBegun, responseStates, step } from '#src/proxy/stream/http-state.js'
import type { ResponseEvent, ResponseState } from '#src/proxy/stream/http-state.js'

const events: readonly ResponseEvent[] = ['head', 'reply', 'send', 'last', 'switch', 'end']

/** A column for each event; `-` is refused. */
const table: Readonly<Record<ResponseState, string>> = {
  awaited: 'judged local - - - -',
  judged: '- local flowing - - -',
  local: '- - flowing - - -',
  flowing: '- - - done raw -',
  done: '- - - - - -',
  raw: '- - - - - rawEnded',
  rawEnded: '- - - - - -',
}

it('a response moves as the table says, and in no other way', () => {
  assert.deepEqual(responseStates.toSorted(), Object.keys(table).toSorted())
  for (const state of responseStates) {
    const row = events.map((event) => step(state, event) ?? '-').join(' ')
    assert.equal(row, table[state], state)
  }
})

it('there is another answer as long as no head has gone out', () => {
  const others = responseStates.filter((state) => !isBegun(state))
  assert.deepEqual(others.toSorted(), ['awaited', 'judged', 'local'])
})
