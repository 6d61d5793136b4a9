/**
 * The words of one line behind its keyword, read one after the other. Each reader reports what is wrong with its word
 * and returns undefined; the caller then gives up the line, never the file.
 */
import type { ConfigFault } from '../errors.ts'
import type { Condition } from './condition.ts'
import type { Diagnostics, Place } from './diagnostics.ts'
import { didYouMean } from '../../base/suggest.ts'
import { parseTime } from './time.ts'
import type { VariableName, VariableScope } from './variable-name.ts'
import type { Word } from './word.ts'

/** What `no` or `default` before a keyword asks for. */
export type Modifier = 'no' | 'default' | undefined

const scopes = new Map<string, VariableScope>(
  (['proc', 'sess', 'txn', 'req', 'res'] as const).map((scope) => [scope, scope]),
)

/** A reader of one line, behind its keyword. */
export class Args {
  readonly place: Place
  readonly modifier: Modifier
  readonly diagnostics: Diagnostics
  readonly #words: readonly Word[]
  readonly #consumed: number
  #at: number

  constructor(words: readonly Word[], consumed: number, modifier: Modifier, diagnostics: Diagnostics) {
    this.place = words[0]?.place ?? { file: '', line: 0, column: 0 }
    this.modifier = modifier
    this.diagnostics = diagnostics
    this.#words = words
    this.#consumed = consumed
    this.#at = consumed
  }

