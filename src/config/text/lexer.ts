/**
 * One line of a configuration file -> words with their places (configuration.txt 2.2 and 2.3).
 *
 * HAProxy has no line continuation: a backslash at the end of a line is a word of its own.
 */
import type { Diagnostics, Place } from './diagnostics.ts'
import type { Word } from './word.ts'

/** Environment variables while a file is read: `setenv` in a `global` section changes them. */
export type EnvironmentMap = ReadonlyMap<string, string>

/** What the words of a line may refer to. */
export interface LineContext {
  readonly file: string
  /** Counts from 1. */
  readonly line: number
  readonly environment: EnvironmentMap
  /** `.SECTION`: the name (or the kind) of the section, '' before the first. */
  readonly section: string
}

/** More words than this are refused, as HAProxy does. */
export const maxWords = 64

/** The words of a line. */
export interface SplitLine {
  readonly words: readonly Word[]
  /** The line is malformed, which was reported: the words are those before. */
  readonly broken: boolean
}

/**
 * Cuts a line into words: quotes, escapes and environment variables are resolved, a comment ends the line.
 * Empty words remain only where they were quoted.
 */
export function splitLine(text: string, context: LineContext, diagnostics: Diagnostics): SplitLine {
  const lexer = new LineLexer(text, context, diagnostics)
  const whole = lexer.run()
  return { words: lexer.words, broken: !whole }
}

/** Addresses are resolved once more, without regard to quotes (`env_expand` in src/tools.c): an unset name is empty. */
function expandAddress(text: string, environment: EnvironmentMap): string {
  return text.replace(
    /\$(?:\{([A-Za-z0-9_]*)\}?|([A-Za-z0-9_]*))/g,
    (_all, braced?: string, plain?: string) => {
      return environment.get(braced ?? plain ?? '') ?? ''
    },
  )
}

const simpleEscapes = new Map([
  [' ', ' '],
  ['\\', '\\'],
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['#', '#'],
  ["'", "'"],
  ['"', '"'],
])

function isSpace(char: string): boolean {
  return char === ' ' || (char >= '\t' && char <= '\r')
}

