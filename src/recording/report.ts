/** What came of a replay, by message. */
import type { Outcome } from '../engine/outcome.ts'
import { compareEffects, effectsOf, type Difference, type Leniency } from './compare.ts'
import { Latencies, type LatencySummary } from './latencies.ts'
import type { RecordedExchange } from './reader.ts'

/** A change of a variable, and how often it was seen. */
export interface ChangeCount extends Difference {
  /** In how many exchanges. */
  readonly count: number
}

/** The exchanges of one message; those of several messages in one NOTIFY are called `a+b`. */
export interface MessageReport {
  /** Its name. */
  readonly message: string
  /** Exchanges that were sent again. */
  readonly sent: number
  /** Answered then and now, with the same effect. */
  readonly same: number
  /** Answered then and now, with another effect. */
  readonly different: number
  /** Answered then, and not now. */
  readonly failed: number
  /** Not answered then: there is nothing to compare with. */
  readonly unanswered: number
  /** The most frequent first. At most 1000 are told apart; the rest is in `otherChanges`. */
  readonly changes: readonly ChangeCount[]
  /** Changes beyond those that are told apart. */
  readonly otherChanges: number
  /** Statuses of what failed now, and how often. */
  readonly statuses: ReadonlyMap<number, number>
}

/** Everything. Times are milliseconds. */
export interface ReplayReport {
  /** Exchanges that were sent again. */
  readonly sent: number
  /** Answered then and now, with the same effect. */
  readonly same: number
  /** Answered then and now, with another effect. */
  readonly different: number
  /** Answered then, and not now. */
  readonly failed: number
  /** Not answered then: there is nothing to compare with. */
  readonly unanswered: number
  /** From the first to the last outcome. */
  readonly duration: number
  /** How far sending fell behind its times at most. */
  readonly lag: number
  /** In the order of their names. */
  readonly messages: readonly MessageReport[]
  /** From NOTIFY to ACK as recorded, of what was answered both times. */
  readonly recorded: LatencySummary
  /** From NOTIFY to ACK now, of the same. */
  readonly replayed: LatencySummary
}

const mostChanges = 1000

interface Tally {
  readonly message: string
  sent: number
  same: number
  different: number
  failed: number
  unanswered: number
  otherChanges: number
  readonly changes: Map<string, { readonly change: Difference; count: number }>
  readonly statuses: Map<number, number>
}

/** What of an outcome is compared. */
export type ReplayOutcome = Pick<Outcome, 'status' | 'actions' | 'waitTime'>

/** Counts. */
export class ReportWriter {
  readonly #leniency: Leniency
  readonly #tallies = new Map<string, Tally>()
  readonly #recorded = new Latencies()
  readonly #replayed = new Latencies()

  constructor(leniency: Leniency) {
    this.#leniency = leniency
  }

  /** An exchange was sent again, with this outcome. */
  add(exchange: RecordedExchange, outcome: ReplayOutcome): void {
    const tally = this.#tallyOf(exchange)
    tally.sent++
    if (exchange.status !== 0) tally.unanswered++
    else if (outcome.status !== 0) {
      tally.failed++
      tally.statuses.set(outcome.status, (tally.statuses.get(outcome.status) ?? 0) + 1)
    } else {
      this.#recorded.add(exchange.waitTime)
      this.#replayed.add(outcome.waitTime)
      this.#compare(tally, exchange, outcome)
    }
  }

  #tallyOf({ messages }: RecordedExchange): Tally {
    const message = messages.map(({ name }) => name).join('+')
    const known = this.#tallies.get(message)
    if (known !== undefined) return known
    const tally: Tally = {
      message,
      sent: 0,
      same: 0,
      different: 0,
      failed: 0,
      unanswered: 0,
      otherChanges: 0,
      changes: new Map(),
      statuses: new Map(),
    }
    this.#tallies.set(message, tally)
    return tally
  }

  #compare(tally: Tally, exchange: RecordedExchange, outcome: ReplayOutcome): void {
    const [before, after] = [exchange, outcome].map(({ actions }) => effectsOf(actions, this.#leniency))
    const differences = compareEffects(before ?? new Map(), after ?? new Map())
    if (differences.length === 0) tally.same++
    else tally.different++
    for (const change of differences) {
      const key = JSON.stringify(change)
      const known = tally.changes.get(key)
      if (known !== undefined) known.count++
      else if (tally.changes.size < mostChanges) tally.changes.set(key, { change, count: 1 })
      else tally.otherChanges++
    }
  }

  report(duration: number, lag: number): ReplayReport {
    const tallies = [...this.#tallies.values()].sort((a, b) => (a.message < b.message ? -1 : 1))
    const messages = tallies.map(({ changes, ...tally }) => ({
      ...tally,
      changes: [...changes.values()]
        .map(({ change, count }) => ({ ...change, count }))
        .sort((a, b) => b.count - a.count),
    }))
    const sum = (pick: (message: MessageReport) => number) =>
      messages.reduce((total, message) => total + pick(message), 0)
    return {
      sent: sum((each) => each.sent),
      same: sum((each) => each.same),
      different: sum((each) => each.different),
      failed: sum((each) => each.failed),
      unanswered: sum((each) => each.unanswered),
      duration,
      lag,
      messages,
      recorded: this.#recorded.summary,
      replayed: this.#replayed.summary,
    }
  }
}
