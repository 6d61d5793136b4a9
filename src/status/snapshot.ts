/** One look at everything: what the page, `/stats.json` and `/metrics` tell is made of it, and it has an id. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { wallClock } from '../base/clock.ts'
import type { StatusBoard } from './board.ts'
import type { CheckState, Moment, Standing } from './readings.ts'
import { readProcess, type ProcessReading } from './process-reading.ts'
import type { StatusSubject, SubjectReading } from './subject.ts'

/** What `/stats.json` has. */
export interface StatusSnapshot extends Standing, SubjectReading {
  readonly snapshot: Moment
  readonly process: ProcessReading
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
      sources: [...this.#subject.sources(), ...this.#board.readSources()],
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
