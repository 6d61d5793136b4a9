/** A worker's side of a cluster: obeys the primary. */
import cluster from 'node:cluster'
import { hasMethods, requireArgument } from '../base/options.ts'
import { formatEndpoint } from '../net/endpoint.ts'
import type { Agent } from './agent.ts'
import type { ClusterReply, ClusterRequest } from './cluster-member.ts'
import { connectionGroupsOf } from './seen-connections.ts'

/**
 * Lets the primary drain, close and count this process's agent. Call it once the agent listens. In a process that is
 * no cluster worker it does nothing, so the same module runs alone too.
 * @throws UsageError `ERR_SLUICE_OPTION` for what is no agent.
 */
export function joinCluster(agent: Agent): void {
  requireArgument(hasMethods(agent, 'close', 'drain'), 'joinCluster: the agent', 'must be an Agent', agent)
  const { worker } = cluster
  if (worker === undefined) return
  const reply = (message: ClusterReply) => void process.send?.(message)
  const replyStats = (id: number) => {
    const stats = agent.stats
    const seen = {
      addresses: agent.addresses.map(formatEndpoint),
      connections: connectionGroupsOf(agent),
    }
    reply({ sluice: 'stats', id, stats: { ...stats, messages: [...stats.messages] }, seen })
  }
  const close = () =>
    void agent.close().then(() => {
      if (!worker.isConnected()) return
      // The primary keeps them: its sum shall not shrink when this process is gone.
      replyStats(0)
      worker.disconnect()
    })
  process.on('message', (request: ClusterRequest) => {
    if (request.sluice === 'close') close()
    else if (request.sluice === 'drain') agent.drain()
    else if (request.sluice === 'stats') replyStats(request.id)
  })
  // A terminal sends its signals to the workers too: they wait for the primary's word.
  process.on('SIGINT', () => {})
  process.once('SIGTERM', close)
  // Without a primary there is nobody to be told by.
  process.once('disconnect', () => void agent.close().finally(() => process.exit()))
  reply({ sluice: 'ready' })
}
