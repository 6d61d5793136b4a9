/** Starts the agent. LISTEN, STATUS, BLOCKED, FAILURE and DRAIN_MS come from the environment: see README.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import { notifySystemd } from 'sluice/agent'
import { createGate, parseBlocked } from './agent.ts'

const {
  LISTEN = '127.0.0.1:12345',
  STATUS,
  BLOCKED = '',
  FAILURE = 'closed',
  DRAIN_MS = '3000',
} = process.env
if (FAILURE !== 'open' && FAILURE !== 'closed') throw new Error(`FAILURE is open or closed, not '${FAILURE}'`)

const agent = createGate({ blocked: parseBlocked(BLOCKED), failure: FAILURE })
const address = await agent.listen(LISTEN)
console.log('my-agent listens on', address.type === 'tcp' ? `${address.host}:${address.port}` : LISTEN)
// /metrics, /healthz and /readyz.
if (STATUS !== undefined) console.log('status:', (await agent.serveStatus(STATUS)).url)
// For `Type=notify` and `WatchdogSec` of the systemd unit; elsewhere it does nothing.
notifySystemd(agent)

async function stop(): Promise<void> {
  // Health checks fail from now on, everything else is served; HAProxy needs `inter` times `fall` to notice.
  agent.drain()
  await sleep(Number(DRAIN_MS))
  await agent.close()
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop())
