/** Reads the parts of a PCRE pattern that need no knowledge of groups: escapes of bytes, and classes. */
import { ByteSet, posixClasses, shorthandClasses } from './byte-set.ts'

/** Why a pattern cannot be had: never leaves the translation. */
export class Refusal extends Error {}

/** Escapes that stand for one byte. */
const byteEscapes: ReadonlyMap<string, number> = new Map([
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['f', 12],
  ['e', 27],
  ['a', 7],
])

/** A pattern and a position in it. */
export class PatternText {
  readonly pattern: string
  at = 0

  constructor(pattern: string) {
    this.pattern = pattern
  }

  /** Whether all of it was read. */
  get done(): boolean {
    return this.at >= this.pattern.length
  }

  /** What is left. */
  get rest(): string {
    return this.pattern.slice(this.at)
  }

  /** The byte of the escape at the position, behind its backslash. */
  byteEscape(): number {
    const rest = this.pattern.slice(this.at)
    const hex = /^x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{0,2}))/.exec(rest)
    const octal = /^(?:o\{([0-7]+)\}|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/.exec(rest)
    const control = /^c([ -~])/.exec(rest)
    const written = hex ?? octal ?? control
    if (written !== null) this.at += written[0].length
    if (hex !== null) return Number.parseInt(`0${hex[1] ?? hex[2] ?? ''}`, 16)
    if (octal !== null) return Number.parseInt(octal[1] ?? octal[2] ?? '', 8)
    if (control !== null) return (control[1] ?? '').toUpperCase().charCodeAt(0) ^ 64
    const char = this.pattern[this.at++] ?? ''
    const byte = byteEscapes.get(char)
    if (byte !== undefined) return byte
    if (/[0-9A-Za-z]/.test(char)) throw new Refusal(`has the escape '\\${char}', which JavaScript cannot do`)
    return char.charCodeAt(0)
  }

  /** A class, behind its opening bracket, as an atom of a JavaScript regular expression. */
  bracket(fold: boolean): string {
    const negated = this.pattern[this.at] === '^'
    if (negated) this.at++
    const set = new ByteSet()
    for (let first = true; first || this.pattern[this.at] !== ']'; first = false) {
      if (this.at >= this.pattern.length) throw new Refusal('has a class without its closing bracket')
      this.#classItem(set)
    }
    this.at++
    if (fold) set.foldCase()
    return (negated ? set.complement() : set).format()
  }

  #classItem(set: ByteSet): void {
    const low = this.#classAtom()
    if (low instanceof ByteSet) {
      set.add(low)
      return
    }
    const isRange = this.pattern[this.at] === '-' && ![']', undefined].includes(this.pattern[this.at + 1])
    if (!isRange) {
      set.addRange(low, low)
      return
    }
    this.at++
    const high = this.#classAtom()
    if (high instanceof ByteSet) set.addRange(low, low).addRange(0x2d, 0x2d).add(high)
    else if (high < low) throw new Refusal('has a range out of order')
    else set.addRange(low, high)
  }

  #classAtom(): number | ByteSet {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.pattern.slice(this.at))
    if (posix !== null) {
      const set = posixClasses.get(posix[2] ?? '')
      if (set === undefined) throw new Refusal(`has the unknown class '${posix[0]}'`)
      this.at += posix[0].length
      return posix[1] === '^' ? set.complement() : set
    }
    const code = this.pattern.charCodeAt(this.at++)
    if (code > 255) throw new Refusal('has a character beyond latin1')
    if (code !== 0x5c) return code
    const char = this.pattern[this.at] ?? ''
    const shorthand = shorthandClasses.get(char)
    if (shorthand === undefined && char !== 'b') return this.byteEscape()
    this.at++
    return shorthand ?? 8
  }
}
