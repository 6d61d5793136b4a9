/** What can go wrong in an agent beside the protocol itself. */
import { SluiceError, withDetail, type ErrorAbout, type Fault } from '../base/errors.ts'

/** Every code that the agent throws or reports. */
export const agentFaults = {
  ERR_AGENT_ARGUMENT: { message: 'an argument has not the declared type', fault: 'peer' },
  ERR_AGENT_SCHEMA: { message: 'a declaration of arguments is wrong', fault: 'local' },
  ERR_AGENT_DUPLICATE: { message: 'a message has a handler already', fault: 'local' },
  ERR_AGENT_VAR_NAME: { message: 'a variable name is not one that HAProxy takes', fault: 'local' },
  ERR_AGENT_HANDLER: { message: 'a handler failed', fault: 'local' },
  ERR_AGENT_FALLBACK: { message: 'a fallback failed', fault: 'local' },
  ERR_AGENT_MIDDLEWARE: { message: 'middleware failed after a message', fault: 'local' },
  ERR_AGENT_DEADLINE: { message: 'a handler did not answer in time', fault: 'local' },
  ERR_AGENT_LATE: { message: 'actions were set after the handler was done', fault: 'local' },
  ERR_AGENT_OVERLOAD: { message: 'too many messages are being worked on', fault: 'local' },
  ERR_AGENT_ACK_TOO_BIG: { message: 'the actions do not fit the frame size', fault: 'local' },
  ERR_AGENT_INTERNAL: { message: 'the agent itself failed', fault: 'local' },
  ERR_AGENT_STALLED: { message: 'the peer does not read its answers', fault: 'peer' },
  ERR_AGENT_CLOSED: { message: 'the connection is gone', fault: 'io' },
  ERR_AGENT_SUPERSEDED: {
    message: 'HAProxy has asked again with the ids of what was not answered yet',
    fault: 'peer',
  },
  ERR_AGENT_LISTEN: { message: 'cannot listen', fault: 'io' },
  ERR_AGENT_HANDSHAKE_TIMEOUT: { message: 'no HAPROXY-HELLO in time', fault: 'peer' },
  ERR_AGENT_RECEIVE_TIMEOUT: { message: 'what was begun was not finished in time', fault: 'peer' },
  ERR_AGENT_IDLE_TIMEOUT: { message: 'nothing was asked for too long', fault: 'peer' },
  ERR_AGENT_PEER_REFUSED: { message: 'the peer is not in allowedPeers', fault: 'peer' },
  ERR_AGENT_HEADERS: { message: 'a hdrs_bin block is malformed', fault: 'peer' },
  ERR_AGENT_OFFLOAD: { message: 'a worker thread failed', fault: 'local' },
  ERR_AGENT_CLUSTER: { message: 'a worker process failed', fault: 'local' },
} as const satisfies Record<string, { message: string; fault: Fault }>

/** A code of {@link agentFaults}. */
export type AgentErrorCode = keyof typeof agentFaults

/** An error of the agent; see docs/errors.md for each code. */
export class AgentError extends SluiceError<AgentErrorCode> {
  constructor(code: AgentErrorCode, detail?: string, about: Pick<ErrorAbout, 'cause'> = {}) {
    const { message, fault } = agentFaults[code]
    super(code, withDetail(message, detail), { fault, cause: about.cause })
  }
}
