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

async function start(): Promise<void> {
  if (FAILURE !== 'open' && FAILURE !== 'closed') {
    throw new Error(`FAILURE is open or closed, not '${FAILURE}'`)
  }
  if (!/^\d+$/.test(DRAIN_MS)) throw new Error(`DRAIN_MS is a number of milliseconds, not '${DRAIN_MS}'`)
  const agent = createGate({ blocked: parseBlocked(BLOCKED), failure: FAILURE })
  const stop = async (): Promise<void> => {
    // Health checks fail from now on, everything else is served; HAProxy needs `inter` times `fall` to notice.
    agent.drain()
    await sleep(Number(DRAIN_MS))
    await agent.close()
  }
  // Before it listens: a signal that nobody listens to cuts off the first clients. The second one ends it at once.
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop())
  const address = await agent.listen(LISTEN)
  console.log('my-agent listens on', address.type === 'tcp' ? `${address.host}:${address.port}` : LISTEN)
  // /metrics, /healthz and /readyz.
  if (STATUS !== undefined) console.log('status:', (await agent.serveStatus(STATUS)).url)
  // For `Type=notify` and `WatchdogSec` of the systemd unit; elsewhere it does nothing.
  notifySystemd(agent)
}

start().catch((error: unknown) => {
  console.error(`my-agent: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
})
