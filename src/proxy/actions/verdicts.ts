/** `accept`, `allow`, `reject`: what ends a rule set, or a stream, without words. */
import { Flow } from '../plan/flow.ts'
import type { RuleAction } from '../plan/rule.ts'

/** The other rules of the set are passed over. */
export const accept: RuleAction = { type: 'accept', run: () => Flow.Stop }

/** As `accept`, as HTTP rules call it. */
export const allow: RuleAction = { type: 'allow', run: () => Flow.Stop }

/** The connection is closed without an answer. */
export const reject: RuleAction = { type: 'reject', run: (stream) => stream.reject('P') }
