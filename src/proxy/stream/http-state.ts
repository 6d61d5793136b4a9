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

/** All states. */
export const responseStates = ['awaited', 'judged', 'local', 'flowing', 'done', 'raw', 'rawEnded'] as const
/** How far a response has come. */
export type ResponseState = (typeof responseStates)[number]
/** What happens to a response. */
export type ResponseEvent = 'head' | 'reply' | 'send' | 'last' | 'switch' | 'end'

/** The next state; undefined when the event is not allowed. Each event has one outcome, so the table is told by events. */
export function step(state: ResponseState, event: ResponseEvent): ResponseState | undefined {
  switch (event) {
    case 'head':
      return state === 'awaited' ? 'judged' : undefined
    case 'reply':
      return state === 'awaited' || state === 'judged' ? 'local' : undefined
    case 'send':
      return state === 'judged' || state === 'local' ? 'flowing' : undefined
    case 'last':
      return state === 'flowing' ? 'done' : undefined
    case 'switch':
      return state === 'flowing' ? 'raw' : undefined
    case 'end':
      return state === 'raw' ? 'rawEnded' : undefined
  }
}

/** Whether a head is on its way to the client. */
export function isBegun(state: ResponseState): boolean {
  return state !== 'awaited' && state !== 'judged' && state !== 'local'
}
