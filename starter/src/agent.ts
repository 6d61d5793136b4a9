/** What the agent answers. It listens in main.ts, so that tests can have it without a port. */
import { CidrMap, createAgent, type Agent, type AgentOptions } from 'sluice/agent'

/** What the agent is told from outside. */
export interface GateOptions {
  /** Addresses and ranges that may not pass. */
  readonly blocked: CidrMap<true>
  /** What a request gets when the agent cannot say: `open` lets it pass. */
  readonly failure: 'open' | 'closed'
  /** More options of the agent: limits, TLS, a logger. */
  readonly agent?: AgentOptions
}

/** `192.0.2.0/24,2001:db8::/32` as a set of addresses. */
export function parseBlocked(text: string): CidrMap<true> {
  const blocked = new CidrMap<true>()
  for (const range of text.split(/[\s,]+/)) if (range !== '') blocked.set(range, true)
  return blocked
}

/** An agent that answers `check-request` with `ok` and `reason`, in the scope of the request and its response. */
export function createGate({ blocked, failure, agent: more = {} }: GateOptions): Agent {
  const agent = createAgent({
    // Below `timeout processing` of haproxy/spoe-my-agent.conf: then it is the agent that decides what being late means.
    deadline: 80,
    varPrefix: 'my_agent',
    ...more,
    // The agent's half of the failure policy. The other half, for an agent that is away, is in haproxy/haproxy.cfg.
    fallback: (actions, why) => {
      actions.setVar('txn', 'ok', failure === 'open')
      actions.setVar('txn', 'reason', why)
    },
  })

  // Every variable is set in every answer: none is left from another one. HAProxy sends NULL for what it cannot fetch,
  // such as the address of a client on a unix socket, so arguments have the question mark.
  agent.message('check-request', { ip: 'ip?', path: 'string?' }, ({ ip, path }, actions) => {
    const reason = judge(ip !== undefined && blocked.has(ip), path ?? '/')
    actions.setVar('txn', 'ok', reason === 'fine')
    actions.setVar('txn', 'reason', reason)
  })
  return agent
}

/** The verdict: this is yours to write. */
function judge(isBlocked: boolean, path: string): string {
  if (isBlocked) return 'address'
  if (path.startsWith('/.git/') || path.includes('/../')) return 'path'
  return 'fine'
}
