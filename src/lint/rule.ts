/** A rule of the registry, and what it finds. */
import type { Place, Severity } from '../config/index.ts'
import type { LintEngine, LintSubject } from './subject.ts'

/** One finding; the rule says the rest. */
export interface Finding {
  readonly place: Place
  /** What is seen, with names and numbers. */
  readonly message: string
}

/** One rule. */
export interface LintRule {
  /** Stable: people switch on it. */
  readonly code: string
  readonly severity: Severity
  /** What is found, in one line. */
  readonly doc: string
  /** What comes of it, in HAProxy's behaviour: why anybody should care. */
  readonly why: string
  /** What to do; printed with each finding. */
  readonly hint: string
  /** Whether it needs haproxy.cfg: nothing is found in a SPOE file alone. */
  readonly needsConfig: boolean
  /** Whether it finds that something is missing, which may stand on a line that could not be read. */
  readonly findsAbsence?: boolean
  check(subject: LintSubject): readonly Finding[]
}

/** A check of each engine. */
export function perEngine(
  check: (engine: LintEngine, subject: LintSubject) => readonly Finding[],
): LintRule['check'] {
  return (subject) => subject.engines.flatMap((engine) => check(engine, subject))
}
