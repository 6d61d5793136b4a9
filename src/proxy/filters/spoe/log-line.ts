/** The text of the SPOE log (SPOE.txt 4). Pure. */
import type { EngineStats } from '../../../engine/index.ts'

/** What became of an event or a group, and what the engine looks like behind it. Milliseconds; -1: it did not come to that. */
export interface SpoeLogFields {
  /** The name of the agent. */
  readonly agent: string
  /** `EVENT:on-client-session`, `GROUP:name`. */
  readonly kind: string
  readonly sid: number
  readonly status: number
  readonly requestTime: number
  readonly queueTime: number
  readonly waitTime: number
  /** From the beginning to the end. */
  readonly processTime: number
  readonly engine:
    | Pick<EngineStats, 'free' | 'connections' | 'connecting' | 'queued' | 'inFlight'>
    | undefined
  readonly errors: number
  readonly processed: number
}

/** `option set-on-error` of failures before anything is queued: no agent, and too much for a frame. */
const unqueued = [2, 3]

/** As HAProxy 1.9 to 3.0 has it; in `short`, as 3.1 and later do. */
export function formatSpoeLine(fields: SpoeLogFields, short: boolean): string {
  const { agent, kind, sid, status, processTime, errors, processed } = fields
  const head = `SPOE: [${agent}] <${kind}> sid=${sid} st=${status}`
  const counts = `${errors}/${processed}`
  if (short) return `${head} ${processTime} ${counts}`
  return `${head} ${times(fields)} ${connections(fields.engine)} ${counts}`
}

/** For HAProxy the request ends when it is queued. Actions are done when the answer is read: that takes no time of its own. */
function times({ status, requestTime, queueTime, waitTime, processTime }: SpoeLogFields): string {
  const encoding = unqueued.includes(status) ? -1 : requestTime
  const responseTime = status === 0 ? 0 : -1
  return [encoding, queueTime, waitTime, responseTime, processTime].map(Math.trunc).join('/')
}

function connections(engine: SpoeLogFields['engine']): string {
  if (engine === undefined) return '0/0 0/0'
  const { free, connections: open, connecting, queued, inFlight } = engine
  return `${free}/${open + connecting} ${queued}/${inFlight}`
}
