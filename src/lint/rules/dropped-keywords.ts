/** Keywords of `spoe-agent` that some branches of HAProxy read and do not obey, and those that need care. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import type { SourceLine } from '../source-line.ts'
import { beginsWith } from '../source-line.ts'
import type { LintEngine, LintSubject } from '../subject.ts'
import { concerns } from '../subject.ts'
import { muxBranch } from '../version.ts'

export const droppedKeywordRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_KEYWORD_DROPPED',
    severity: 'note',
    doc: "a keyword that HAProxy 3.1 and later read and ignore; 'timeout hello' and 'timeout idle' only with --haproxy-version 3.1 or later, because those before want them",
    why: 'SPOP is a multiplexer since 3.1: connections, their limits and their time-outs are those of the backend.',
    hint: 'keep it only for HAProxy up to 3.0',
    needsConfig: false,
    check: perEngine(dropped),
  },
  {
    code: 'LINT_SPOE_ASYNC',
    severity: 'note',
    doc: "'option async' is written",
    why: 'With an agent that takes async, HAProxy up to 3.0 waits for the whole time-out when the agent is lost, instead of failing at once.',
    hint: "write 'no option async': pipelining alone loses nothing",
    needsConfig: false,
    check: perEngine((engine, subject) =>
      optionLines(
        engine,
        subject,
        'async',
        'yes',
        "the answers of a lost agent are awaited for the whole 'timeout processing'",
      ),
    ),
  },
  {
    code: 'LINT_SPOE_NO_PIPELINING',
    severity: 'note',
    doc: "'no option pipelining' is written",
    why: 'Each connection carries one NOTIFY at a time: as many connections are opened as there are requests at once.',
    hint: 'remove it unless the agent cannot pipeline',
    needsConfig: false,
    check: perEngine((engine, subject) =>
      optionLines(engine, subject, 'pipelining', 'no', 'each request at once needs a connection of its own'),
    ),
  },
  {
    code: 'LINT_SPOE_FRAGMENTS',
    severity: 'note',
    doc: "'option send-frag-payload' is written",
    why: 'HAProxy up to 3.0 sends fragments only to agents that list fragmentation; with others a NOTIFY that is too big ends the connection, again and again until the time-out.',
    hint: "be sure that the agent lists 'fragmentation', or keep messages below 'max-frame-size'",
    needsConfig: false,
    check: perEngine((engine, subject) =>
      optionLines(
        engine,
        subject,
        'send-frag-payload',
        'yes',
        'only an agent that lists fragmentation gets fragments',
      ),
    ),
  },
]

/** What 3.1 dropped. */
const droppedKeywords = [
  ['maxconnrate'],
  ['maxerrrate'],
  ['max-waiting-frames'],
  ['option', 'async'],
  ['option', 'send-frag-payload'],
] as const
/** What it dropped and its predecessors warn about when it is missing. */
const droppedTimeouts = [
  ['timeout', 'hello'],
  ['timeout', 'idle'],
] as const

function agentLines({ lines }: LintEngine): readonly SourceLine[] {
  return lines.filter(({ section }) => section.kind === 'spoe-agent')
}

function dropped(engine: LintEngine, subject: LintSubject): Finding[] {
  // Of those where they have no effect here either it was told already.
  if (!concerns(subject, { first: muxBranch }) || engine.host?.backend?.mode === 'spop') return []
  const keywords = subject.branch === undefined ? droppedKeywords : [...droppedKeywords, ...droppedTimeouts]
  return agentLines(engine).flatMap((line) => {
    const found = keywords.find((words) => beginsWith(line, words))
    const place = line.words[0]?.place
    if (found === undefined || place === undefined) return []
    return [{ place, message: `'${found.join(' ')}' is ignored by HAProxy 3.1 and later` }]
  })
}

function optionLines(
  engine: LintEngine,
  subject: LintSubject,
  name: string,
  form: 'yes' | 'no',
  consequence: string,
): Finding[] {
  if (!concerns(subject, { last: muxBranch - 1 }) && name !== 'pipelining') return []
  return agentLines(engine).flatMap((line) => {
    const place = line.words[0]?.place
    const isForm = (line.modifier === 'no') === (form === 'no')
    if (!beginsWith(line, ['option', name]) || !isForm || place === undefined) return []
    return [{ place, message: `'${form === 'no' ? 'no ' : ''}option ${name}': ${consequence}` }]
  })
}
