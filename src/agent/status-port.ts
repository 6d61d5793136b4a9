/** Opens an agent's status port. The HTTP server is loaded when somebody wants one. */
import { errorMessage, SluiceError, UsageError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { StatusBoard } from '../status/board.ts'
import type { StatusOptions } from '../status/options.ts'
import type { StatusPort } from '../status/port.ts'
import { AgentError } from './errors.ts'
import { RecentMessages } from '../status/recent.ts'
import { resolveStatusOptions } from '../status/options.ts'
import type { LevelControl, StatusSubject } from '../status/subject.ts'
import type { ClusterStatusOptions } from './cluster-status.ts'
import { AnswerObserver } from './observer.ts'
import { createSubject, type SeenAgent } from './status-subject.ts'
import { Verdicts } from './verdicts.ts'

/** Recent messages that are kept when they are switched on later. */
const usualSize = 50
/** Workers do not tell these. */
const notOfClusters = ['verdict', 'recent', 'redact', 'token'] as const

/** @throws AgentError `ERR_AGENT_LISTEN`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`. */
export async function openStatusPort(
  where: string | Endpoint,
  options: StatusOptions,
  agent: SeenAgent,
  board: StatusBoard,
  logger: Logger,
): Promise<StatusPort> {
  const { verdict, recent: size, redact, token } = resolveStatusOptions(options)
  const verdicts = verdict === undefined ? undefined : new Verdicts(verdict)
  const recent = new RecentMessages(size === 0 ? usualSize : size, size > 0, redact)
  const subject = createSubject(agent, verdicts, recent, levelOf(logger))
  const port = await open(where, options, subject, board, logger)
  // Nobody looks at answers unless somebody wants to know, or may want to.
  if (verdicts !== undefined || size > 0 || token !== undefined)
    agent.observe(new AnswerObserver(verdicts, recent))
  return port
}

/** The same for a cluster. */
export async function openClusterPort(
  where: string | Endpoint,
  options: ClusterStatusOptions,
  agent: SeenAgent,
  board: StatusBoard,
  logger: Logger,
): Promise<StatusPort> {
  const given = options as Readonly<Record<string, unknown>>
  for (const name of notOfClusters) {
    if (given[name] !== undefined)
      throw new UsageError(
        'ERR_SLUICE_OPTION',
        `serveStatus: option '${name}' is for an agent, not for a cluster`,
      )
  }
  return open(where, options, createSubject(agent, undefined, undefined, undefined), board, logger)
}

async function open(
  where: string | Endpoint,
  options: StatusOptions,
  subject: StatusSubject,
  board: StatusBoard,
  logger: Logger,
): Promise<StatusPort> {
  const { StatusPort: Port } = await import('../status/port.ts')
  try {
    return await Port.open(where, options, subject, board, logger)
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new AgentError('ERR_AGENT_LISTEN', `status port: ${errorMessage(error)}`, { cause: error })
  }
}

/** pino's loggers, and ours, have a level that can be set. */
function levelOf(logger: Logger): LevelControl | undefined {
  const leveled = logger as { level?: unknown }
  if (typeof leveled.level !== 'string') return undefined
  return {
    get: () => String(leveled.level),
    set: (level) => {
      leveled.level = level
    },
  }
}
