/** `set-log-level`: how urgent the log line of a stream is. */
import type { ActionInfo } from './action-info.ts'
import type { RuleSet } from './rule-set.ts'

const levels = ['silent', 'emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const

/** `silent`: no line is written. */
export type StreamLogLevel = (typeof levels)[number]

/** See the head of this file. */
export interface LogLevelAction {
  readonly type: 'set-log-level'
  readonly level: StreamLogLevel
}

const ruleSets: readonly RuleSet[] = [
  'tcp-request content',
  'tcp-response content',
  'http-request',
  'http-response',
]

/** The only one. */
export const logLevelActions: readonly ActionInfo<LogLevelAction>[] = [
  {
    name: 'set-log-level',
    ruleSets,
    syntax: '{silent | emerg | alert | crit | err | warning | notice | info | debug}',
    doc: 'log the stream with another level, or not at all',
    since: '1.5',
    read: (args) => {
      const level = args.oneOf('<level>', levels)
      return level === undefined ? undefined : { type: 'set-log-level', level }
    },
  },
]
