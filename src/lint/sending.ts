/** When an engine sends what: the events of its messages, and the rules that send its groups. */
import { effectiveEvent } from '../config/index.ts'
import type { Place, RuleSet, SpoeEvent, SpoeMessage } from '../config/index.ts'
import { ruleSets } from '../config/index.ts'
import type { SourceLine } from './source-line.ts'
import type { LintEngine, LintSubject } from './subject.ts'

/** The messages of one NOTIFY. */
export interface Sending {
  readonly messages: readonly SpoeMessage[]
  /** The event, or the rule set with the rule that sends the group. */
  readonly at: SpoeEvent | RuleSet
  /** Of the event's line, or of the rule. */
  readonly place: Place
  /** The rule's line; undefined for an event. */
  readonly rule: SourceLine | undefined
}

/** Everything that an engine sends. Groups of a SPOE file alone are sent where nobody knows. */
export function sendingsOf(engine: LintEngine, subject: LintSubject): Sending[] {
  return [...eventSendings(engine), ...groupSendings(engine, subject)]
}

/** All messages of one event leave in one NOTIFY. */
export function eventSendings({ spoe, host }: LintEngine): Sending[] {
  const byEvent = new Map<SpoeEvent, { messages: SpoeMessage[]; place: Place }>()
  for (const { text } of spoe.agent.messages) {
    const message = spoe.messages.find(({ name }) => name === text)
    if (message?.event === undefined) continue
    const event = host === undefined ? message.event.name : effectiveEvent(host.proxy, message)
    if (event === undefined) continue
    const before = byEvent.get(event)
    if (before === undefined) byEvent.set(event, { messages: [message], place: message.event.place })
    else before.messages.push(message)
  }
  return [...byEvent].map(([at, { messages, place }]) => ({ messages, at, place, rule: undefined }))
}

/** One for each `send-spoe-group` of the section with the filter, and of `defaults` sections. */
export function groupSendings(engine: LintEngine, { lines }: LintSubject): Sending[] {
  const { spoe, host, name } = engine
  return lines.filter(mayConcern(host)).flatMap((line) => {
    const at = line.words.findIndex(({ text }) => text === 'send-spoe-group')
    const [first, second, group] = [line.words[0], line.words[at + 1], line.words[at + 2]]
    if (at < 0 || first === undefined || second?.text !== name) return []
    const set = ruleSets.find(
      (each) =>
        each ===
        line.words
          .slice(0, at)
          .map(({ text }) => text)
          .join(' '),
    )
    const found = spoe.groups.find((each) => each.name === group?.text)
    if (set === undefined || found === undefined) return []
    const messages = spoe.messages.filter((each) => found.messages.some(({ text }) => text === each.name))
    return [{ messages, at: set, place: first.place, rule: line }]
  })
}

function mayConcern(host: LintEngine['host']): (line: SourceLine) => boolean {
  return ({ section: { kind, name } }) =>
    kind === 'defaults' || (kind === host?.proxy.kind && name === host.proxy.name)
}

const httpPoints: readonly (SpoeEvent | RuleSet)[] = [
  'on-frontend-http-request',
  'on-backend-http-request',
  'on-http-response',
  'http-request',
  'http-response',
  'http-after-response',
]

/** Whether it is sent for each request rather than for each connection. */
export function isPerRequest({ at }: Sending): boolean {
  return httpPoints.includes(at)
}
