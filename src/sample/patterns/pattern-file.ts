/** Files of patterns, for `-f`, and of patterns with values, for maps and `-M` (configuration.txt 7.1, 7.3.1 `map`). */
import type { Buffer } from 'node:buffer'

/** What to look at when such a file cannot be read. */
export const unreadableHint = 'relative names begin in the working directory'

const [tab, newline, carriageReturn, blank, hash] = [0x09, 0x0a, 0x0d, 0x20, 0x23]

/**
 * One pattern a line: `#` in the first column begins a comment, blanks in front do not count, blanks within do. In a map blanks
 * end the pattern, and the value follows, up to the end of the line.
 *
 * A million lines are no exception: nothing is made of a line, it is told where in `bytes` its parts stand.
 */
export class PatternFile {
  readonly bytes: Buffer
  /** The pattern. */
  start = 0
  end = 0
  /** What follows it in a map; nothing elsewhere. */
  valueStart = 0
  valueEnd = 0
  /** The number of the line, from 1. */
  line = 0
  readonly #isMap: boolean
  #next = 0

  constructor(bytes: Buffer, isMap: boolean) {
    this.bytes = bytes
    this.#isMap = isMap
  }

  /** Goes to the next line with a pattern; false when there is none. */
  next(): boolean {
    while (this.#next < this.bytes.length) {
      const isComment = this.bytes[this.#next] === hash
      this.#readLine()
      if (isComment || this.start === this.end) continue
      if (this.#isMap) this.#cut()
      return true
    }
    return false
  }

  /** Takes what stands behind the blanks, and before the first carriage return. */
  #readLine(): void {
    const { bytes } = this
    const { length } = bytes
    let at = this.#next
    while (at < length && isBlank(bytes[at])) at++
    this.start = at
    while (at < length && bytes[at] !== newline && bytes[at] !== carriageReturn) at++
    this.end = at
    while (at < length && bytes[at] !== newline) at++
    this.#next = at + 1
    this.line++
  }

  #cut(): void {
    const { bytes } = this
    this.valueEnd = this.end
    let at = this.start
    while (at < this.valueEnd && !isBlank(bytes[at])) at++
    this.end = at
    while (at < this.valueEnd && isBlank(bytes[at])) at++
    this.valueStart = at
    while (this.valueEnd > at && isBlank(bytes[this.valueEnd - 1])) this.valueEnd--
  }
}

function isBlank(code: number | undefined): boolean {
  return code === blank || code === tab
}
