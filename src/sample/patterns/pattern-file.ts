/** Files of patterns, for `-f`, and of patterns with values, for maps and `-M` (configuration.txt 7.1, 7.3.1 `map`). */

/** What to look at when such a file cannot be read. */
export const unreadableHint = 'relative names begin in the working directory'

/** Takes one line of such a file: the pattern, what follows it in a map or nothing, and the number of the line from 1. */
export type TakeLine = (pattern: string, value: string, line: number) => void

/** One pattern a line: `#` in the first column begins a comment, blanks in front do not count, blanks within do. */
export function readPatternLines(text: string, take: TakeLine): void {
  readLines(text, (content, line) => take(content, '', line))
}

/** A pattern, blanks, and the value up to the end of the line. */
export function readMapLines(text: string, take: TakeLine): void {
  readLines(text, (content, line) => {
    let end = 0
    while (end < content.length && !isBlank(content, end)) end++
    take(content.slice(0, end), withoutBlanks(content, end, content.length), line)
  })
}

/** A million lines are no exception: nothing is made of a line but its text. */
function readLines(text: string, take: (content: string, line: number) => void): void {
  let line = 0
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start)
    const next = newline < 0 ? text.length : newline
    line++
    if (text[start] !== '#') {
      const content = contentOf(text, start, next)
      if (content !== '') take(content, line)
    }
    start = next + 1
  }
}

/** What stands behind the blanks, and before the first carriage return. */
function contentOf(text: string, start: number, end: number): string {
  let first = start
  while (first < end && isBlank(text, first)) first++
  const content = text.slice(first, end)
  const cut = content.indexOf('\r')
  return cut < 0 ? content : content.slice(0, cut)
}

function withoutBlanks(text: string, start: number, end: number): string {
  let first = start
  let last = end
  while (first < last && isBlank(text, first)) first++
  while (last > first && isBlank(text, last - 1)) last--
  return text.slice(first, last)
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0x09
}
