/** What an engine is told of a `spoe-agent` section and of the backend that it uses. */
import type { Logger } from '../../../base/logger.ts'
import type { SpoeAgent } from '../../../config/index.ts'
import type { EngineCapability, EngineOptions } from '../../../engine/index.ts'
import { BackendAgents } from '../../server/agents.ts'
import { drawsOf, plainAlgorithm } from '../../server/balance.ts'
import type { Backend } from '../../server/backend.ts'

/** The waits between attempts to connect, in milliseconds; the longer ones are for time-outs that leave room for some. */
const shortestBackoff = 40
const longestBackoff = 60

/** A time-out that is missing is the engine's own, for 0 is none. */
export function engineOptions(agent: SpoeAgent, backend: Backend, logger: Logger): EngineOptions {
  const { connect } = backend.plan.timeouts
  const { hello, idle, processing } = agent.timeouts
  const { balance } = backend.plan.model
  const draws = drawsOf(balance)
  return {
    servers: new BackendAgents(backend),
    profile: backend.plan.model.mode === 'spop' ? '3.x' : '2.6',
    balance: plainAlgorithm(balance),
    ...(draws === undefined ? {} : { balanceDraws: draws }),
    capabilities: capabilitiesOf(agent),
    maxFrameSize: agent.maxFrameSize,
    // A message that fits no frame is then not sent at all.
    ...(agent.sendFragPayload ? {} : { maxPayloadSize: 0 }),
    maxWaitingFrames: agent.maxWaitingFrames,
    maxConnectionRate: agent.maxConnRate ?? 0,
    whenDown: agent.failFast ? 'fail' : 'wait',
    whenLost: agent.resendLost ? 'resend' : 'fail',
    turn: 'share',
    minBackoff: shortestBackoff,
    maxBackoff: longestBackoffWithin(processing),
    logger,
    ...(connect === undefined || connect === 0 ? {} : { connectTimeout: connect }),
    ...(hello === undefined || hello === 0 ? {} : { helloTimeout: hello }),
    ...(idle === undefined ? {} : { idleTimeout: idle }),
  }
}

function capabilitiesOf({ pipelining, async }: SpoeAgent): EngineCapability[] {
  const capabilities: EngineCapability[] = pipelining ? ['pipelining'] : []
  if (async) capabilities.push('async')
  return capabilities
}

/** Well under `timeout processing`, so that an agent which comes back is found in time. */
function longestBackoffWithin(processing: number | undefined): number {
  if (processing === undefined) return longestBackoff
  return Math.min(longestBackoff, Math.max(shortestBackoff, Math.round(processing / 4)))
}
