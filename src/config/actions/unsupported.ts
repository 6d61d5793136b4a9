/**
 * Actions that HAProxy 2.6 has and sluice has not, so that they are told from typing mistakes. Ignoring an action is
 * harmless only when the messages, their way, their log and who may send them stay the same without it.
 */
import type { RuleSet } from './rule-set.ts'

/** One action. */
export interface UnsupportedAction {
  readonly name: string
  readonly ruleSets: readonly RuleSet[]
  readonly support: 'ignored' | 'no'
}

/** Sticky counters: nobody counts. */
const counters = 'sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0'
const tracking = 'track-sc0 track-sc1 track-sc2'
/** Other addresses, and marks for the kernel's routing and queues. */
const addresses = 'set-dst set-dst-port set-src set-src-port'
const marks = 'set-mark set-tos'
/** ACLs and maps that change while the proxy runs. */
const patterns = 'add-acl del-acl del-map set-map'
const priorities = 'set-priority-class set-priority-offset'

const lists: readonly (readonly [ruleSet: RuleSet, no: string, ignored: string])[] = [
  [
    'tcp-request connection',
    `${counters} ${tracking} ${addresses} ${marks} expect-netscaler-cip expect-proxy`,
    '',
  ],
  ['tcp-request session', `${counters} ${tracking} ${addresses} ${marks}`, ''],
  [
    'tcp-request content',
    `${counters} ${tracking} ${addresses} ${marks} ${priorities} do-resolve ot-group switch-mode use-service`,
    'set-nice',
  ],
  ['tcp-response content', `${counters} ${marks} close ot-group`, 'set-nice'],
  [
    'http-request',
    `${counters} ${tracking} ${addresses} ${marks} ${patterns} ${priorities} auth cache-use do-resolve
     normalize-uri ot-group set-timeout use-service`,
    // There is no TLS whose handshake could be waited for.
    'set-nice strict-mode wait-for-handshake',
  ],
  [
    'http-response',
    `${counters} ${tracking} ${marks} ${patterns} cache-store ot-group wait-for-body`,
    'set-nice strict-mode',
  ],
  // Rewriting never fails for want of room.
  ['http-after-response', 'ot-group', 'strict-mode'],
]

/** All of them. */
export const unsupportedActions: readonly UnsupportedAction[] = lists.flatMap(([ruleSet, no, ignored]) => [
  ...words(no).map((name) => ({ name, ruleSets: [ruleSet], support: 'no' as const })),
  ...words(ignored).map((name) => ({ name, ruleSets: [ruleSet], support: 'ignored' as const })),
])

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
