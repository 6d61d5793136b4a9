/**
 * Rules about configurations that are valid and yet not what they seem, most of them about SPOE. Pure: texts and models
 * come in, diagnostics go out.
 * @module
 */
export { lint } from './lint.ts'
export { formatCheckPage } from './check-page.ts'
export { lintRules } from './rules.ts'
export type { Finding, LintRule } from './rule.ts'
export { isSpoeText, readSourceLines } from './source-line.ts'
export type { SourceLine } from './source-line.ts'
export { createSubject } from './create-subject.ts'
export { loneContext } from './lone-context.ts'
export { checkSpoeFile, spoeScopes } from './spoe-file.ts'
export type { LintEngine, LintSubject } from './subject.ts'
export { asHaproxySees } from './haproxy.ts'
export { formatBranch, parseBranch, registryBranch } from './version.ts'
export type { HaproxyBranch } from './version.ts'
