import { ByteSet, formatByte, shorthandClasses } from './byte-set.ts'
import { PatternText, Refusal } from './regex-text.ts'

interface Modes {
  /** i */
  readonly fold: boolean
  /** m */
  readonly lines: boolean
  /** s */
  readonly dotAll: boolean
  /** x */
  readonly extended: boolean
}

const modeLetters: ReadonlyMap<string, keyof Modes> = new Map([
  ['i', 'fold'],
  ['m', 'lines'],
  ['s', 'dotAll'],
  ['x', 'extended'],
])

/** Escapes that stand for something of the same length zero in both dialects, or have a translation. */
const assertions: ReadonlyMap<string, string> = new Map([
  ['b', '\\b'],
  ['B', '\\B'],
  ['z', '$'],
  ['Z', '(?=\\n?$)'],
  ['N', '[^\\n]'],
  ['R', '(?:\\r\\n|[\\n-\\r\\x85])'],
])

/**
 * Translates one PCRE pattern into the source of a JavaScript regular expression, atom by atom. Modes (`(?i)`, `(?s)`,
 * …) are resolved here, so that the result needs no flags.
 */
export class RegexTranslator {
  readonly #text: PatternText
  readonly #notAtStart: boolean
  readonly #outer: Modes[] = []
  #modes: Modes
  #groups = 0
  #highestReference = 0

  constructor(pattern: string, ignoreCase: boolean, notAtStart: boolean) {
    this.#text = new PatternText(pattern)
    this.#notAtStart = notAtStart
    this.#modes = { fold: ignoreCase, lines: false, dotAll: false, extended: false }
  }

  /** The source of the JavaScript regular expression. */
  translate(): string {
    let out = ''
    while (!this.#text.done) out += this.#atom()
    if (this.#outer.length > 0) throw new Refusal('misses a closing parenthesis')
    if (this.#highestReference > this.#groups)
      throw new Refusal(`refers to group ${this.#highestReference}, which it does not have`)
    return out
  }

  #atom(): string {
    const char = this.#text.pattern[this.#text.at++] ?? ''
    switch (char) {
      case '\\':
        return this.#escape()
      case '[':
        return this.#text.bracket(this.#modes.fold)
      case '(':
        return this.#open()
      case ')':
        return this.#close()
      case '.':
        return this.#modes.dotAll ? '[^]' : '[^\\n]'
      case '^':
        return this.#lineStart()
      case '$':
        return this.#modes.lines ? '(?![^\\n])' : '(?=\\n?$)'
      case '|':
        return '|'
      case '*':
      case '+':
      case '?':
        return this.#quantifier(char)
      case '{':
        return this.#braces()
      default:
        return this.#plain(char)
    }
  }

  #plain(char: string): string {
    if (this.#modes.extended) {
      if (/\s/.test(char)) return ''
      if (char === '#') {
        const end = this.#text.pattern.indexOf('\n', this.#text.at)
        this.#text.at = end < 0 ? this.#text.pattern.length : end + 1
        return ''
      }
    }
    return this.#literal(char.charCodeAt(0))
  }

  #literal(code: number): string {
    if (code > 255) throw new Refusal('has a character beyond latin1')
    const isLetter = /[A-Za-z]/.test(String.fromCharCode(code))
    return this.#modes.fold && isLetter
      ? new ByteSet().addRange(code, code).foldCase().format()
      : formatByte(code)
  }

  #lineStart(): string {
    if (this.#modes.lines) return this.#notAtStart ? '(?<=\\n)' : '(?<![^\\n])'
    return this.#notAtStart ? '(?!)' : '^'
  }

