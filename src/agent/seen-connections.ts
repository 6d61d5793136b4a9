/** Who is connected to an agent, in groups, for status pages: of one agent, and of all workers of a cluster. */
import type { ConnectionGroup } from '../status/readings.ts'

/** A connection, as a status page sees it. */
export interface SeenConnection {
  readonly engineId: string
  readonly peer: string
  /** Which versions of HAProxy it may be; empty before HELLO, and for health checks. */
  readonly profile: string
  readonly inFlight: number
}

/** Nobody reads more; the others are not shown. */
const mostGroups = 50
const mostPeers = 5

const readers = new WeakMap<object, () => ConnectionGroup[]>()

/** Says how the connections of an agent are read. */
export function setConnectionGroups(agent: object, read: () => ConnectionGroup[]): void {
  readers.set(agent, read)
}

/** The connections of an agent. */
export function connectionGroupsOf(agent: object): ConnectionGroup[] {
  return readers.get(agent)?.() ?? []
}

/** One group for each thread of HAProxy (up to 3.0) or each process (later): that is what has an engine-id. */
export function groupConnections(connections: Iterable<SeenConnection>): ConnectionGroup[] {
  const groups: ConnectionGroup[] = []
  for (const { engineId: engine, profile, peer, inFlight } of connections) {
    const peers = [peer.replace(/:\d+$/, '')]
    if (profile !== '') groups.push({ engine, profile, peers, connections: 1, inFlight })
  }
  return mergeGroups(groups)
}

/** Those of one engine become one. */
export function mergeGroups(all: readonly ConnectionGroup[]): ConnectionGroup[] {
  const groups = new Map<string, ConnectionGroup>()
  for (const each of all) {
    const key = `${each.profile} ${each.engine}`
    const before = groups.get(key)
    if (before !== undefined) groups.set(key, join(before, each))
    else if (groups.size < mostGroups) groups.set(key, each)
  }
  return [...groups.values()]
}

function join(a: ConnectionGroup, b: ConnectionGroup): ConnectionGroup {
  return {
    ...a,
    peers: [...new Set([...a.peers, ...b.peers])].slice(0, mostPeers),
    connections: a.connections + b.connections,
    inFlight: a.inFlight + b.inFlight,
  }
}
