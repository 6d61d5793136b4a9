/** What is said to exchanges when no agent can be had. Pure. */
import { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { ServerTrust } from './trust.ts'

/** `wait`: an agent may come back within the time of an exchange. `fail`: who finds none is told at once. */
export type WhenDown = 'wait' | 'fail'

/** What is looked at of a server. */
export interface Reachable {
  readonly name: string
  readonly of: { readonly usable: boolean }
  /** Connections, those being made included. */
  readonly alive: number
  readonly trust: { readonly state: ServerTrust }
  readonly lastError: EngineError | undefined
  /** Whether it is there and will have nothing to do with us. */
  readonly refuses: boolean
}

/**
 * Why waiting for any of these servers is in vain; undefined when it is not. HAProxy waits until the time is over, but for
 * a backend without a usable server; an agent that refuses the handshake says why, and will say the same a moment later.
 */
export function whyHopeless(servers: readonly Reachable[], whenDown: WhenDown): EngineError | undefined {
  let usable = 0
  let patient = false
  for (const { of, alive, trust, refuses } of servers) {
    if (alive > 0) return undefined
    if (!of.usable) continue
    usable++
    if (trust.state === 'up' || (whenDown === 'wait' && !refuses)) patient = true
  }
  if (usable === 0) return new EngineError('ERR_ENGINE_NO_SERVER', servers.map(({ name }) => name).join(', '))
  return patient ? undefined : describeDowntime(servers)
}

/** Why nothing can be asked: the status is that of the last failure, 257 for I/O. */
function describeDowntime(servers: readonly Pick<Reachable, 'name' | 'lastError'>[]): EngineError {
  const cause = lastErrorOf(servers)
  const detail = servers
    .map(({ name, lastError }) => `${name}: ${lastError?.message ?? 'not tried'}`)
    .join('; ')
  return new EngineError('ERR_ENGINE_UNAVAILABLE', detail, { status: cause?.status ?? 257, cause })
}

/** The time of an exchange is over: what it waited for is said with it. */
export function timedOut(
  { sentAt, startedAt }: Exchange,
  now: number,
  servers: readonly Reachable[],
): EngineError {
  const spent = `${Math.round(now - startedAt)} ms`
  if (sentAt >= 0) return new EngineError('ERR_ENGINE_TIMEOUT', spent)
  const cause = servers.every(({ trust }) => trust.state !== 'up') ? lastErrorOf(servers) : undefined
  const why = cause === undefined ? '' : `: ${cause.message}`
  return new EngineError('ERR_ENGINE_TIMEOUT', `${spent}, it was not sent${why}`, { cause })
}

function lastErrorOf(servers: readonly Pick<Reachable, 'lastError'>[]): EngineError | undefined {
  return servers.findLast(({ lastError }) => lastError !== undefined)?.lastError
}