  #quantifier(written: string): string {
    const next = this.#text.pattern[this.#text.at]
    if (next === '+')
      throw new Refusal(`has a possessive quantifier ('${written}+'), which JavaScript cannot do`)
    if (next !== '?') return written
    this.#text.at++
    return `${written}?`
  }

  #braces(): string {
    const match = /^\{\d+(?:,\d*)?\}/.exec(this.#text.pattern.slice(this.#text.at - 1))
    if (match === null) return '\\{'
    this.#text.at += match[0].length - 1
    return this.#quantifier(match[0])
  }

  #close(): string {
    const outer = this.#outer.pop()
    if (outer === undefined) throw new Refusal('has a closing parenthesis too many')
    this.#modes = outer
    return ')'
  }

  #open(): string {
    const rest = this.#text.rest
    if (rest.startsWith('?#')) {
      const end = this.#text.pattern.indexOf(')', this.#text.at)
      if (end < 0) throw new Refusal('has a comment without its end')
      this.#text.at = end + 1
      return ''
    }
    if (rest.startsWith('*')) throw new Refusal('has a verb ((*…)), which JavaScript cannot do')
    if (!rest.startsWith('?')) {
      this.#groups++
      return this.#enter('(', 0)
    }
    return this.#special(rest)
  }

  /** Begins a group: modes set within it end with it. */
  #enter(written: string, skip: number): string {
    this.#outer.push(this.#modes)
    this.#text.at += skip
    return written
  }

  #special(rest: string): string {
    const same = /^\?(?::|=|!|<=|<!)/.exec(rest)?.[0]
    if (same !== undefined) return this.#enter(`(${same}`, same.length)
    const named = /^\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/.exec(rest)
    if (named !== null) {
      this.#groups++
      return this.#enter(`(?<${named[1] ?? named[2] ?? ''}>`, named[0].length)
    }
    const reference = /^\?P=([A-Za-z_]\w*)\)/.exec(rest)
    if (reference !== null) {
      this.#text.at += reference[0].length
      return this.#namedReference(reference[1] ?? '')
    }
    const modes = /^\?([imsx]*)(?:-([imsx]*))?([:)])/.exec(rest)
    if (modes === null) throw new Refusal(`has the group '(${rest.slice(0, 3)}…', which JavaScript cannot do`)
    return this.#setModes(modes)
  }

  #setModes(match: RegExpExecArray): string {
    const within = match[3] === ':'
    if (within) this.#enter('', 0)
    const modes = { ...this.#modes }
    for (const letter of match[1] ?? '') modes[modeLetters.get(letter) ?? 'fold'] = true
    for (const letter of match[2] ?? '') modes[modeLetters.get(letter) ?? 'fold'] = false
    this.#modes = modes
    this.#text.at += match[0].length
    return within ? '(?:' : ''
  }

  #escape(): string {
    const char = this.#text.pattern[this.#text.at]
    if (char === undefined) throw new Refusal('ends with a backslash')
    const shorthand = shorthandClasses.get(char)
    if (shorthand !== undefined) {
      this.#text.at++
      return shorthand.format()
    }
    if (char === 'A') {
      this.#text.at++
      return this.#notAtStart ? '(?!)' : '^'
    }
    if (char === 'Q') return this.#quotedText()
    const assertion = assertions.get(char)
    if (assertion !== undefined) {
      this.#text.at++
      return assertion
    }
    return this.#reference(char) ?? this.#literal(this.#text.byteEscape())
  }

  #quotedText(): string {
    const first = this.#text.at + 1
    const end = this.#text.pattern.indexOf('\\E', first)
    const last = end < 0 ? this.#text.pattern.length : end
    this.#text.at = end < 0 ? last : end + 2
    let out = ''
    for (let at = first; at < last; at++) out += this.#literal(this.#text.pattern.charCodeAt(at))
    return out
  }

  #reference(char: string): string | undefined {
    const rest = this.#text.rest
    const named = /^k(?:<(\w+)>|\{(\w+)\}|'(\w+)')/.exec(rest)
    if (named !== null) {
      this.#text.at += named[0].length
      return this.#namedReference(named[1] ?? named[2] ?? named[3] ?? '')
    }
    const numbered = /^(?:g\{?(-?\d+)\}?|([1-9]\d*))/.exec(rest)
    if (numbered === null) return undefined
    let group = Number(numbered[1] ?? numbered[2])
    // \12 is an octal escape unless there are that many groups.
    if (numbered[1] === undefined && group > 9 && group > this.#groups) {
      if (/^[0-7]/.test(char)) return undefined
      throw new Refusal(`refers to group ${group}, which it does not have`)
    }
    if (group < 0) group += this.#groups + 1
    this.#text.at += numbered[0].length
    this.#highestReference = Math.max(this.#highestReference, group)
    this.#refuseFolding()
    return `(?:\\${group})`
  }

  #namedReference(name: string): string {
    this.#refuseFolding()
    return `\\k<${name}>`
  }

  #refuseFolding(): void {
    if (this.#modes.fold)
      throw new Refusal('has a back-reference without regard to case, which is not supported')
  }
}
