/** Times that do not fit together. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { sendingsOf } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'
import { concerns } from '../subject.ts'
import { muxBranch } from '../version.ts'

export const timeoutRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_AGENT_DEADLINE',
    severity: 'warning',
    doc: "the agent may take longer (--agent-deadline) than 'timeout processing' waits",
    why: "HAProxy goes on without the answer, and with 'option continue-on-error' it takes the late one for the answer to the next event of the stream.",
    hint: "give the agent a deadline well below 'timeout processing', so that it answers with its own policy",
    needsConfig: false,
    check: perEngine(agentDeadline),
  },
  {
    code: 'LINT_SPOE_SERVER_TIMEOUT',
    severity: 'warning',
    doc: "'timeout server' of the agents' backend is not longer than 'timeout processing' of the agent",
    why: 'The backend ends the connection while an answer is awaited: error 257, and all other answers of the connection are lost with it.',
    hint: "raise 'timeout server' of the backend above 'timeout processing'",
    needsConfig: true,
    check: perEngine(serverTimeout),
  },
  {
    code: 'LINT_SPOE_IDLE_TIMEOUT',
    severity: 'note',
    doc: "'timeout server' of the agents' backend is shorter than 'timeout idle' of the agent",
    why: 'SPOE.txt wants it greater: the backend cuts a connection that could have been used again, without a word to the agent.',
    hint: "raise 'timeout server' of the backend, or lower 'timeout idle'",
    needsConfig: true,
    check: perEngine(idleTimeout),
  },
  {
    code: 'LINT_SPOE_CONNECT_TIMEOUT',
    severity: 'note',
    doc: "'timeout connect' of the agents' backend is shorter than 'timeout hello' of the agent",
    why: 'SPOE.txt wants it greater: a connection may be given up while the agent could still be greeted in time.',
    hint: "raise 'timeout connect' of the backend, or lower 'timeout hello'",
    needsConfig: true,
    check: perEngine(connectTimeout),
  },
  {
    code: 'LINT_SPOE_CONNECT_OUTLASTS',
    severity: 'note',
    doc: "the agents' backend has several servers, and its 'timeout connect' is not shorter than 'timeout processing' of the agent",
    why: "When one of the servers swallows connections, the event is over before another one is tried, though 'option redispatch' would have chosen it.",
    hint: "write a 'timeout connect' of a third of 'timeout processing' or less into the backend, and 'option redispatch 1'",
    needsConfig: true,
    check: perEngine(connectOutlasts),
  },
  {
    code: 'LINT_SPOE_INSPECT_DELAY',
    severity: 'warning',
    doc: "'send-spoe-group' in content rules without 'inspect-delay', or with one that ends before 'timeout processing'",
    why: 'Without a delay HAProxy sends nothing, and when it runs out while the agent is awaited the connection passes without a verdict.',
    hint: "write 'tcp-request inspect-delay' with more than 'timeout processing'",
    needsConfig: true,
    check: perEngine(inspectDelay),
  },
]

function agentDeadline({ spoe: { agent } }: LintEngine, { agentDeadline: deadline }: LintSubject): Finding[] {
  const { processing } = agent.timeouts
  if (deadline === undefined || processing === undefined || deadline < processing) return []
  const late = agent.continueOnError ? '; its late answer is taken for the next one' : ''
  const message = `the agent may take ${deadline} ms, 'timeout processing' is ${processing} ms${late}`
  return [{ place: agent.place, message }]
}

function serverTimeout(engine: LintEngine): Finding[] {
  return backendTimeout(engine, 'server', 'processing', (server, processing) => server <= processing)
}

function idleTimeout(engine: LintEngine, subject: LintSubject): Finding[] {
  // Since 3.1 the backend's own time-outs decide about idle connections.
  if (!concerns(subject, { last: muxBranch - 1 })) return []
  return backendTimeout(engine, 'server', 'idle', (server, idle) => server < idle)
}

function connectTimeout(engine: LintEngine, subject: LintSubject): Finding[] {
  if (!concerns(subject, { last: muxBranch - 1 })) return []
  return backendTimeout(engine, 'connect', 'hello', (connect, hello) => connect < hello)
}

function connectOutlasts(engine: LintEngine): Finding[] {
  const servers = engine.host?.backend?.servers.filter(({ backup }) => !backup) ?? []
  if (servers.length < 2) return []
  return backendTimeout(engine, 'connect', 'processing', (connect, processing) => connect >= processing)
}

/** Compares a time of the agents' backend with one of the agent. */
function backendTimeout(
  { spoe: { agent }, host }: LintEngine,
  theirs: 'server' | 'connect',
  own: keyof typeof agent.timeouts,
  isBad: (theirs: number, own: number) => boolean,
): Finding[] {
  const backend = host?.backend
  const [limit, needed] = [backend?.timeouts[theirs], agent.timeouts[own]]
  if (backend === undefined || limit === undefined || needed === undefined || !isBad(limit, needed)) return []
  const message = `'timeout ${theirs}' of the backend '${backend.name}' is ${limit} ms, 'timeout ${own}' of the agent '${agent.name}' is ${needed} ms`
  return [{ place: backend.place, message }]
}

function inspectDelay(engine: LintEngine, subject: LintSubject): Finding[] {
  const { host, spoe } = engine
  if (host === undefined) return []
  const { processing } = spoe.agent.timeouts
  return sendingsOf(engine, subject).flatMap(({ at, place, rule }) => {
    if (rule === undefined || (at !== 'tcp-request content' && at !== 'tcp-response content')) return []
    const side = at === 'tcp-request content' ? 'request' : 'response'
    const delay = host.proxy.inspectDelay[side]
    if (delay === undefined)
      return [{ place, message: `without 'tcp-${side} inspect-delay' nothing is sent` }]
    if (processing === undefined || delay > processing) return []
    const message = `'tcp-${side} inspect-delay' ends after ${delay} ms, 'timeout processing' after ${processing} ms`
    return [{ place, message }]
  })
}
