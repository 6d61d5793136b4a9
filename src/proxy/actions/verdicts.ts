/** `accept`, `allow`, `reject` and `silent-drop`. */
import type { VerdictAction } from '../../config/index.ts'
import { Flow } from '../plan/flow.ts'
import type { RuleAction } from '../plan/rule.ts'
import type { ActionCompilers } from './context.ts'

/** The rest of the rule set is passed over. */
const accept: RuleAction = { type: 'accept', run: () => Flow.Stop }

/** As `accept`, as HTTP rules call it. */
const allow: RuleAction = { type: 'allow', run: () => Flow.Stop }

/** The connection is closed without an answer. */
const reject: RuleAction = { type: 'reject', run: (stream) => stream.reject('P') }

/** HAProxy makes the kernel forget the connection; here the client is told that it is closed. */
const silentDrop: RuleAction = { type: 'silent-drop', run: (stream) => stream.reject('P') }

/** All of them. */
export const verdictCompilers: ActionCompilers<VerdictAction> = {
  accept: () => accept,
  allow: () => allow,
  reject: () => reject,
  'silent-drop': () => silentDrop,
}
