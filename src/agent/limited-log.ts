import { monotonic } from '../base/clock.ts'
import type { Logger, LogLevel } from '../base/logger.ts'

const interval = 1000

/**
 * At most one line per second for each kind of trouble: an agent under load must not drown its operator.
 * What was left out is told with the next line, as `suppressed`.
 */
export class LimitedLog {
  readonly #logger: Logger
  readonly #kinds = new Map<string, { next: number; suppressed: number }>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** `kind` must come from a bounded set, an error code for example. */
  log(level: LogLevel, kind: string, fields: object, message: string): void {
    const now = monotonic()
    const entry = this.#kinds.get(kind)
    if (entry !== undefined && now < entry.next) {
      entry.suppressed++
      return
    }
    const suppressed = entry?.suppressed ?? 0
    this.#kinds.set(kind, { next: now + interval, suppressed: 0 })
    this.#logger[level](suppressed === 0 ? fields : { ...fields, suppressed }, message)
  }
}
