/** Bodies in arguments: what is there when the message is made. */
import type { SpoeArg } from '../../config/index.ts'
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { sendingsOf } from '../sending.ts'
import type { Sending } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'

export const bodyRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_BODY_NOT_BUFFERED',
    severity: 'warning',
    doc: 'an argument is the body of the request, and nothing waits for it',
    why: 'The agent sees the bytes that came with the head, often none: a body in a segment of its own passes unseen.',
    hint: "add 'option http-buffer-request', or 'http-request wait-for-body' above the rule that sends the group",
    needsConfig: true,
    findsAbsence: true,
    check: perEngine((engine, subject) => bodies(engine, subject, requestBody, isRequestBuffered)),
  },
  {
    code: 'LINT_SPOE_RESPONSE_BODY',
    severity: 'note',
    doc: 'an argument is the body of the response',
    why: "It is what of the response has come so far, and never more than 'tune.bufsize'; an event does not wait for it.",
    hint: "send it in a group behind 'http-response wait-for-body', and expect a part only",
    needsConfig: true,
    check: perEngine((engine, subject) => bodies(engine, subject, responseBody, isResponseBuffered)),
  },
]

const requestBody = /^(?:req\.body(?!_size)|body_param)/
const responseBody = /^res\.body(?!_size)/

function bodies(
  engine: LintEngine,
  subject: LintSubject,
  pattern: RegExp,
  isBuffered: (sending: Sending, engine: LintEngine, subject: LintSubject) => boolean,
): Finding[] {
  if (engine.host === undefined) return []
  return sendingsOf(engine, subject)
    .filter((sending) => !isBuffered(sending, engine, subject))
    .flatMap(({ at, messages }) =>
      messages.flatMap(({ name, args }) =>
        args
          .filter(({ expr }) => pattern.test(expr.text))
          .map(({ expr }: SpoeArg) => ({
            place: expr.place,
            message: `the message '${name}' sends '${expr.text}' at '${at}', when the body may be missing`,
          })),
      ),
    )
}

function isRequestBuffered({ rule }: Sending, { host }: LintEngine, subject: LintSubject): boolean {
  if (host === undefined) return true
  const frontends = subject.config?.proxies.filter((proxy) => proxy.kind === 'frontend') ?? []
  // A backend sees what any frontend before it has buffered, and nobody knows which one that is.
  const proxies = host.proxy.kind === 'backend' ? [host.proxy, ...frontends] : [host.proxy]
  if (proxies.some(({ options }) => options.httpBufferRequest)) return true
  return rule !== undefined && waitsBefore(rule, 'http-request', subject)
}

function isResponseBuffered({ rule }: Sending, _engine: LintEngine, subject: LintSubject): boolean {
  return rule !== undefined && waitsBefore(rule, 'http-response', subject)
}

function waitsBefore(rule: Sending['rule'], set: string, { lines }: LintSubject): boolean {
  const before = lines.slice(0, rule === undefined ? 0 : lines.indexOf(rule))
  return before.some(
    ({ words, section }) =>
      section === rule?.section && words[0]?.text === set && words[1]?.text === 'wait-for-body',
  )
}
