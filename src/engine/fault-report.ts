import { monotonic } from '../base/clock.ts'
import { callBack } from './call-back.ts'
import type { AgentFault, EngineSettings } from './options.ts'

/** One line per code and server in this time, in milliseconds: a broken agent is broken with every frame. */
const logInterval = 10_000

interface Line {
  since: number
  suppressed: number
}

/** Tells about agents' faults: to the option's callback each one, to the log not more than a few. */
export class FaultReport {
  count = 0
  readonly #options: EngineSettings
  readonly #lines = new Map<string, Line>()

  constructor(options: EngineSettings) {
    this.#options = options
  }

  report(fault: AgentFault): void {
    this.count++
    this.#log(fault)
    callBack(() => this.#options.onAgentFault(fault))
  }

  #log({ server, connection, error }: AgentFault): void {
    const now = monotonic()
    const key = `${error.code} ${server}` // both come from here, so the map is small
    const line = this.#lines.get(key)
    if (line !== undefined && now - line.since < logInterval) {
      line.suppressed++
      return
    }
    const suppressed = line?.suppressed ?? 0
    this.#lines.set(key, { since: now, suppressed: 0 })
    this.#options.logger.warn({ server, connection, err: error, suppressed }, 'an agent is at fault')
  }
}
