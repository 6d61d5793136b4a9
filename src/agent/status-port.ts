/** Opens an agent's status port. The HTTP server is loaded when somebody wants one. */
import { errorMessage, SluiceError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { StatusBoard } from '../status/board.ts'
import type { StatusOptions } from '../status/options.ts'
import type { StatusPort } from '../status/port.ts'
import { AgentError } from './errors.ts'
import { createSubject, type SeenAgent } from './status-subject.ts'

/** @throws AgentError `ERR_AGENT_LISTEN`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`. */
export async function openStatusPort(
  where: string | Endpoint,
  options: StatusOptions,
  agent: SeenAgent,
  board: StatusBoard,
  logger: Logger,
): Promise<StatusPort> {
  const { StatusPort: Port } = await import('../status/port.ts')
  const subject = createSubject(agent, () => ({}))
  try {
    return await Port.open(where, options, subject, board, logger)
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new AgentError('ERR_AGENT_LISTEN', `status port: ${errorMessage(error)}`, { cause: error })
  }
}
