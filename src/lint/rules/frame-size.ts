/** Whether a NOTIFY fits into a frame. */
import { notifySize } from '../notify-size.ts'
import type { NotifySize } from '../notify-size.ts'
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { eventSendings, groupSendings } from '../sending.ts'
import type { Sending } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'

const whatHaproxyDoes =
  'HAProxy up to 3.0 sends fragments to agents that take them, and loses the connection to others again and again ' +
  'until the time-out; 3.1 and later send nothing (set-on-error 259). Either way the request goes on unseen.'

export const frameSizeRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_FRAME_NEVER_FITS',
    severity: 'warning',
    doc: "a NOTIFY is greater than 'max-frame-size' even when every argument is missing",
    why: whatHaproxyDoes,
    hint: "raise 'max-frame-size', or send fewer arguments with shorter names",
    needsConfig: false,
    check: perEngine((engine, subject) =>
      measured(engine, subject, ({ least }, limit) => least > limit, 'least'),
    ),
  },
  {
    code: 'LINT_SPOE_FRAME_MAY_NOT_FIT',
    severity: 'warning',
    doc: "a client can make a NOTIFY that is greater than 'max-frame-size' within 'tune.bufsize'",
    why: whatHaproxyDoes,
    hint: "limit the argument, as in 'req.body,bytes(0,8000)', raise 'max-frame-size', or deny when 'option set-on-error' tells of it",
    needsConfig: false,
    check: perEngine((engine, subject) =>
      measured(engine, subject, ({ least, most }, limit) => least <= limit && most > limit, 'most'),
    ),
  },
]

function measured(
  engine: LintEngine,
  subject: LintSubject,
  isBad: (size: NotifySize, limit: number) => boolean,
  which: keyof NotifySize,
): Finding[] {
  const limit = engine.spoe.agent.maxFrameSize
  const room = Math.max(0, subject.bufferSize - subject.maxRewrite)
  return sendings(engine, subject).flatMap(({ messages, place }) => {
    const size = notifySize(messages, room)
    if (!isBad(size, limit)) return []
    const names = messages.map(({ name }) => `'${name}'`).join(', ')
    const bound = which === 'least' ? 'at least' : 'up to'
    return [
      {
        place,
        message: `a NOTIFY with ${names} takes ${bound} ${size[which]} bytes, 'max-frame-size' is ${limit}`,
      },
    ]
  })
}

/** Groups of a SPOE file alone are measured where they are declared. */
function sendings(engine: LintEngine, subject: LintSubject): Pick<Sending, 'messages' | 'place'>[] {
  if (engine.host !== undefined) return [...eventSendings(engine), ...groupSendings(engine, subject)]
  const { groups, messages } = engine.spoe
  const ofGroups = groups.map((group) => ({
    place: group.place,
    messages: messages.filter(({ name }) => group.messages.some(({ text }) => text === name)),
  }))
  return [...eventSendings(engine), ...ofGroups]
}
