/**
 * An agent on several cores: `cluster-server WORKERS`. Prints its port and the pids of its workers, each of which keeps to a
 * core of its own.
 */
import { execFileSync } from 'node:child_process'
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { createAgent, createAgentCluster, joinCluster } from 'sluice/agent'
import { freePort } from './ports.js'
import { messageName } from './payloads.js'
import { canPin } from './processes.js'

if (cluster.isPrimary) {
  const workers = Number(process.argv[2] ?? 2)
  const port = await freePort()
  process.env['BENCH_PORT'] = String(port)
  // In turn, or the kernel would give most connections to one of them.
  const agents = createAgentCluster(fileURLToPath(import.meta.url), { workers, roundRobin: true })
  await agents.ready()
  const pids = Object.values(cluster.workers ?? {}).flatMap((worker) => worker?.process.pid ?? [])
  for (const [core, pid] of pids.entries())
    if (canPin) execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' })
  console.log(port, pids.join())
} else {
  const agent = createAgent()
  agent.message(messageName, { ip: 'ip' }, ({ ip }, actions) => {
    actions.setVar('sess', 'ip_score', ip.v4 % 100)
  })
  await agent.listen(`127.0.0.1:${process.env['BENCH_PORT']}`)
  joinCluster(agent)
}
