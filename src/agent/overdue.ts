/** What the clock means for a connection. Pure. */
import type { AgentState } from '../spop/state.ts'
import type { EndEvent } from './ends.ts'
import { AgentError } from './errors.ts'
import type { ResolvedAgentOptions } from './options.ts'

/**
 * A peer has so long, in milliseconds, to take of what is over `maxPendingOutput`: hundreds of handlers may be done in one
 * turn, in which nobody can read.
 */
const overPatience = 500

/** A connection, as the clock sees it. Times are in milliseconds. */
export interface Waiting {
  readonly state: AgentState
  /** For how long the peer has taken nothing of what waits for it. */
  readonly stalled: number
  /** Whether more waits for the peer than may. */
  readonly over: boolean
  /** For how long the peer owes the rest of what it has begun. 0: it owes nothing, or is not read from. */
  readonly owing: number
  /** For how long nothing came. */
  readonly silent: number
  /** Exchanges whose handlers are at work. */
  readonly held: number
}

/** The end that it comes to. */
export interface Overdue {
  readonly event: EndEvent & ('stalled' | 'fault' | 'drain')
  readonly error: AgentError
}

type Limits = Pick<
  ResolvedAgentOptions,
  'handshakeTimeout' | 'idleTimeout' | 'maxPendingOutput' | 'receiveTimeout' | 'stallTimeout'
>

/** Whether the peer has kept us waiting for too long; to be asked now and then. A limit of 0 is none. */
export function overdue(waiting: Waiting, limits: Limits): Overdue | undefined {
  const { state, stalled, over, owing, silent, held } = waiting
  const { handshakeTimeout, idleTimeout, maxPendingOutput, receiveTimeout, stallTimeout } = limits
  if (exceeds(stalled, stallTimeout)) return end('stalled', 'ERR_AGENT_STALLED', `for ${stallTimeout} ms`)
  if (over && stalled > overPatience) {
    return end('stalled', 'ERR_AGENT_STALLED', `more than ${maxPendingOutput} bytes wait for it`)
  }
  if (exceeds(owing, receiveTimeout)) {
    return end('fault', 'ERR_AGENT_RECEIVE_TIMEOUT', `after ${receiveTimeout} ms`)
  }
  if (state === 'idle' && exceeds(silent, handshakeTimeout)) {
    return end('fault', 'ERR_AGENT_HANDSHAKE_TIMEOUT', `after ${handshakeTimeout} ms`)
  }
  if (state === 'open' && exceeds(silent, idleTimeout) && held === 0) {
    return end('drain', 'ERR_AGENT_IDLE_TIMEOUT', `after ${idleTimeout} ms`)
  }
  return undefined
}

function exceeds(time: number, limit: number): boolean {
  return limit > 0 && time > limit
}

function end(event: Overdue['event'], code: AgentError['code'], detail: string): Overdue {
  return { event, error: new AgentError(code, detail) }
}
