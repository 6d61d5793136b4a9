/** Our engine asking our agent, connected in memory: everything but the kernel. */
import { createAgent, type Agent } from '../agent/agent.ts'
import type { AgentOptions } from '../agent/options.ts'
import { createEngine, type Engine } from '../engine/engine.ts'
import type { EngineOptions } from '../engine/options.ts'
import { requireArgument } from '../base/options.ts'
import { createSocketPair, type MemorySocket } from '../net/memory-socket.ts'

/** See {@link createPair}. */
export interface Pair {
  /** The agent that was given. */
  readonly agent: Agent
  /** An engine that asks it. */
  readonly engine: Engine
  /** The agent's ends of the connections so far: `resetAndDestroy()` one to see what the engine makes of it. */
  readonly connections: readonly MemorySocket[]
  /** Closes both, the engine first. */
  close(): Promise<void>
  /** The same as {@link Pair.close}. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The name of the server in the engine's statistics and outcomes. */
const serverName = 'unix@memory'

/**
 * Makes an agent and an engine that asks it. Handlers are registered on `pair.agent` as on any agent.
 *
 * @throws UsageError `ERR_SLUICE_OPTION`.
 * @example
 * ```ts
 * import { createPair } from 'sluice/testing'
 *
 * const pair = createPair({ deadline: 50 }, { profile: '3.x' })
 * pair.agent.message('check', { path: 'string' }, ({ path }, actions) => {
 *   actions.setVar('txn', 'known', path === '/')
 * })
 * const outcome = await pair.engine.send({ messages: [{ name: 'check', args: [['path', '/']] }] })
 * await pair.close()
 * ```
 */
export function createPair(
  agentOptions: AgentOptions = {},
  engineOptions: Omit<EngineOptions, 'servers' | 'connect'> = {},
): Pair {
  const isRight =
    typeof engineOptions === 'object' &&
    engineOptions !== null &&
    !Object.hasOwn(engineOptions, 'servers') &&
    !Object.hasOwn(engineOptions, 'connect')
  const rule = "must be an object without 'servers' and 'connect', which the pair sets"
  requireArgument(isRight, "createPair: the engine's options", rule, engineOptions)
  const agent = createAgent(agentOptions)
  const connections: MemorySocket[] = []
  const connect = (): MemorySocket => {
    const [engineEnd, agentEnd] = createSocketPair()
    connections.push(agentEnd)
    agent.accept(agentEnd, 'memory')
    return engineEnd.connectLater()
  }
  const engine = createEngine({ ...engineOptions, servers: [serverName], connect })
  const close = async (): Promise<void> => {
    await engine.close()
    await agent.close()
  }
  return { agent, engine, connections, close, [Symbol.asyncDispose]: close }
}
