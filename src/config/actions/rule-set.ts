/** The names of the rule sets (configuration.txt 4.2), and which of them are alike. */

/** The rule sets, in the order in which a stream meets them. */
export const ruleSets = [
  'tcp-request connection',
  'tcp-request session',
  'tcp-request content',
  'http-request',
  'tcp-response content',
  'http-response',
  'http-after-response',
] as const

/** The name of a rule set. */
export type RuleSet = (typeof ruleSets)[number]

/** Those that see bytes or connections. */
export const tcpSets: readonly RuleSet[] = [
  'tcp-request connection',
  'tcp-request session',
  'tcp-request content',
  'tcp-response content',
]

/** Those that see messages. */
export const httpSets: readonly RuleSet[] = ['http-request', 'http-response', 'http-after-response']
