/**
 * How a connection ends: what each thing that may end it does in each state of spop/state.ts. life.ts finds out what has
 * happened, and does what the table says; nothing else ends a connection. Pure.
 */
import type { AgentState } from '../spop/state.ts'

/**
 * What may end a connection:
 *
 * | event | is |
 * |---|---|
 * | `checked` | a health check is answered |
 * | `fault` | the peer broke the protocol, was too late, or we failed; also a health check that is to fail |
 * | `goodbye` | HAPROXY-DISCONNECT |
 * | `fin` | the peer sends no more, and waits for nothing: FIN inside a frame is a fault |
 * | `finHeld` | the peer sends no more, but handlers are at work, and no connection can take them over |
 * | `drain` | the agent closes, or the connection was idle for too long |
 * | `drained` | everything is answered, and nothing has come for a while |
 * | `stalled` | the peer does not read |
 * | `destroyed` | the agent is destroyed |
 * | `lost` | the socket is closed, for whatever reason |
 */
export type EndEvent =
  | 'checked'
  | 'fault'
  | 'goodbye'
  | 'fin'
  | 'finHeld'
  | 'drain'
  | 'drained'
  | 'stalled'
  | 'destroyed'
  | 'lost'

/** What is done, in this order. */
export interface End {
  /** The state from here on. */
  readonly next: AgentState
  /**
   * Of the exchanges whose handlers are at work: they stay (`keep`); the fallback answers (`answer`); with `async` another
   * connection of the engine answers, else nobody, and the handlers see their signal (`handOver`).
   */
  readonly held: 'keep' | 'answer' | 'handOver'
  /** Whether DISCONNECT is said. */
  readonly word: boolean
  /**
   * What becomes of the socket: it stays as it is (`keep`); it is ended after `closeDelay` (`endSoon`) or now (`end`),
   * and closed (`destroy`), each behind what was to leave; it is closed without that (`cut`); it is closed already (`gone`).
   */
  readonly socket: 'keep' | 'endSoon' | 'end' | 'destroy' | 'cut' | 'gone'
}

const end = (
  next: AgentState,
  held: End['held'],
  word: 'DISCONNECT' | 'no word',
  socket: End['socket'],
): End => ({ next, held, word: word === 'DISCONNECT', socket })

const fault = end('leaving', 'answer', 'DISCONNECT', 'endSoon')
const goodbye = end('leaving', 'handOver', 'DISCONNECT', 'end')
/** The peer, which has sent FIN, expects no word. */
const fin = end('leaving', 'keep', 'no word', 'end')
/** Handlers come to their end; then it is `drained`. */
const drain = end('draining', 'keep', 'no word', 'keep')
const drained = end('leaving', 'keep', 'DISCONNECT', 'endSoon')
const lost = end('closed', 'handOver', 'no word', 'gone')

/** Of every state but the last: a DISCONNECT would only queue behind what the peer does not read. */
const cuts = (state: AgentState) => ({
  stalled: end(state, 'keep', 'no word', 'cut'),
  destroyed: end(state, 'keep', 'no word', 'destroy'),
  lost,
})

/** An event that a state does not have does nothing there; as a frame it is a fault (spop/state.ts). */
export const ends = {
  idle: {
    fault,
    fin,
    // DISCONNECT instead of AGENT-HELLO would make HAProxy up to 3.0 come back at once, again and again.
    drain: end('leaving', 'keep', 'no word', 'destroy'),
    ...cuts('idle'),
  },
  checked: {
    checked: end('checked', 'keep', 'no word', 'endSoon'),
    fault,
    goodbye,
    fin: end('checked', 'keep', 'no word', 'end'),
    ...cuts('checked'),
  },
  open: { fault, goodbye, fin, finHeld: drain, drain, ...cuts('open') },
  draining: { fault, goodbye, fin, finHeld: drain, drain, drained, ...cuts('draining') },
  leaving: { fin, ...cuts('leaving') },
  closed: {},
} as const satisfies Record<AgentState, Partial<Record<EndEvent, End>>>

/** What an event does; undefined: nothing. */
export function endOf(state: AgentState, event: EndEvent): End | undefined {
  const row: Partial<Record<EndEvent, End>> = ends[state]
  return row[event]
}
