/** A whole file -> its lines in words, with conditional blocks resolved. Sections are the caller's. */
import type { Modifier } from './args.ts'
import { Blocks } from './blocks.ts'
import type { Diagnostics, Place } from './diagnostics.ts'
import { splitLine } from './lexer.ts'
import type { EnvironmentMap } from './lexer.ts'
import type { Word } from './word.ts'

/** What a reader of a file does with it. */
export interface LineHandler {
  /** `.SECTION` for the next line. */
  readonly section: string
  /** A line with at least one word; `no` and `default` in front are taken off. */
  line(words: readonly Word[], modifier: Modifier): void
  /** The first words of a line that is malformed, which was reported. */
  broken(words: readonly Word[]): void
  /** A line such as `[name]`. */
  scope(text: string, place: Place): void
}

/** Reads `text`, line by line. */
export function readLines(
  source: { readonly file: string; readonly text: string; readonly environment: EnvironmentMap },
  handler: LineHandler,
  diagnostics: Diagnostics,
): void {
  const { file, text, environment } = source
  const blocks = new Blocks(environment, diagnostics)
  const mark = byteOrderMark.exec(text)?.[0] ?? ''
  if (mark !== '') reportMark(file, diagnostics)
  const lines = text.slice(mark.length).split('\n')
  const last = lines.pop() ?? ''
  if (last !== '') lines.push(last)
  for (const [index, content] of lines.entries()) {
    const line = index + 1
    const nul = content.indexOf('\0')
    if (nul >= 0) {
      diagnostics.error('CFG_LINE', { file, line, column: nul + 1 }, 'the line holds a NUL character')
      continue
    }
    const indent = content.length - content.trimStart().length
    if (content[indent] === '[') {
      if (blocks.taking) handler.scope(content.slice(indent), { file, line, column: indent + 1 })
      continue
    }
    const context = { file, line, environment, section: handler.section }
    const { words, broken } = splitLine(content, context, diagnostics)
    if (!broken) handleWords(words, blocks, handler, diagnostics)
    else if (blocks.taking) handler.broken(words)
  }
  blocks.end()
  if (last !== '') reportTruncated(file, lines.length, last, diagnostics)
}

/** Of UTF-8: the bytes, one character each, or what is made of them where text was read as UTF-8. */
const byteOrderMark = /^(?:\xef\xbb\xbf|\ufeff)/

function reportMark(file: string, diagnostics: Diagnostics): void {
  const message =
    'the file begins with a byte order mark (EF BB BF), which HAProxy takes for a part of the first word'
  diagnostics.error('CFG_LINE', { file, line: 1, column: 1 }, message, 'save it as UTF-8 without one')
}

function reportTruncated(file: string, line: number, last: string, diagnostics: Diagnostics): void {
  const place = { file, line, column: last.length + 1 }
  const message = 'the last line has no line end: the file may have been truncated'
  diagnostics.error('CFG_LINE', place, message, 'end the file with a line end')
}

function handleWords(
  words: readonly Word[],
  blocks: Blocks,
  handler: LineHandler,
  diagnostics: Diagnostics,
): void {
  const [first] = words
  if (first === undefined || first.text === '') return
  if (first.text.startsWith('.')) return blocks.directive(words)
  if (!blocks.taking) return
  const useful = upToEmpty(words, diagnostics)
  if (first.text !== 'no' && first.text !== 'default') return handler.line(useful, undefined)
  if (useful.length > 1) return handler.line(useful.slice(1), first.text)
  diagnostics.error('CFG_ARGUMENT_MISSING', first.place, `expects a keyword behind '${first.text}'`)
}

/** HAProxy takes an empty word, such as `"$UNSET"`, for the end of the line. */
function upToEmpty(words: readonly Word[], diagnostics: Diagnostics): readonly Word[] {
  const empty = words.findIndex((word) => word.text === '')
  if (empty < 0) return words
  const behind = words[empty + 1]
  const place = words[empty]?.place
  if (behind !== undefined && place !== undefined) {
    diagnostics.warning(
      'CFG_WORD_EMPTY',
      place,
      `the words behind this empty one are ignored: '${behind.text}' ...`,
    )
  }
  return words.slice(0, empty)
}
