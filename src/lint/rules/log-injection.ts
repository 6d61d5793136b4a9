/** What agents set, in log lines. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import type { LintEngine, LintSubject } from '../subject.ts'
import { variableIndex } from '../variable-index.ts'
import { formatVariable } from '../variable-names.ts'

export const logInjectionRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_LOG_RAW',
    severity: 'note',
    doc: 'a log format writes a variable of an agent as it is',
    why: 'HAProxy writes control characters into a log line as they are: a line feed begins a line that looks like any other.',
    hint: "add a converter, as in '%[var(txn.waf.data),json(utf8s)]', unless the agent sets numbers only",
    needsConfig: true,
    check: perEngine(rawInLogs),
  },
]

const formats: ReadonlySet<string> = new Set(['log-format', 'error-log-format'])

/** Converters whose results have no control characters. */
const escaping = /^\s*\)?\s*,\s*(?:json|hex|base64|ub64enc|url_enc|length|crc32|xxh32|xxh64)\b/

function rawInLogs({ spoe: { agent } }: LintEngine, subject: LintSubject): Finding[] {
  const own = new Set(
    [agent.setOnError, agent.setProcessTime, agent.setTotalTime].map((name) => `${agent.varPrefix}.${name}`),
  )
  return variableIndex(subject)
    .reads.filter(({ line }) => formats.has(line.words[0]?.text ?? ''))
    .map(({ variable }) => variable)
    .filter(({ name }) => name.startsWith(`${agent.varPrefix}.`) && !own.has(name))
    .filter(({ behind }) => !escaping.test(behind))
    .map((variable) => ({
      place: variable.place,
      message: `'${formatVariable(variable)}' goes into the log with all of its characters`,
    }))
}
