/**
 * The life of a SPOP connection, seen from each end: two tables and one step. Nothing else decides what may come when.
 *
 * The agent's end:
 * ```
 *   idle ──recvHello──▶ open ──drain──▶ draining ──drained──▶ leaving ──lost──▶ closed
 *     └──recvHealthCheck──▶ checked ──lost──▶ closed
 * ```
 * The engine's end:
 * ```
 *   connecting ──connected──▶ greeting ──recvHello──▶ open ──drain──▶ draining ──drained──▶ leaving ──lost──▶ closed
 * ```
 * `leaving`: our DISCONNECT is out, and nothing the peer says matters any more.
 */

/** The agent's end. */
export const agentTransitions = {
  idle: { recvHello: 'open', recvHealthCheck: 'checked', drain: 'leaving', fail: 'leaving', lost: 'closed' },
  checked: { drain: 'checked', recvDisconnect: 'leaving', fail: 'leaving', lost: 'closed' },
  open: {
    recvNotify: 'open',
    recvUnset: 'open',
    recvUnknown: 'open',
    drain: 'draining',
    recvDisconnect: 'leaving',
    fail: 'leaving',
    lost: 'closed',
  },
  draining: {
    recvNotify: 'draining',
    recvUnset: 'draining',
    recvUnknown: 'draining',
    drain: 'draining',
    drained: 'leaving',
    recvDisconnect: 'leaving',
    fail: 'leaving',
    lost: 'closed',
  },
  leaving: { lost: 'closed' },
  closed: {},
} as const satisfies Record<string, Record<string, string>>

/** The engine's end. */
export const engineTransitions = {
  connecting: { connected: 'greeting', drain: 'closed', lost: 'closed' },
  greeting: {
    recvHello: 'open',
    recvDisconnect: 'leaving',
    drain: 'leaving',
    fail: 'leaving',
    lost: 'closed',
  },
  open: {
    recvAck: 'open',
    recvUnknown: 'open',
    drain: 'draining',
    recvDisconnect: 'leaving',
    fail: 'leaving',
    lost: 'closed',
  },
  draining: {
    recvAck: 'draining',
    recvUnknown: 'draining',
    drain: 'draining',
    drained: 'leaving',
    recvDisconnect: 'leaving',
    fail: 'leaving',
    lost: 'closed',
  },
  leaving: { recvDisconnect: 'leaving', lost: 'closed' },
  closed: {},
} as const satisfies Record<string, Record<string, string>>

type Table = Record<string, Record<string, string>>

/** A state of the agent's end. */
export type AgentState = keyof typeof agentTransitions
/** A state of the engine's end. */
export type EngineState = keyof typeof engineTransitions

type EventOf<T> = T extends Record<string, infer Row> ? (Row extends unknown ? keyof Row : never) : never

/** An event at the agent's end. */
export type AgentEvent = EventOf<typeof agentTransitions>
/** An event at the engine's end. */
export type EngineEvent = EventOf<typeof engineTransitions>

/**
 * The next state of the agent's end; undefined when the event is not allowed: a `recv…` is then the peer's violation,
 * anything else is ours.
 */
export function stepAgent(state: AgentState, event: AgentEvent): AgentState | undefined {
  // Each end has look-ups of its own, which the compiler can make fast. What an object finds for 'constructor' and the
  // like is a function, and neither a row nor a state.
  const row = (agentTransitions as Table)[state]
  const next = typeof row === 'object' ? row[event] : undefined
  return typeof next === 'string' ? (next as AgentState) : undefined
}

/** The next state of the engine's end, likewise. */
export function stepEngine(state: EngineState, event: EngineEvent): EngineState | undefined {
  const row = (engineTransitions as Table)[state]
  const next = typeof row === 'object' ? row[event] : undefined
  return typeof next === 'string' ? (next as EngineState) : undefined
}
