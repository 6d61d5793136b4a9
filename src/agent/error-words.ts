/** Errors that an agent has counted, in words, and what HAProxy makes of them. */
import { SpopError, spopFaults, statusText } from '../spop/errors.ts'
import type { ErrorReading } from '../status/readings.ts'
import { agentFaults } from './errors.ts'

const timeout = "1: HAProxy's time-out"

/** What `option set-on-error` has in its variable when these happen; where nothing stands HAProxy has got its answer. */
const seenByHaproxy = new Map<string, string>([
  ['ERR_AGENT_SUPERSEDED', timeout],
  ['ERR_AGENT_ACK_TOO_BIG', '0: a part of the actions, or the fallback'],
  ['ERR_AGENT_DEADLINE', '0: the fallback has answered'],
  ['ERR_AGENT_OVERLOAD', '0: the fallback has answered'],
  ['ERR_AGENT_HANDLER', '0: the fallback has answered'],
  ['ERR_AGENT_ARGUMENT', '0: the fallback has answered'],
  ['ERR_AGENT_FALLBACK', '0: an answer without actions'],
  ['ERR_AGENT_STALLED', '257: 256 + 1, the connection was cut'],
  ['ERR_AGENT_PEER_REFUSED', timeout],
  ['ERR_AGENT_HANDSHAKE_TIMEOUT', '2: no connection to the agent'],
  ['ECONNRESET', '257: 256 + 1, or it was HAProxy who left'],
  ['EPIPE', '257: 256 + 1, or it was HAProxy who left'],
])

/** Codes of the system that connections end with. */
const systemWords = new Map<string, string>([
  ['ECONNRESET', 'the peer has cut the connection'],
  ['EPIPE', 'the peer was gone when it was written to'],
  ['ETIMEDOUT', 'the network did not answer'],
  ['EMFILE', 'the process has no descriptors left'],
  ['ENFILE', 'the system has no descriptors left'],
])

/** Puts a counted code into words. */
export function describeErrorCode(code: string, count: number): ErrorReading {
  if (Object.hasOwn(agentFaults, code)) {
    const { message } = agentFaults[code as keyof typeof agentFaults] // it is one of them
    return { code, count, words: message, haproxy: seenByHaproxy.get(code) ?? '' }
  }
  if (Object.hasOwn(spopFaults, code)) {
    const { status } = new SpopError(code as keyof typeof spopFaults)
    const words = spopFaults[code as keyof typeof spopFaults].message
    return { code, count, words, haproxy: `${256 + status}: 256 + ${status}, ${statusText(status)}` }
  }
  const words = systemWords.get(code) ?? 'told by the system, or by TLS'
  return { code, count, words, haproxy: seenByHaproxy.get(code) ?? '' }
}

/** What HAProxy has closed connections with: the status of its DISCONNECT. */
export function describeDisconnect(status: number, count: number): ErrorReading {
  const words = `HAProxy has closed the connection: ${statusText(status)}`
  return { code: `DISCONNECT ${status}`, count, words, haproxy: `${256 + status}: 256 + ${status}` }
}
