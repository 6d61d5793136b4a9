/**
 * How far the response of an HTTP stream has come, as a table. The request's half is in request-body.ts.
 *
 *   awaited ──head──▶ judged ──send──▶ flowing ──last──▶ done
 *      │                │                 └──switch──▶ raw ──end──▶ rawEnded
 *      └────reply───────┴──▶ local ──send──▶ flowing
 *
 * `judged`: its rules run. `local`: an answer of the proxy's own, and its rules run. Once bytes of a head are on their
 * way (`flowing` and behind it) there is no other answer.
 */
const transitions = {
  awaited: { head: 'judged', reply: 'local' },
  judged: { send: 'flowing', reply: 'local' },
  local: { send: 'flowing' },
  flowing: { last: 'done', switch: 'raw' },
  done: {},
  raw: { end: 'rawEnded' },
  rawEnded: {},
} as const satisfies Record<string, Record<string, string>>

/** How far a response has come. */
export type ResponseState = keyof typeof transitions
/** What happens to a response. */
export type ResponseEvent = 'head' | 'reply' | 'send' | 'last' | 'switch' | 'end'

/** The next state; undefined when the event is not allowed. */
export function step(state: ResponseState, event: ResponseEvent): ResponseState | undefined {
  const row: Partial<Record<ResponseEvent, ResponseState>> = transitions[state]
  return row[event]
}

/** Whether a head is on its way to the client. */
export function isBegun(state: ResponseState): boolean {
  return state !== 'awaited' && state !== 'judged' && state !== 'local'
}

/** All states, for the test that walks them. */
export const responseStates = Object.keys(transitions) as readonly ResponseState[]
