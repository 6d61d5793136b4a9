/**
 * Counts requests for each client and refuses those that are too many: a generic cell rate algorithm, which needs one number
 * for each client. It counts in this process; `sluice agent rate-limit` shares its counts over Redis.
 */
import { createAgent, type Agent, type AgentOptions, type IpAddress } from 'sluice/agent'

/** What the agent is told from outside. */
export interface RateLimitOptions {
  /** Requests that one client may make within `window`, also all at once. */
  readonly limit: number
  /** In milliseconds. */
  readonly window: number
  /** What a request gets that cannot be judged: `open` lets it pass. */
  readonly failure: 'open' | 'closed'
  /** Clients that are counted; the one that was seen first goes for a new one. @default 100000 */
  readonly maxClients?: number
  /** More options of the agent. */
  readonly agent?: AgentOptions
}

/** An agent that answers `count-request` with `ok`, `remaining` and `retry_after` in seconds. */
export function createRateLimit(options: RateLimitOptions): Agent {
  const { limit, window, failure, maxClients = 100_000, agent: more = {} } = options
  if (!(limit > 0 && window > 0)) throw new Error(`limit ${limit} and window ${window} must be above 0`)
  const agent = createAgent({
    deadline: 40,
    varPrefix: 'rate',
    ...more,
    fallback: (actions) => {
      actions.setVar('txn', 'ok', failure === 'open')
      actions.setVar('txn', 'remaining', 0)
      actions.setVar('txn', 'retry_after', 1)
    },
  })
  const cost = window / limit
  /** When each client will have paid for what it has had, on the clock of `performance.now()`. */
  const debts = new Map<string, number>()
  agent.message('count-request', { src: 'ip?' }, ({ src }, actions) => {
    const client = src === undefined ? 'unix' : clientOf(src)
    const now = performance.now()
    const paid = Math.max(debts.get(client) ?? 0, now) + cost
    const ok = paid <= now + window
    // A request that is refused costs nothing. Whoever is counted anew is the last that is forgotten.
    if (ok) {
      debts.delete(client)
      debts.set(client, paid)
      if (debts.size > maxClients) debts.delete(debts.keys().next().value ?? client)
    }
    actions.setVar('txn', 'ok', ok)
    actions.setVar('txn', 'remaining', ok ? Math.floor((now + window - paid) / cost) : 0)
    actions.setVar('txn', 'retry_after', ok ? 0 : Math.ceil((paid - now - window) / 1000))
  })
  return agent
}

/** One client has a whole /64 of IPv6; an IPv4 address written as IPv6 is an IPv4 address. */
function clientOf(address: IpAddress): string {
  if (address.family === 4) return address.toString()
  const hex = Buffer.from(address.bytes).toString('hex')
  return hex.startsWith('00000000000000000000ffff') ? [...address.bytes.slice(12)].join('.') : `${hex.slice(0, 16)}/64`
}