/** By codes: what `#step` looks at, in whatever state. */
const isSpecial = Array.from({ length: 256 }, (_, code) => /[\s#"'\\$]/.test(String.fromCharCode(code)))

class LineLexer {
  readonly #text: string
  readonly #context: LineContext
  readonly #diagnostics: Diagnostics
  readonly words: Word[] = []
  #at = 0
  #out = ''
  #start = -1
  #quoted = false
  /** The quote that is open, and where it was opened. */
  #quote: { readonly char: string; readonly at: number } | undefined
  #failed = false

  constructor(text: string, context: LineContext, diagnostics: Diagnostics) {
    this.#text = text
    this.#context = context
    this.#diagnostics = diagnostics
  }

  /** False after a complaint. */
  run(): boolean {
    while (!this.#failed && this.#step());
    if (this.#failed) return false
    if (this.#quote !== undefined) {
      this.#fail('CFG_QUOTE', this.#quote.at, `the quote ${this.#quote.char} is never closed`)
      return false
    }
    this.#endWord()
    return this.#checkCount()
  }

  #checkCount(): boolean {
    const { length } = this.words
    if (length <= maxWords) return true
    const message = `${length} words in one line; at most ${maxWords} are allowed`
    const hint = 'put long lists into a file and use -f, or repeat the line'
    this.#diagnostics.error('CFG_LINE', this.words[maxWords]?.place ?? this.#place(0), message, hint)
    return false
  }

  /** Reads one element; false at the end of the line. */
  #step(): boolean {
    const char = this.#text[this.#at]
    // HAProxy ends the line at a carriage return wherever it stands, which makes files with CR LF work.
    if (char === undefined || char === '\r' || char === '\n') return false
    if (char === '#' && this.#quote === undefined) return false
    if (this.#toggleQuote(char)) return true
    if (char === '\\' && this.#quote?.char !== "'") this.#escape()
    else if (isSpace(char) && this.#quote === undefined) {
      this.#endWord()
      this.#at += 1
    } else if (char === '$' && this.#quote?.char === '"') this.#variable()
    else this.#plain()
    return true
  }

  /** Takes this character, and those behind it that mean nothing wherever they stand. */
  #plain(): void {
    let end = this.#at + 1
    while (end < this.#text.length && !isSpecial[this.#text.charCodeAt(end)]) end++
    this.#emit(this.#text.slice(this.#at, end), end - this.#at)
  }

  #place(at: number): Place {
    return { file: this.#context.file, line: this.#context.line, column: at + 1 }
  }

  #fail(
    code: 'CFG_QUOTE' | 'CFG_ESCAPE' | 'CFG_ENVIRONMENT',
    at: number,
    message: string,
    hint?: string,
  ): void {
    this.#failed = true
    this.#diagnostics.error(code, this.#place(at), message, hint)
  }

  #begin(): void {
    if (this.#start < 0) this.#start = this.#at
  }

  #emit(text: string, consumed: number): void {
    this.#begin()
    this.#out += text
    this.#at += consumed
  }

  #endWord(): void {
    if (this.#start >= 0 && (this.#out !== '' || this.#quoted)) {
      const text = this.#out
      const address = text.includes('$') ? { address: expandAddress(text, this.#context.environment) } : {}
      this.words.push({ text, place: this.#place(this.#start), quoted: this.#quoted, ...address })
    }
    this.#out = ''
    this.#start = -1
    this.#quoted = false
  }

  #toggleQuote(char: string): boolean {
    if (char !== '"' && char !== "'") return false
    if (this.#quote !== undefined && this.#quote.char !== char) return false
    this.#begin()
    this.#quoted = true
    this.#quote = this.#quote === undefined ? { char, at: this.#at } : undefined
    this.#at += 1
    return true
  }

  #escape(): void {
    const next = this.#text[this.#at + 1] ?? ''
    if (next === 'x') return this.#hexEscape()
    // A dollar needs its escape inside double quotes only, where it would begin a variable.
    const char = next === '$' && this.#quote !== undefined ? '$' : simpleEscapes.get(next)
    if (char === undefined) this.#emit('\\', 1)
    else this.#emit(char, 2)
  }

  #hexEscape(): void {
    const digits = this.#text.slice(this.#at + 2, this.#at + 4)
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
      return this.#fail(
        'CFG_ESCAPE',
        this.#at,
        `'\\x${digits}' is not an escape`,
        'write \\x and two hex digits',
      )
    }
    if (digits === '00') return this.#fail('CFG_ESCAPE', this.#at, '\\x00 cannot be part of a word')
    this.#emit(String.fromCharCode(Number.parseInt(digits, 16)), 4)
  }

  #variable(): void {
    const from = this.#at
    this.#begin()
    const braces = this.#text[from + 1] === '{'
    const nameAt = from + (braces ? 2 : 1)
    const name = /^(?:\.|[A-Za-z_])[A-Za-z0-9_]*/.exec(this.#text.slice(nameAt))?.[0]
    if (name === undefined) {
      const found = this.#text[nameAt] ?? 'the end of the line'
      return this.#fail(
        'CFG_ENVIRONMENT',
        nameAt,
        `a variable name cannot begin with '${found}'`,
        'inside double quotes write \\$ for a dollar',
      )
    }
    this.#at = nameAt + name.length
    const value = this.#lookUp(name, nameAt)
    if (this.#failed) return
    if (braces) this.#closeBraces(from, value)
    else this.#out += value ?? ''
  }

  #closeBraces(from: number, value: string | undefined): void {
    let expand = false
    if (this.#text[this.#at] === '[') {
      if (!this.#text.startsWith('[*]', this.#at)) {
        return this.#fail('CFG_ENVIRONMENT', this.#at, "only '[*]' may follow the name of a variable")
      }
      expand = true
      this.#at += 3
    }
    let result = value
    const end = this.#text.indexOf('}', this.#at)
    const fallback = this.#text[this.#at] === '-'
    if (end < 0 || (!fallback && end !== this.#at)) {
      return this.#fail('CFG_ENVIRONMENT', from, 'the { of a variable is never closed')
    }
    if (fallback) result ??= this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    if (expand) this.#expand(result ?? '')
    else this.#out += result ?? ''
  }

  /** `${NAME[*]}`: spaces in the value separate words. */
  #expand(value: string): void {
    const start = this.#start
    const pieces = value.split(/[\t-\r ]+/)
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) {
        this.#quoted = this.#out !== '' && this.#quoted
        this.#endWord()
        this.#start = start
        this.#quoted = true
      }
      this.#out += piece
    }
  }

  #lookUp(name: string, at: number): string | undefined {
    if (!name.startsWith('.')) return this.#context.environment.get(name)
    if (name === '.FILE') return this.#context.file
    if (name === '.LINE') return String(this.#context.line)
    if (name === '.SECTION') return this.#context.section
    this.#fail('CFG_ENVIRONMENT', at, `'${name}' is not a variable`, 'known are .FILE, .LINE and .SECTION')
    return undefined
  }
}
