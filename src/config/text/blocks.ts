/** `.if`, `.elif`, `.else`, `.endif` and the messages `.notice`, `.warning`, `.alert`, `.diag` (configuration.txt 2.4). */
import { evaluateCondition } from './block-condition.ts'
import type { Diagnostics, Place } from './diagnostics.ts'
import type { EnvironmentMap } from './lexer.ts'
import { didYouMean } from '../../base/suggest.ts'
import type { Word } from './word.ts'

interface Block {
  readonly place: Place
  /** Whether the lines around this block are read. */
  readonly outer: boolean
  /** Whether the lines of the present branch are read. */
  taking: boolean
  /** Whether a branch was read already. */
  taken: boolean
  /** `.else` was seen. */
  last: boolean
}

const directives = ['.if', '.elif', '.else', '.endif', '.notice', '.warning', '.alert', '.diag']

/** Nested deeper than this is refused, as HAProxy does. */
const maxDepth = 1024

/** Which lines count, while a file is read from top to bottom. */
export class Blocks {
  readonly #environment: EnvironmentMap
  readonly #diagnostics: Diagnostics
  readonly #open: Block[] = []

  constructor(environment: EnvironmentMap, diagnostics: Diagnostics) {
    this.#environment = environment
    this.#diagnostics = diagnostics
  }

  /** Whether the present line is to be read. */
  get taking(): boolean {
    return this.#open.at(-1)?.taking ?? true
  }

  /** Handles a line that begins with a dot. */
  directive(words: readonly Word[]): void {
    const [first] = words
    if (first === undefined) return
    switch (first.text) {
      case '.if':
        return this.#if(first.place, words)
      case '.elif':
        return this.#elif(first.place, words)
      case '.else':
        return this.#else(first.place, words)
      case '.endif':
        return this.#endif(first.place, words)
      default:
        if (this.taking) this.#message(first, words)
    }
  }

  /** Reports blocks that were never closed. */
  end(): void {
    for (const block of this.#open) this.#error(block.place, "this '.if' has no '.endif'")
  }

  #error(place: Place, message: string, hint?: string): void {
    this.#diagnostics.error('CFG_DIRECTIVE', place, message, hint)
  }

  #if(place: Place, words: readonly Word[]): void {
    const outer = this.taking
    const taking = outer && this.#open.length < maxDepth && this.#evaluate(place, words)
    if (this.#open.length === maxDepth) this.#error(place, `more than ${maxDepth} nested '.if'`)
    this.#open.push({ place, outer, taking, taken: taking, last: false })
  }

  #elif(place: Place, words: readonly Word[]): void {
    const block = this.#open.at(-1)
    if (block === undefined || block.last) {
      return this.#error(place, block === undefined ? "'.elif' without '.if'" : "'.elif' behind '.else'")
    }
    block.taking = block.outer && !block.taken && this.#evaluate(place, words)
    block.taken ||= block.taking
  }

  #else(place: Place, words: readonly Word[]): void {
    const block = this.#open.at(-1)
    this.#alone(words)
    if (block === undefined || block.last) {
      return this.#error(place, block === undefined ? "'.else' without '.if'" : "a second '.else'")
    }
    block.taking = block.outer && !block.taken
    block.last = true
  }

  #endif(place: Place, words: readonly Word[]): void {
    this.#alone(words)
    if (this.#open.pop() === undefined) this.#error(place, "'.endif' without '.if'")
  }

  #alone(words: readonly Word[]): void {
    const extra = words[1]
    if (extra !== undefined) this.#error(extra.place, `unexpected '${extra.text}'`)
  }

  #evaluate(place: Place, words: readonly Word[]): boolean {
    const text = words
      .slice(1)
      .map((word) => word.text)
      .join(' ')
    const result = evaluateCondition(text, this.#environment)
    if (typeof result === 'boolean') return result
    this.#error(words[1]?.place ?? place, `the condition '${text}' cannot be read: ${result.problem}`)
    return false
  }

  #message(first: Word, words: readonly Word[]): void {
    if (!directives.includes(first.text)) {
      const hint = didYouMean(first.text, directives)
      return this.#error(first.place, `unknown directive '${first.text}'`, hint)
    }
    const extra = words[2]
    if (extra !== undefined)
      return this.#error(extra.place, `unexpected '${extra.text}'`, 'quote the message')
    const text = words[1]?.text ?? ''
    if (first.text === '.alert') this.#diagnostics.error('CFG_NOTICE', first.place, text)
    if (first.text === '.warning') this.#diagnostics.warning('CFG_NOTICE', first.place, text)
  }
}
