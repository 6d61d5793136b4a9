/** `balance roundrobin`: each server in turn, in proportion to its weight. */
import type { Server } from './server.ts'

/**
 * The next server among those that are usable, not full, and accepted by `allowed`; undefined when there is none.
 * Backup servers take part only when no other server is usable, and then the first of them alone, as in HAProxy.
 */
export function nextServer(
  servers: readonly Server[],
  allowed: (server: Server) => boolean = () => true,
): Server | undefined {
  let total = 0
  let best: Server | undefined
  let anyActive = false
  for (const server of servers) {
    if (server.plan.model.backup || !server.usable) continue
    anyActive = true
    if (server.full || !allowed(server)) continue
    // Smooth weighted round robin: whoever has waited longest in proportion to its weight is next.
    server.balance += server.weight
    total += server.weight
    if (best === undefined || server.balance > best.balance) best = server
  }
  if (best !== undefined) {
    best.balance -= total
    return best
  }
  if (anyActive) return undefined
  return servers.find((each) => each.plan.model.backup && each.usable && !each.full && allowed(each))
}
