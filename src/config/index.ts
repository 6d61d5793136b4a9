/**
 * The configuration language of HAProxy: text in, model and diagnostics out. No file is read and nothing is evaluated.
 * @module
 */
export { Diagnostics, formatDiagnostic } from './diagnostics.ts'
export type { Diagnostic, Place, Severity } from './diagnostics.ts'
export type { Word } from './word.ts'
export * from './model.ts'
