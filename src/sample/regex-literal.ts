/**
 * What a text must have in it for a regular expression to match: so of many expressions only a few are tried.
 *
 * Only what stands outside of groups and classes, and is not repeated, counts: every match has it, character by character. Whatever
 * could mean something else gives no literal at all.
 */

/** Escapes without anything behind them that belongs to them. */
const plainEscapes = /[dDwWsSbBAzZnrtfvhHR]/

/** A class without brackets within. */
const simpleClass = /\[\^?\]?[^[\]\\]*(?:\\[\s\S][^[\]\\]*)*\]/y

const repetition = /\{\d*,?\d*\}/y

/** The longest text that is a part of everything which `pattern`, in PCRE's syntax, matches; '' when none is known. */
export function requiredLiteral(pattern: string): string {
  const scanner = new LiteralScanner(pattern)
  return scanner.run() ? scanner.longest : ''
}

class LiteralScanner {
  longest = ''
  readonly #pattern: string
  #at = 0
  #depth = 0
  /** What stands in a row up to here. */
  #run = ''

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  /** False when something stands there that is not understood. */
  run(): boolean {
    while (this.#at < this.#pattern.length) if (!this.#step()) return false
    this.#end()
    return this.#depth === 0
  }

  #step(): boolean {
    const char = this.#pattern[this.#at] ?? ''
    switch (char) {
      case '\\':
        return this.#escape()
      case '[':
        return this.#skip(simpleClass)
      case '(':
        // `(?i)`, `(?#`, `(*`, and whatever else is no plain group.
        if (/^\((?:\*|\?(?!:))/.test(this.#pattern.slice(this.#at, this.#at + 3))) return false
        this.#depth++
        if (this.#pattern.startsWith('(?:', this.#at)) this.#at += 2
        return this.#pass()
      case ')':
        this.#depth--
        return this.#depth >= 0 && this.#pass()
      case '|':
        return this.#depth > 0 && this.#pass()
      case '?':
      case '*':
      case '+':
        this.#run = this.#run.slice(0, -1)
        return this.#pass()
      case '{':
        this.#run = this.#run.slice(0, -1)
        return this.#skip(repetition)
      case '.':
      case '^':
      case '$':
        return this.#pass()
      default:
        return this.#take(char, 1)
    }
  }

  #escape(): boolean {
    const char = this.#pattern[this.#at + 1] ?? ''
    if (/[^A-Za-z0-9]/.test(char)) return this.#take(char, 2)
    this.#at++
    return plainEscapes.test(char) && this.#pass()
  }

  #take(char: string, length: number): true {
    if (this.#depth === 0) this.#run += char
    this.#at += length
    return true
  }

  #skip(what: RegExp): boolean {
    this.#end()
    what.lastIndex = this.#at
    const found = what.exec(this.#pattern)
    this.#at += found?.[0].length ?? 0
    return found !== null
  }

  /** Goes over a character that ends what stands in a row. */
  #pass(): true {
    this.#end()
    this.#at++
    return true
  }

  #end(): void {
    if (this.#run.length > this.longest.length) this.longest = this.#run
    this.#run = ''
  }
}
