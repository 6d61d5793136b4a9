/** Variables that nobody sets, nobody reads, or that agents may not set. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { eventSendings } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'
import { variableIndex } from '../variable-index.ts'
import { formatVariable, readVariables } from '../variable-names.ts'

export const variableRules: readonly LintRule[] = [
  {
    code: 'LINT_VARIABLE_NEVER_SET',
    severity: 'warning',
    doc: "a variable is read that no rule sets, and whose prefix is no agent's",
    why: 'It never has a value: a condition with it never holds, so a rule that denies never does.',
    hint: "compare the name with 'option var-prefix' of the agent and with the set-var rules",
    needsConfig: true,
    findsAbsence: true,
    check: neverSet,
  },
  {
    code: 'LINT_SPOE_NAME_UNUSED',
    severity: 'note',
    doc: "a name of 'register-var-names' is used by no rule",
    why: 'An agent may set it, and only Lua or the log of the agent will see it.',
    hint: 'remove it, unless Lua reads it',
    needsConfig: true,
    check: perEngine(unusedNames),
  },
  {
    code: 'LINT_SPOE_ANSWERS_DROPPED',
    severity: 'note',
    doc: 'an agent may set no variable: none of its prefix is named, registered or forced',
    why: "HAProxy drops what an agent sets unless a rule names the variable, 'register-var-names' lists it or the agent has 'option force-set-var'.",
    hint: "unless the agent only listens, use the variable in a rule, list it with 'register-var-names', or add 'option force-set-var'",
    needsConfig: true,
    findsAbsence: true,
    check: perEngine(droppedAnswers),
  },
  {
    code: 'LINT_SPOE_VARIABLE_SCOPE',
    severity: 'warning',
    doc: "the variable of 'set-on-error', 'set-process-time' or 'set-total-time' is read in another scope than txn",
    why: 'HAProxy sets it in the scope txn only, so what is read is always missing.',
    hint: 'read it with the scope txn',
    needsConfig: true,
    check: perEngine(wrongScope),
  },
  {
    code: 'LINT_SPOE_NAME_TOO_LONG',
    severity: 'warning',
    doc: 'a variable of an agent has a name of 64 characters or more, scope and prefix included',
    why: 'HAProxy has room for 63 when it takes the actions of an agent: what is longer is never set.',
    hint: "shorten the name, or the prefix with 'option var-prefix'",
    needsConfig: true,
    check: perEngine(longNames),
  },
  {
    code: 'LINT_SPOE_ARGUMENT_TOO_EARLY',
    severity: 'warning',
    doc: 'an argument of an event message is a variable that only later rules set',
    why: 'A SPOE event is fired before the rules of its phase: the argument is always NULL.',
    hint: "send the message in a group, with 'send-spoe-group' behind the rule that sets the variable",
    needsConfig: true,
    check: perEngine(tooEarly),
  },
]

/** Lua and the filters of OpenTracing and OpenTelemetry may set and read any variable. */
function hasUnseenUsers({ lines }: LintSubject): boolean {
  return lines.some(({ words }) =>
    words.some(({ text }) => /^(?:lua[.-]|opentracing$|opentelemetry$)/.test(text)),
  )
}

/** What the names of variables begin with that agents set. */
function agentPrefixes({ engines }: LintSubject): string[] {
  return [...new Set(engines.map(({ spoe }) => `${spoe.agent.varPrefix}.`))]
}

function neverSet(subject: LintSubject): Finding[] {
  if (subject.config === undefined || hasUnseenUsers(subject)) return []
  const { reads, messageReads, setters } = variableIndex(subject)
  const prefixes = agentPrefixes(subject)
  return (
    [...reads, ...messageReads]
      .map(({ variable }) => variable)
      // Variables of the process may be set at run time.
      .filter(({ scope }) => scope !== 'proc')
      .filter((variable) => !setters.has(formatVariable(variable)))
      .filter(({ name }) => !prefixes.some((prefix) => name.startsWith(prefix)))
      .map((variable) => ({
        place: variable.place,
        message: `'${formatVariable(variable)}' is read, and nothing sets it`,
      }))
  )
}

