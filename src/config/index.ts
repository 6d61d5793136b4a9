/**
 * The configuration language of HAProxy: text in, model and diagnostics out. No file is read and nothing is evaluated.
 * @module
 */
export { parseConfig, parseConfigFiles } from './parse.ts'
export type { ConfigSource, Environment, ParsedConfig } from './parse.ts'
export { parseSpoeFile } from './spoe-file.ts'
export type { ParsedSpoeFile } from './spoe-file.ts'
export { checkSpoeEngines, effectiveEvent, engineName } from './check/spoe-engines.ts'
export type { SpoeEngine } from './check/spoe-engines.ts'
export { Diagnostics, formatDiagnostic } from './text/diagnostics.ts'
export type { Diagnostic, Place, Severity } from './text/diagnostics.ts'
export { configFaults } from './errors.ts'
export type { ConfigFault } from './errors.ts'
export type { Word } from './text/word.ts'
export { defaults } from './model/defaults.ts'
export { luaHint } from './keywords/keyword.ts'
export { keywords } from './keywords/registry.ts'
export type { KeywordInfo, KeywordSection, Support } from './keywords/keyword.ts'
export { formatKeywordPage } from './keywords/keyword-page.ts'
export { didYouMean, suggest } from './text/suggest.ts'
export { maxTime, parseTime } from './text/time.ts'
export type { ParsedTime } from './text/time.ts'
export * from './model/index.ts'
