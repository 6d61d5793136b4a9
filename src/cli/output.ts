/** What the commands print: results to standard output, everything else to standard error. */
import { formatDiagnostic, type Diagnostic } from '../config/index.ts'
import { SluiceError } from '../errors.ts'
import { LineWriter } from '../line-writer.ts'
import { createTextLogger, type Logger, type LogLevel } from '../logger.ts'

/** Prints a result. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints what a person should know. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** A logger for the commands. A reader of standard error that stalls costs lines, which are counted. */
export function createStderrLogger(level: LogLevel): Logger {
  const writer = new LineWriter(() => process.stderr, {
    encoding: 'utf8',
    onDrop: () => {},
    onRecover: (lines) => log.warn({ target: 'stderr', lines }, 'log lines were lost'),
  })
  const write = (line: string) => writer.write(`${new Date().toISOString()} ${line}`)
  const log = createTextLogger(write, level)
  return log
}

/** Prints all diagnostics, file by file and line by line, and a count; answers whether there was an error. */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  write: (line: string) => void = note,
): boolean {
  for (const diagnostic of sorted(diagnostics)) write(formatDiagnostic(diagnostic))
  const errors = diagnostics.filter((each) => each.severity === 'error').length
  const warnings = diagnostics.length - errors
  if (diagnostics.length > 0) write(`${count(errors, 'error')}, ${count(warnings, 'warning')}`)
  return errors > 0
}

/** Files stay in the order in which they were met. */
function sorted(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(diagnostics.map(({ place }) => place.file))]
  const rank = ({ place }: Diagnostic): number => files.indexOf(place.file)
  return [...diagnostics].sort(
    (a, b) => rank(a) - rank(b) || a.place.line - b.place.line || a.place.column - b.place.column,
  )
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** One line for an error that ends a command. */
export function describeError(error: unknown): string {
  if (error instanceof SluiceError) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