function unusedNames({ spoe: { agent }, lines }: LintEngine, subject: LintSubject): Finding[] {
  if (subject.config === undefined || agent.registerVarNames.length === 0 || hasUnseenUsers(subject))
    return []
  const { usedNames } = variableIndex(subject)
  return lines
    .filter(({ words, section }) => section.kind === 'spoe-agent' && words[0]?.text === 'register-var-names')
    .flatMap(({ words }) => words.slice(1))
    .filter(({ text }) => !usedNames.has(`${agent.varPrefix}.${text}`))
    .map(({ text, place }) => ({ place, message: `no rule reads '${agent.varPrefix}.${text}' in any scope` }))
}

function droppedAnswers({ spoe: { agent } }: LintEngine, subject: LintSubject): Finding[] {
  if (subject.config === undefined || agent.forceSetVar || agent.registerVarNames.length > 0) return []
  const own = new Set([agent.setOnError, agent.setProcessTime, agent.setTotalTime])
  const start = `${agent.varPrefix}.`
  const { usedNames, setNames } = variableIndex(subject)
  for (const names of [usedNames, setNames]) {
    for (const name of names) if (name.startsWith(start) && !own.has(name.slice(start.length))) return []
  }
  const message = `nothing names a variable '${start}...', so what the agent '${agent.name}' sets is dropped`
  return [{ place: agent.place, message }]
}

function wrongScope({ spoe: { agent } }: LintEngine, subject: LintSubject): Finding[] {
  const own = [agent.setOnError, agent.setProcessTime, agent.setTotalTime].filter(
    (name) => name !== undefined,
  )
  const names = new Set(own.map((name) => `${agent.varPrefix}.${name}`))
  return variableIndex(subject)
    .reads.map(({ variable }) => variable)
    .filter(({ scope, name }) => scope !== 'txn' && names.has(name))
    .map((variable) => ({
      place: variable.place,
      message: `'${formatVariable(variable)}' never has a value: the agent '${agent.name}' has it in txn`,
    }))
}

/** What HAProxy has room for (`src/flt_spoe.c`, spoe_set_var). */
const longestName = 63

function longNames({ spoe: { agent } }: LintEngine, subject: LintSubject): Finding[] {
  return variableIndex(subject)
    .uses.map(({ variable }) => variable)
    .filter(({ name }) => name.startsWith(`${agent.varPrefix}.`))
    .map((variable) => ({ place: variable.place, text: formatVariable(variable) }))
    .filter(({ text }) => text.length > longestName)
    .map(({ place, text }) => ({
      place,
      message: `'${text}' has ${text.length} characters: the agent '${agent.name}' cannot set it`,
    }))
}

/** The rules whose results an event of the same or an earlier phase cannot see. */
const laterRules = {
  'on-frontend-http-request': /^http-(?:request|response|after-response)$/,
  'on-backend-http-request': /^http-(?:response|after-response)$/,
  'on-http-response': /^http-(?:response|after-response)$/,
} as const

function tooEarly(engine: LintEngine, subject: LintSubject): Finding[] {
  if (engine.host === undefined) return []
  const { setters } = variableIndex(subject)
  const agents = agentPrefixes(subject)
  return eventSendings(engine).flatMap(({ at, messages }) => {
    const later = laterRules[at as keyof typeof laterRules] as RegExp | undefined // events of TCP have no entry
    if (later === undefined) return []
    return messages
      .flatMap(({ args }) => args)
      .flatMap(({ expr }) => readVariables({ words: [expr], modifier: undefined, section: nowhere }))
      .filter(({ name }) => !agents.some((prefix) => name.startsWith(prefix)))
      .flatMap((variable) => {
        const own = setters.get(formatVariable(variable)) ?? []
        const isLate = own.every(({ words }) => later.test(words[0]?.text ?? ''))
        const message = `'${formatVariable(variable)}' is set by rules that run after '${at}'`
        return own.length > 0 && isLate ? [{ place: variable.place, message }] : []
      })
  })
}

const nowhere = { kind: '', name: '', place: { file: '', line: 0, column: 0 }, scope: undefined }