  /** The keyword as it stands in the line, such as `timeout client` or `http-request set-var(txn.a)`. */
  get keyword(): string {
    return this.#words
      .slice(0, this.#consumed)
      .map((word) => word.text)
      .join(' ')
  }

  /** A reader of the parameters that follow word `consumed` of the same line, under their own name. */
  parameter(consumed: number): Args {
    return new Args(this.#words.slice(this.#at), consumed, undefined, this.diagnostics)
  }

  /** The last word of the keyword. */
  get keywordWord(): Word {
    return this.#words[this.#at - 1] ?? { text: '', place: this.place, quoted: false }
  }

  /** How many words remain. */
  get remaining(): number {
    return this.#words.length - this.#at
  }

  peek(ahead = 0): Word | undefined {
    return this.#words[this.#at + ahead]
  }

  next(): Word | undefined {
    const word = this.#words[this.#at]
    if (word !== undefined) this.#at += 1
    return word
  }

  /** Leaves out `count` words. */
  skip(count: number): void {
    this.#at = Math.min(this.#words.length, this.#at + count)
  }

  rest(): readonly Word[] {
    const words = this.#words.slice(this.#at)
    this.#at = this.#words.length
    return words
  }

  /** Takes the next word when it is `text`. */
  accept(text: string): boolean {
    if (this.peek()?.text !== text) return false
    this.#at += 1
    return true
  }

  error(code: ConfigFault, place: Place, message: string, hint?: string): undefined {
    this.diagnostics.error(code, place, `'${this.keyword}': ${message}`, hint)
    return undefined
  }

  warning(code: ConfigFault, place: Place, message: string, hint?: string): undefined {
    this.diagnostics.warning(code, place, `'${this.keyword}': ${message}`, hint)
    return undefined
  }

  /** The next word, which must be there. `what` is its name in the manual, such as `<name>`. */
  expect(what: string): Word | undefined {
    const word = this.next()
    if (word !== undefined) return word
    return this.error('CFG_ARGUMENT_MISSING', this.#endPlace(), `expects ${what}`)
  }

  /** True when no word remains; else the first of them is reported. */
  end(hint?: string): boolean {
    const extra = this.peek()
    if (extra === undefined) return true
    this.error('CFG_ARGUMENT_EXTRA', extra.place, `unexpected '${extra.text}'`, hint)
    return false
  }

  /** A whole number from `min` to `max`. */
  integer(what: string, min: number, max = 0x7fff_ffff): number | undefined {
    const word = this.expect(what)
    if (word === undefined) return undefined
    const value = /^-?\d{1,15}$/.test(word.text) ? Number(word.text) : Number.NaN
    if (value >= min && value <= max) return value
    return this.error(
      'CFG_ARGUMENT',
      word.place,
      `${what} must be a whole number from ${min} to ${max}, not '${word.text}'`,
    )
  }

  /** A number of bytes; `k`, `m` and `g` behind it are powers of 1024. */
  size(what: string): number | undefined {
    const word = this.expect(what)
    if (word === undefined) return undefined
    const [, digits, unit = ''] = /^(\d{1,10})([kmg]?)$/i.exec(word.text) ?? []
    const bytes = Number(digits) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase())
    if (bytes <= 0xffff_ffff) return bytes
    const message = `${what} must be a number of bytes below 4g, with or without k, m or g, not '${word.text}'`
    return this.error('CFG_ARGUMENT', word.place, message)
  }

  /** A time in milliseconds. */
  time(what: string, min = 0): number | undefined {
    const word = this.expect(what)
    if (word === undefined) return undefined
    const parsed = parseTime(word.text)
    if ('problem' in parsed) {
      return this.error('CFG_TIME', word.place, parsed.problem, 'write a number and us, ms, s, m, h or d')
    }
    if (parsed.junk !== '') {
      const message = `'${parsed.junk}' after the time in '${word.text}' is ignored`
      this.warning('CFG_TIME', word.place, message, 'HAProxy after 2.6 refuses it')
    }
    if (parsed.ms < min) {
      return this.error('CFG_TIME', word.place, `${what} must be at least ${min} ms, not '${word.text}'`)
    }
    return parsed.ms
  }

  /** One of a few words. */
  oneOf<const Choice extends string>(what: string, choices: readonly Choice[]): Choice | undefined {
    const word = this.expect(what)
    if (word === undefined) return undefined
    const choice = choices.find((each) => each === word.text)
    if (choice !== undefined) return choice
    const message = `${what} must be one of ${choices.join(', ')}, not '${word.text}'`
    return this.error('CFG_ARGUMENT', word.place, message, didYouMean(word.text, choices))
  }

  /**
   * `if <condition>`, `unless <condition>` or nothing, up to the end of the line.
   * @returns undefined when something else stands there, which was reported.
   */
  condition(): { readonly condition: Condition | undefined } | undefined {
    const word = this.next()
    if (word === undefined) return { condition: undefined }
    if (word.text !== 'if' && word.text !== 'unless') {
      const message = `expects 'if' or 'unless' and a condition, not '${word.text}'`
      return this.error(
        'CFG_ARGUMENT_EXTRA',
        word.place,
        message,
        'quote or escape spaces that belong to a word',
      )
    }
    const words = this.rest()
    if (words.length === 0) {
      const result = word.text === 'if' ? 'it never holds' : 'it always holds'
      this.warning('CFG_ARGUMENT_MISSING', word.place, `'${word.text}' has no condition: ${result}`)
    }
    return { condition: { kind: word.text, place: word.place, words } }
  }

  /** The variable in `text`, which stands at `place`. */
  variable(text: string, place: Place): VariableName | undefined {
    const dot = text.indexOf('.')
    const scope = scopes.get(text.slice(0, Math.max(dot, 0)))
    const name = text.slice(dot + 1)
    if (scope !== undefined && name !== '' && /^[A-Za-z0-9_.]+$/.test(name)) return { scope, name }
    return this.error(
      'CFG_VARIABLE',
      place,
      `'${text}' is not the name of a variable`,
      'write a scope (proc, sess, txn, req or res), a dot, and letters, digits, _ or dots',
    )
  }

  #endPlace(): Place {
    const last = this.#words.at(-1)
    if (last === undefined) return this.place
    return { ...last.place, column: last.place.column + last.text.length + 1 }
  }
}

/** The first character that HAProxy forbids in names of sections, servers and ACLs; undefined when there is none. */
export function forbiddenCharacter(name: string): string | undefined {
  return /[^A-Za-z0-9_:.-]/u.exec(name)?.[0]
}
