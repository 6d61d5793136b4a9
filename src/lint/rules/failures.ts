/** What happens when an agent does not answer. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { eventSendings, sendingsOf } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'
import { variableIndex } from '../variable-index.ts'

export const failureRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_SERVER_UNCHECKED',
    severity: 'warning',
    doc: "a server of the agents' backend has no 'check', or the backend no 'option spop-check'",
    why: "Each request waits for the whole 'timeout processing' while a server is dead; with a check HAProxy knows at once.",
    hint: "write 'option spop-check' into the backend and 'check' behind each server",
    needsConfig: true,
    findsAbsence: true,
    check: perEngine(uncheckedServers),
  },
  {
    code: 'LINT_SPOE_FAILURE_UNSEEN',
    severity: 'note',
    doc: "the agent has no 'option set-on-error', or no rule reads its variable",
    why: 'A request whose agent is dead, late or refused looks like one that the agent had nothing to say about: it passes.',
    hint: "add 'option set-on-error error', and a rule such as 'http-request deny if { var(txn.PREFIX.error) -m found }'",
    needsConfig: true,
    findsAbsence: true,
    check: perEngine(unseenFailures),
  },
  {
    code: 'LINT_SPOE_ONE_FAILURE_STOPS',
    severity: 'note',
    doc: "an agent is asked several times for one stream, without 'option continue-on-error'",
    why: 'The first failed event switches the engine off for the rest of the transaction: later messages and groups are not sent.',
    hint: "add 'option continue-on-error', or let a rule act on the variable of 'option set-on-error'",
    needsConfig: false,
    check: perEngine(oneFailureStops),
  },
]

function uncheckedServers({ spoe: { agent }, host }: LintEngine, subject: LintSubject): Finding[] {
  const backend = host?.backend
  if (backend === undefined) return []
  // An agent in the same process is there as long as the proxy.
  const servers = backend.servers.filter(({ address }) => address.type !== 'inproc')
  const unchecked = servers.filter(({ check }) => check === undefined)
  const found = unchecked.map(({ name, place }) => ({
    place,
    message: `the server '${name}' of the agent '${agent.name}' has no 'check'`,
  }))
  if (backend.options.spopCheck || backend.mode === 'spop' || found.length === servers.length) return found
  // A tcp-check may speak SPOP, too.
  if (
    subject.lines.some(
      ({ words, section }) => section.name === backend.name && words[1]?.text === 'tcp-check',
    )
  ) {
    return found
  }
  const message = `the backend '${backend.name}' of the agent '${agent.name}' has no 'option spop-check'`
  return [...found, { place: backend.place, message }]
}

function unseenFailures({ spoe: { agent }, host }: LintEngine, subject: LintSubject): Finding[] {
  if (host === undefined) return []
  if (agent.setOnError === undefined) {
    return [{ place: agent.place, message: `nothing can tell that the agent '${agent.name}' did not answer` }]
  }
  const name = `${agent.varPrefix}.${agent.setOnError}`
  if (variableIndex(subject).readNames.has(name)) return []
  return [
    { place: agent.place, message: `no rule reads 'txn.${name}', which tells that the agent did not answer` },
  ]
}

function oneFailureStops(engine: LintEngine, subject: LintSubject): Finding[] {
  const { agent, groups } = engine.spoe
  if (agent.continueOnError) return []
  const count =
    engine.host === undefined
      ? eventSendings(engine).length + groups.length
      : new Set(sendingsOf(engine, subject).map(({ at, messages }) => `${at} ${messages[0]?.name ?? ''}`))
          .size
  if (count < 2) return []
  return [
    {
      place: agent.place,
      message: `the agent '${agent.name}' is asked ${count} times, until the first failure`,
    },
  ]
}
