/** Restarting the agent, and reloading HAProxy, while requests are served: what is lost is what was in flight, or nothing. */
import assert from 'node:assert/strict'
import { Agent as HttpAgent } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent } from 'sluice/agent'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'
import { ask, serverState, startAgent, startSpoe } from './agent-support.ts'

const skip = skipWithoutHaproxy()

const clients = 32
const processing = 1000

/** A few milliseconds of work, and then the answer. */
function serve(agent: Agent): void {
  agent.message('m', { id: 'string' }, async ({ id }, actions) => {
    await sleep(2 + (Number(id) % 4))
    actions.setVar('txn', 'id', id)
  })
}

const setting = (agents: number | string) => ({
  agents,
  agentLines: `messages m\n  timeout processing ${processing}ms\n  option set-on-error err`,
  messages: 'spoe-message m\n  args id=req.hdr(x-id)\n  event on-frontend-http-request',
  frontend:
    'http-after-response set-header x-id "%[var(txn.t.id)]"\n  http-after-response set-header x-err "%[var(txn.t.err)]"',
})

/** What became of the requests of a load. */
interface Load {
  served: number
  /** Answered by HAProxy, but not by the agent. */
  readonly failures: { readonly error: string; readonly from: number; readonly to: number }[]
  /** No answer at all, on a fresh connection. */
  broken: number
  stop(): Promise<void>
}

/** Keep-alive clients, each asking again as soon as it has its answer. */
function startLoad(t: TestContext, port: number): Load {
  let running = true
  let id = 0
  const kept = new HttpAgent({ keepAlive: true, maxSockets: clients })
  t.after(() => kept.destroy())
  const load: Load = {
    served: 0,
    failures: [],
    broken: 0,
    stop: async () => {
      running = false
      await Promise.all(loops)
    },
  }
  async function one(agent?: HttpAgent): Promise<void> {
    const headers = { 'x-id': String(id++) }
    const since = performance.now()
    const answer = await ask(port, agent === undefined ? { headers } : { headers, agent })
    if (answer.headers['x-id'] === headers['x-id']) load.served++
    else load.failures.push({ error: String(answer.headers['x-err']), from: since, to: performance.now() })
  }
  const loops = Array.from({ length: clients }, async () => {
    while (running) {
      // A kept connection may be closed under a request, by a reload for example: every client then asks again.
      await one(kept).catch(() => one().catch(() => load.broken++))
    }
  })
  return load
}

describe('restarting the agent under load', { skip }, () => {
  it('loses no more than what was in flight, and that within the processing timeout', async (t) => {
    let current = await startAgent(t, serve)
    const haproxy = await startSpoe(t, setting(current.port))
    const load = startLoad(t, haproxy.ports.fe)
    const windows: { readonly from: number; readonly to: number }[] = []
    for (let restart = 0; restart < 3; restart++) {
      await until(() => load.served > 300 * (restart + 1), 'requests are served')
      const from = performance.now()
      const closing = current.agent.close()
      const next = await startAgent(t, serve, {}, current.port)
      await closing
      windows.push({ from, to: performance.now() })
      const { errors, frames } = current.agent.stats
      assert.deepEqual(errors, {})
      assert.equal(frames.acks, frames.notifies, 'all that was read is answered')
      current = next
    }
    const before = load.served
    await until(() => load.served > before + 300, 'requests are served again')
    await load.stop()
    const { failures } = load
    t.diagnostic(`${load.served} served, ${failures.length} failed in three restarts`)
    // 256 + status 0: HAProxy was told that the agent goes.
    t.diagnostic(`errors: ${[...new Set(failures.map(({ error }) => error))].join()}`)
    assert.equal(load.broken, 0)
    // Every one of them was on its way while the agent went; all others are served.
    for (const { from, to } of failures) {
      assert.ok(
        windows.some((window) => from < window.to && to > window.from),
        'failed while nothing happened',
      )
      assert.ok(to - from < processing + 500, `failed after ${to - from} ms`)
    }
    // Each client has one request in flight.
    assert.ok(failures.length <= 3 * clients, `${failures.length} failed`)
  })

  it('with two agents, health checks and drain(), loses no more than what is in flight on the one that goes', async (t) => {
    const one = await startAgent(t, serve)
    const two = await startAgent(t, serve)
    const servers = [one, two].map(({ port }, index) => `server s${index} 127.0.0.1:${port}`)
    const haproxy = await startSpoe(
      t,
      setting(
        `option spop-check\n  default-server check inter 50ms fall 1 rise 1\n  ${servers.join('\n  ')}`,
      ),
    )
    const state = async (server: string) => (await serverState(haproxy.dir, 'agents', server)).status
    await until(async () => (await state('s0')) === 'UP' && (await state('s1')) === 'UP', 'both are up')
    const load = startLoad(t, haproxy.ports.fe)
    await until(() => load.served > 300, 'requests are served')
    one.agent.drain()
    await until(async () => (await state('s0')).startsWith('DOWN'), 'the first is out')
    // Connections that HAProxy holds stay in use; the work on them ends with them.
    const closing = one.agent.close()
    const again = await startAgent(t, serve, {}, one.port)
    await closing
    await until(async () => (await state('s0')) === 'UP', 'the first is back')
    await until(() => load.served > 900, 'requests are served')
    await load.stop()
    t.diagnostic(`${load.served} served, ${load.failures.length} failed`)
    assert.equal(load.broken, 0)
    assert.ok(load.failures.length <= clients, `${load.failures.length} failed`)
    assert.ok(again.agent.stats.connections.healthChecks > 0)
  })
})

describe('reloading HAProxy under load', { skip }, () => {
  it('loses nothing', async (t) => {
    const { agent, port } = await startAgent(t, serve)
    const haproxy = await startSpoe(t, { ...setting(port), master: true })
    const load = startLoad(t, haproxy.ports.fe)
    for (let reload = 0; reload < 3; reload++) {
      await until(() => load.served > 300 * (reload + 1), 'requests are served')
      await haproxy.reload()
      // The master takes no signal before it has buried the old worker.
      await until(
        () => haproxy.logs().split('Former worker').length === reload + 2,
        'the old worker is gone',
        8000,
      )
    }
    const before = load.served
    await until(() => load.served > before + 300, 'requests are served again')
    await load.stop()
    t.diagnostic(
      `${load.served} served, ${load.failures.length} failed, ${load.broken} broken in three reloads`,
    )
    assert.deepEqual(load.failures, [])
    assert.equal(load.broken, 0)
    assert.deepEqual(agent.stats.errors, {})
    assert.equal(agent.stats.frames.acks, agent.stats.frames.notifies)
  })
})
