/** Verdicts that live longer than what they are about. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { isPerRequest, sendingsOf } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'
import { variableIndex } from '../variable-index.ts'
import { formatVariable } from '../variable-names.ts'

export const verdictScopeRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_SESS_VERDICT',
    severity: 'warning',
    doc: 'a rule of HTTP judges by a variable of an agent in the scope sess, though the agent is asked for each request',
    why: 'The variable outlives its request: when the agent does not answer for the second request of a connection, the verdict on the first one is taken.',
    hint: 'let the agent use the scope txn; sess is for what cannot change within a connection',
    needsConfig: true,
    check: perEngine(sessionVerdicts),
  },
]

/** What decides, and the named conditions by which it may. */
const deciding =
  /^(?:http-request (?:deny|tarpit|reject|allow|redirect|return|auth|silent-drop|use-service|set-header|set-var)|use_backend|acl)\b/

function sessionVerdicts(engine: LintEngine, subject: LintSubject): Finding[] {
  if (engine.host === undefined || !sendingsOf(engine, subject).some(isPerRequest)) return []
  const { agent } = engine.spoe
  return variableIndex(subject)
    .reads.filter(
      ({ variable: { scope, name } }) => scope === 'sess' && name.startsWith(`${agent.varPrefix}.`),
    )
    .filter(({ line }) => deciding.test(line.words.map(({ text }) => text).join(' ')))
    .map(({ variable }) => ({
      place: variable.place,
      message: `'${formatVariable(variable)}' keeps its value when the agent '${agent.name}' does not answer`,
    }))
}
