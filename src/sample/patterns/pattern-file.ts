/** Files of patterns, for `-f`, and of patterns with values, for maps and `-M` (configuration.txt 7.1, 7.3.1 `map`). */

/** What to look at when such a file cannot be read. */
export const unreadableHint = 'relative names begin in the working directory'

/** One line of such a file. */
export interface PatternLine {
  readonly pattern: string
  /** What follows the pattern in a map; empty otherwise. */
  readonly value: string
  /** From 1. */
  readonly line: number
}

/** One pattern a line: `#` in the first column begins a comment, blanks in front do not count, blanks within do. */
export function readPatternLines(text: string): PatternLine[] {
  return meaningful(text).map(({ content, line }) => ({ pattern: content, value: '', line }))
}

/** A pattern, blanks, and the value up to the end of the line. */
export function readMapLines(text: string): PatternLine[] {
  return meaningful(text).map(({ content, line }) => {
    const match = /^([^ \t]*)[ \t]*(.*?)[ \t]*$/.exec(content)
    return { pattern: match?.[1] ?? '', value: match?.[2] ?? '', line }
  })
}

function meaningful(text: string): { content: string; line: number }[] {
  const lines: { content: string; line: number }[] = []
  for (const [at, raw] of text.split('\n').entries()) {
    if (raw.startsWith('#')) continue
    const content = (raw.split('\r', 1)[0] ?? '').replace(/^[ \t]+/, '')
    if (content !== '') lines.push({ content, line: at + 1 })
  }
  return lines
}
