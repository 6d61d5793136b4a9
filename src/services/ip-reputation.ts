/**
 * The agent of the specification's example (SPOE.txt 2.5): message `get-ip-reputation` with argument `ip`; it sets
 * `ip_score` in the session scope, from 0 (certainly bad) to 100 (certainly good).
 */
import type { Agent } from '../agent/agent.ts'
import { CidrMap, parseCidr } from '../net/cidr-map.ts'

/** Scores of address ranges. */
export type ReputationList = CidrMap<number>

/** The score of an address that no range holds. */
export const defaultScore = 100

/** A line of a list that cannot be used. */
export interface ReputationListError {
  /** From 1. */
  readonly line: number
  readonly message: string
}

/**
 * Parses a list: one range and its score per line (`192.0.2.0/24 10`), `#` starts a comment, blank lines do not
 * count. Wrong lines are reported and left out; the longest range wins.
 */
export function parseReputationList(text: string): {
  readonly list: ReputationList
  readonly errors: readonly ReputationListError[]
} {
  const list: ReputationList = new CidrMap()
  const errors: ReputationListError[] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/#.*/, '').trim()
    if (line === '') return
    const complaint = addLine(list, line)
    if (complaint !== undefined) errors.push({ line: index + 1, message: complaint })
  })
  return { list, errors }
}

function addLine(list: ReputationList, line: string): string | undefined {
  const [range = '', score = '', ...rest] = line.split(/\s+/)
  const cidr = parseCidr(range)
  if (cidr === undefined) return `'${range}' is not an address or CIDR range`
  if (!/^\d{1,3}$/.test(score) || Number(score) > 100) return `'${score}' is not a score from 0 to 100`
  if (rest.length > 0) return `'${rest.join(' ')}' behind the score`
  list.set(cidr, Number(score))
  return undefined
}

/** Makes an agent answer `get-ip-reputation` from a list. `list` is called each time, so it may be replaced. */
export function serveIpReputation(agent: Agent, list: () => ReputationList): Agent {
  return agent.message('get-ip-reputation', { ip: 'ip?' }, ({ ip }, actions) => {
    // HAProxy has no source address for a unix socket client and sends NULL: nothing is known about it.
    if (ip !== undefined) actions.setVar('sess', 'ip_score', list().get(ip) ?? defaultScore)
  })
}
