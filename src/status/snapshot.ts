/** One look at everything: what the page, `/stats.json` and `/metrics` tell is made of it, and it has an id. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { wallClock } from '../base/clock.ts'
import type { StatusBoard } from './board.ts'
import type { CheckState, SourceState } from './readings.ts'
import { readProcess, type ProcessReading } from './process-reading.ts'
import type { StatusSubject, SubjectReading } from './subject.ts'

/** What `/stats.json` has. */
export interface StatusSnapshot extends SubjectReading {
  readonly snapshot: {
    /** `boot` and a number that goes up: two answers with one id tell of one moment. */
    readonly id: string
    /** Another one after each start: counters began anew. */
    readonly boot: string
    /** ISO 8601. */
    readonly time: string
  }
  readonly subject: {
    readonly kind: string
    readonly row: string
    readonly name: string
    readonly version: string
    readonly addresses: readonly string[]
  }
  readonly ready: boolean
  readonly checks: readonly CheckState[]
  readonly sources: readonly SourceState[]
  readonly process: ProcessReading
  /** The variable whose values are counted; null for none. */
  readonly verdict: string | null
}

/** Makes snapshots of one subject. */
export class Snapshots {
  readonly #subject: StatusSubject
  readonly #board: StatusBoard
  readonly #name: string
  readonly #verdict: string | null
  readonly boot = randomBytes(4).toString('hex')
  #count = 0

  constructor(subject: StatusSubject, board: StatusBoard, name: string, verdict: string | undefined) {
    this.#subject = subject
    this.#board = board
    this.#name = name
    this.#verdict = verdict ?? null
  }

  /** All that must hold. */
  readChecks(): CheckState[] {
    return [...this.#subject.checks(), ...this.#board.readChecks()]
  }

  /** `whole`: with what takes longer to find out, which the page does not show each second. */
  take(whole: boolean): StatusSnapshot {
    const { kind, row } = this.#subject
    const checks = this.readChecks()
    return {
      snapshot: {
        id: `${this.boot}-${++this.#count}`,
        boot: this.boot,
        time: new Date(wallClock()).toISOString(),
      },
      subject: { kind, row, name: this.#name, version: readVersion(), addresses: this.#subject.addresses() },
      ready: checks.every(({ ok }) => ok),
      checks,
      sources: this.#board.readSources(),
      process: readProcess(whole),
      verdict: this.#verdict,
      ...this.#subject.read(),
    }
  }
}

let version: string | undefined

/** The version of this package; `src` and `dist` are at the same depth. */
function readVersion(): string {
  if (version !== undefined) return version
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    version = (JSON.parse(text) as { version: string }).version
  } catch {
    // Somebody has made one file of it all.
    version = 'unknown'
  }
  return version
}
