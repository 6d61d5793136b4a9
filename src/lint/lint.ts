/** Runs the rules. */
import type { Diagnostic } from '../config/index.ts'
import { lintRules } from './rules.ts'
import type { LintSubject } from './subject.ts'

/**
 * What is valid and yet not what it seems.
 * @param whole whether everything could be read: what is missing may stand on a line that could not.
 */
export function lint(subject: LintSubject, whole: boolean): Diagnostic[] {
  return lintRules
    .filter(({ needsConfig, findsAbsence }) => {
      if (needsConfig && subject.config === undefined) return false
      return whole || findsAbsence !== true
    })
    .flatMap((rule) => {
      const { code, severity, hint } = rule
      return rule.check(subject).map(({ place, message }) => ({ severity, code, place, message, hint }))
    })
}
