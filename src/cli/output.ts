/** What the commands print: results to standard output, everything else to standard error. */
import { Buffer } from 'node:buffer'
import { formatDiagnostic, type Diagnostic } from '../config/index.ts'
import { errorMessage, SluiceError } from '../base/errors.ts'

/** The first failure of standard output. */
let printFailure: NodeJS.ErrnoException | undefined

/** Prints a result. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`, (error) => (printFailure ??= error ?? undefined))
}

/** Prints what a command that serves has begun; it goes on whether somebody can read it or not. */
export function announce(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A reader that has gone, such as `head`, or the terminal, has had what it wanted. */
const partings = ['EPIPE', 'EIO']

/** Why results were not written, though somebody waits for them: the disk is full. Undefined when all is well. */
export function whyNotPrinted(): string | undefined {
  if (printFailure === undefined || partings.includes(printFailure.code ?? '')) return undefined
  return `standard output: ${printFailure.message}`
}

/** Prints what a person should know. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Nobody reads more errors than this; what comes after them is most often their consequence. */
const mostErrors = 50

/**
 * Prints diagnostics, file by file and line by line, and a count; answers whether there was an error.
 * @param lines the lines of a file, when they are to be shown with a mark below the place.
 */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  write: (line: string) => void = note,
  lines: (file: string) => readonly string[] = () => [],
): boolean {
  const counts = { error: 0, warning: 0, note: 0 }
  for (const diagnostic of sortDiagnostics(diagnostics)) {
    counts[diagnostic.severity]++
    if (diagnostic.severity !== 'error' || counts.error <= mostErrors)
      write(harmless(formatWithLine(diagnostic, lines)))
  }
  if (counts.error > mostErrors) write(`and ${count(counts.error - mostErrors, 'more error')}`)
  const notes = counts.note === 0 ? '' : `, ${count(counts.note, 'note')}`
  if (diagnostics.length > 0) {
    write(`${count(counts.error, 'error')}, ${count(counts.warning, 'warning')}${notes}`)
  }
  return counts.error > 0
}

/** A file that is no configuration may hold what a terminal acts on. One character for each: the mark stays below its place. */
function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd')
}

/** A longer line would hide what is said about it. */
const longestLine = 160

/** The message, the line with a mark below the place, the hint. */
function formatWithLine(diagnostic: Diagnostic, lines: (file: string) => readonly string[]): string {
  const { place, hint, ...rest } = diagnostic
  const text = lines(place.file)[place.line - 1]?.trimEnd() ?? ''
  if (text === '' || text.length > longestLine) return formatDiagnostic(diagnostic)
  const [shown, before] = [text, text.slice(0, place.column - 1)].map((each) =>
    Buffer.from(each, 'latin1').toString('utf8'),
  )
  const mark = `    ${shown}\n    ${before?.replace(/[^\t]/gu, ' ')}^`
  return [
    formatDiagnostic({ place, ...rest }),
    mark,
    ...(hint === undefined ? [] : [`    hint: ${hint}`]),
  ].join('\n')
}

/** By file, line and column. Files stay in the order in which they were met. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(diagnostics.map(({ place }) => place.file))]
  const rank = ({ place }: Diagnostic): number => files.indexOf(place.file)
  return [...diagnostics].sort(
    (a, b) => rank(a) - rank(b) || a.place.line - b.place.line || a.place.column - b.place.column,
  )
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** One line for an error that ends a command. It may repeat what a file holds. */
export function describeError(error: unknown): string {
  return harmless(error instanceof SluiceError ? `${error.message} (${error.code})` : errorMessage(error))
}
