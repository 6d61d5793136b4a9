/**
 * Regular expressions as HAProxy has them, PCRE2 without UTF, turned into JavaScript's. They work on latin1 text.
 *
 * Case is resolved here, letter by letter, because JavaScript's flag `i` would also fold latin1 letters and knows no
 * parts. What JavaScript cannot express is refused: atomic groups, possessive quantifiers, recursion, conditions,
 * `\G`, `\K`, `\X`, `\p`, verbs, and back-references without regard to case. One difference is left: a back-reference
 * to a group that did not take part matches nothing in PCRE, the empty string here.
 */
import { ByteSet, formatByte, posixClasses, shorthandClasses } from './byte-set.ts'

/** How a pattern is compiled. */
export interface RegexOptions {
  /** As the ACL flag `-i`. @default false */
  readonly ignoreCase?: boolean
  /** The start of the text is not the start of a line: `^` does not match there. @default false */
  readonly notAtStart?: boolean
}

/** Compiles a PCRE pattern; a complaint, as a string, when it is wrong or cannot be expressed. */
export function compileRegex(pattern: string, options: RegexOptions = {}): RegExp | string {
  try {
    return new RegExp(new Translator(pattern, options).translate())
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : describeSyntaxError(error)
    return `regular expression '${pattern}' ${reason}`
  }
}

/** Why a pattern cannot be had; never leaves this file. */
class Refusal extends Error {}

function describeSyntaxError(error: unknown): string {
  const text = error instanceof Error ? error.message : ''
  return `is wrong: ${text.slice(text.lastIndexOf(':') + 1).trim()}`
}

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

