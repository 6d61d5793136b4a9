/**
 * The configuration language of HAProxy: text in, model and diagnostics out. No file is read and nothing is evaluated.
 * @module
 */
export { parseConfig, parseConfigFiles } from './parse.ts'
export type { ConfigSource, Environment, ParsedConfig } from './parse.ts'
export { evaluateCondition } from './block-condition.ts'
export { parseSpoeFile } from './spoe-file.ts'
export type { ParsedSpoeFile } from './spoe-file.ts'
export { checkSpoeEngines, effectiveEvent, engineName } from './spoe-check.ts'
export type { SpoeEngine } from './spoe-check.ts'
export { Diagnostics, formatDiagnostic } from './diagnostics.ts'
export type { Diagnostic, Place, Severity } from './diagnostics.ts'
export { configFaults } from './errors.ts'
export type { ConfigFault } from './errors.ts'
export type { Word } from './word.ts'
export { keywords } from './registry.ts'
export type { KeywordInfo, KeywordSection, Support } from './keyword.ts'
export { formatKeywordPage } from './keyword-page.ts'
export { didYouMean, suggest } from './suggest.ts'
export { maxTime, parseTime } from './time.ts'
export type { ParsedTime } from './time.ts'
export * from './model.ts'
