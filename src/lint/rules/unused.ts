/** Messages and groups that are never sent. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { groupSendings } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'

export const unusedRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_MESSAGE_UNLISTED',
    severity: 'warning',
    doc: 'a spoe-message is listed by no agent and no group',
    why: 'It is never sent, and HAProxy says nothing about it.',
    hint: "list it behind 'messages' of the agent or of a group",
    needsConfig: false,
    check: perEngine(unlistedMessages),
  },
  {
    code: 'LINT_SPOE_GROUP_UNLISTED',
    severity: 'warning',
    doc: 'a spoe-group is not listed by the agent',
    why: "'send-spoe-group' cannot send it.",
    hint: "list it behind 'groups' of the agent",
    needsConfig: false,
    check: perEngine(unlistedGroups),
  },
  {
    code: 'LINT_SPOE_GROUP_UNUSED',
    severity: 'warning',
    doc: 'no rule sends a group that the agent lists',
    why: 'Its messages are never sent.',
    hint: "add 'http-request send-spoe-group ENGINE GROUP', or remove the group",
    needsConfig: true,
    findsAbsence: true,
    check: perEngine(unusedGroups),
  },
]

function declared(engine: LintEngine, kind: string): Map<string, Finding['place']> {
  return new Map(
    engine.lines
      .map(({ section }) => section)
      .flatMap((each) => (each.kind === kind ? [[each.name, each.place] as const] : [])),
  )
}

/** What stands behind a keyword of the sections of a kind. */
function listed(engine: LintEngine, kind: string, keyword: string): Set<string> {
  const lines = engine.lines.filter(
    ({ section, words }) => section.kind === kind && words[0]?.text === keyword,
  )
  return new Set(lines.flatMap(({ words }) => words.slice(1).map(({ text }) => text)))
}

function unlistedMessages(engine: LintEngine): Finding[] {
  const used = new Set([
    ...listed(engine, 'spoe-agent', 'messages'),
    ...listed(engine, 'spoe-group', 'messages'),
  ])
  return [...declared(engine, 'spoe-message')]
    .filter(([name]) => !used.has(name))
    .map(([name, place]) => ({ place, message: `the message '${name}' is never sent: nothing lists it` }))
}

function unlistedGroups(engine: LintEngine): Finding[] {
  const used = listed(engine, 'spoe-agent', 'groups')
  return [...declared(engine, 'spoe-group')]
    .filter(([name]) => !used.has(name))
    .map(([name, place]) => ({ place, message: `the group '${name}' is not listed by the agent` }))
}

function unusedGroups(engine: LintEngine, subject: LintSubject): Finding[] {
  if (engine.host === undefined) return []
  // A file may serve the filters of several sections: one that sends the group is enough.
  const sharing = subject.engines.filter(({ spoe }) => spoe.agent.place.file === engine.spoe.agent.place.file)
  const sent = new Set(
    sharing
      .flatMap((each) => groupSendings(each, subject))
      .flatMap(({ rule }) => rule?.words.map(({ text }) => text) ?? []),
  )
  return engine.spoe.agent.groups
    .filter(({ text }) => !sent.has(text))
    .map(({ text, place }) => ({
      place,
      message: `no rule sends the group '${text}' of the engine '${engine.name}'`,
    }))
}