/** Escapes that stand for one byte. */
const byteEscapes: ReadonlyMap<string, number> = new Map([
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['f', 12],
  ['e', 27],
  ['a', 7],
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

class Translator {
  readonly #pattern: string
  readonly #notAtStart: boolean
  readonly #outer: Modes[] = []
  #modes: Modes
  #at = 0
  #groups = 0
  #highestReference = 0

  constructor(pattern: string, options: RegexOptions) {
    this.#pattern = pattern
    this.#notAtStart = options.notAtStart ?? false
    this.#modes = { fold: options.ignoreCase ?? false, lines: false, dotAll: false, extended: false }
  }

  translate(): string {
    let out = ''
    while (this.#at < this.#pattern.length) out += this.#atom()
    if (this.#outer.length > 0) throw new Refusal('misses a closing parenthesis')
    if (this.#highestReference > this.#groups)
      throw new Refusal(`refers to group ${this.#highestReference}, which it does not have`)
    return out
  }

  #atom(): string {
    const char = this.#pattern[this.#at++] ?? ''
    switch (char) {
      case '\\':
        return this.#escape()
      case '[':
        return this.#bracket()
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
        const end = this.#pattern.indexOf('\n', this.#at)
        this.#at = end < 0 ? this.#pattern.length : end + 1
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
    const next = this.#pattern[this.#at]
    if (next === '+')
      throw new Refusal(`has a possessive quantifier ('${written}+'), which JavaScript cannot do`)
    if (next !== '?') return written
    this.#at++
    return `${written}?`
  }

  #braces(): string {
    const match = /^\{\d+(?:,\d*)?\}/.exec(this.#pattern.slice(this.#at - 1))
    if (match === null) return '\\{'
    this.#at += match[0].length - 1
    return this.#quantifier(match[0])
  }

  #close(): string {
    const outer = this.#outer.pop()
    if (outer === undefined) throw new Refusal('has a closing parenthesis too many')
    this.#modes = outer
    return ')'
  }

  #open(): string {
    const rest = this.#pattern.slice(this.#at)
    if (rest.startsWith('?#')) {
      const end = this.#pattern.indexOf(')', this.#at)
      if (end < 0) throw new Refusal('has a comment without its end')
      this.#at = end + 1
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
    this.#at += skip
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
      this.#at += reference[0].length
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
    this.#at += match[0].length
    return within ? '(?:' : ''
  }

  #escape(): string {
    const char = this.#pattern[this.#at]
    if (char === undefined) throw new Refusal('ends with a backslash')
    const shorthand = shorthandClasses.get(char)
    if (shorthand !== undefined) {
      this.#at++
      return shorthand.format()
    }
    if (char === 'A') {
      this.#at++
      return this.#notAtStart ? '(?!)' : '^'
    }
    if (char === 'Q') return this.#quotedText()
    const assertion = assertions.get(char)
    if (assertion !== undefined) {
      this.#at++
      return assertion
    }
    return this.#reference(char) ?? this.#literal(this.#byteEscape())
  }

  #quotedText(): string {
    const first = this.#at + 1
    const end = this.#pattern.indexOf('\\E', first)
    const last = end < 0 ? this.#pattern.length : end
    this.#at = end < 0 ? last : end + 2
    let out = ''
    for (let at = first; at < last; at++) out += this.#literal(this.#pattern.charCodeAt(at))
    return out
  }

  #reference(char: string): string | undefined {
    const rest = this.#pattern.slice(this.#at)
    const named = /^k(?:<(\w+)>|\{(\w+)\}|'(\w+)')/.exec(rest)
    if (named !== null) {
      this.#at += named[0].length
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
    this.#at += numbered[0].length
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

  /** The byte of the escape at the position, behind its backslash. */
  #byteEscape(): number {
    const rest = this.#pattern.slice(this.#at)
    const hex = /^x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{0,2}))/.exec(rest)
    const octal = /^(?:o\{([0-7]+)\}|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/.exec(rest)
    const control = /^c([ -~])/.exec(rest)
    const written = hex ?? octal ?? control
    if (written !== null) this.#at += written[0].length
    if (hex !== null) return Number.parseInt(`0${hex[1] ?? hex[2] ?? ''}`, 16)
    if (octal !== null) return Number.parseInt(octal[1] ?? octal[2] ?? '', 8)
    if (control !== null) return (control[1] ?? '').toUpperCase().charCodeAt(0) ^ 64
    const char = this.#pattern[this.#at++] ?? ''
    const byte = byteEscapes.get(char)
    if (byte !== undefined) return byte
    if (/[0-9A-Za-z]/.test(char)) throw new Refusal(`has the escape '\\${char}', which JavaScript cannot do`)
    return char.charCodeAt(0)
  }

  /** A class, behind its opening bracket. */
  #bracket(): string {
    const negated = this.#pattern[this.#at] === '^'
    if (negated) this.#at++
    const set = new ByteSet()
    for (let first = true; first || this.#pattern[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#pattern.length) throw new Refusal('has a class without its closing bracket')
      this.#classItem(set)
    }
    this.#at++
    if (this.#modes.fold) set.foldCase()
    return (negated ? set.complement() : set).format()
  }

  #classItem(set: ByteSet): void {
    const low = this.#classAtom()
    if (low instanceof ByteSet) {
      set.add(low)
      return
    }
    const isRange = this.#pattern[this.#at] === '-' && ![']', undefined].includes(this.#pattern[this.#at + 1])
    if (!isRange) {
      set.addRange(low, low)
      return
    }
    this.#at++
    const high = this.#classAtom()
    if (high instanceof ByteSet) set.addRange(low, low).addRange(0x2d, 0x2d).add(high)
    else if (high < low) throw new Refusal('has a range out of order')
    else set.addRange(low, high)
  }

  #classAtom(): number | ByteSet {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#pattern.slice(this.#at))
    if (posix !== null) {
      const set = posixClasses.get(posix[2] ?? '')
      if (set === undefined) throw new Refusal(`has the unknown class '${posix[0]}'`)
      this.#at += posix[0].length
      return posix[1] === '^' ? set.complement() : set
    }
    const code = this.#pattern.charCodeAt(this.#at++)
    if (code > 255) throw new Refusal('has a character beyond latin1')
    if (code !== 0x5c) return code
    const char = this.#pattern[this.#at] ?? ''
    const shorthand = shorthandClasses.get(char)
    if (shorthand === undefined && char !== 'b') return this.#byteEscape()
    this.#at++
    return shorthand ?? 8
  }
}

/**
 * Compiles a replacement (`exp_replace` in src/regex.c): `\0` to `\9` are groups, `\xHH` is a byte, and a backslash
 * before anything else gives that. A complaint, as a string, when it is wrong.
 */
export function compileReplacement(template: string): ((match: RegExpExecArray) => string) | string {
  const parts: (string | number)[] = []
  let literal = ''
  for (let at = 0; at < template.length; at++) {
    const char = template[at] ?? ''
    if (char !== '\\') {
      literal += char
      continue
    }
    const escape = /^(?:(\d)|x([0-9A-Fa-f]{2})|([^x]))/s.exec(template.slice(at + 1))
    if (escape === null)
      return `replacement '${template}' has a backslash that must be followed by a character`
    at += escape[0].length
    if (escape[1] !== undefined) {
      parts.push(literal, Number(escape[1]))
      literal = ''
    } else literal += escape[3] ?? String.fromCharCode(Number.parseInt(escape[2] ?? '', 16))
  }
  parts.push(literal)
  return (match) => {
    let out = ''
    for (const part of parts) out += typeof part === 'string' ? part : (match[part] ?? '')
    return out
  }
}
