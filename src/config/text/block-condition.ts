/** The conditions of `.if` and `.elif` (configuration.txt 2.4): numbers, predicates, `!`, `&&`, `||`, parentheses. */
import type { EnvironmentMap } from './lexer.ts'

/** The HAProxy version whose configuration language this is: what `version_atleast` compares with. */
const languageVersion = '2.6.0'

/** The value of a condition, or why it has none. An empty condition is false. */
export function evaluateCondition(
  text: string,
  environment: EnvironmentMap,
): boolean | { readonly problem: string } {
  if (text.trim() === '') return false
  const parser = new ConditionParser(text, environment)
  try {
    return parser.run()
  } catch (error) {
    if (error instanceof ConditionProblem) return { problem: error.message }
    throw error
  }
}

class ConditionProblem extends Error {}

/** Deeper parentheses are refused. */
const maxDepth = 100

class ConditionParser {
  readonly #text: string
  readonly #environment: EnvironmentMap
  #at = 0
  #depth = 0

  constructor(text: string, environment: EnvironmentMap) {
    this.#text = text
    this.#environment = environment
  }

  run(): boolean {
    const value = this.#or()
    if (this.#at < this.#text.length) throw new ConditionProblem(`unexpected '${this.#text.slice(this.#at)}'`)
    return value
  }

  // Both sides are always evaluated: an error behind a decided '&&' is still an error.
  #or(): boolean {
    let value = this.#and()
    while (this.#take('||')) {
      const next = this.#and()
      value ||= next
    }
    return value
  }

  #and(): boolean {
    let value = this.#term()
    while (this.#take('&&')) {
      const next = this.#term()
      value &&= next
    }
    return value
  }

  #take(symbol: string): boolean {
    this.#skipSpaces()
    if (!this.#text.startsWith(symbol, this.#at)) return false
    this.#at += symbol.length
    return true
  }

  #skipSpaces(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at += 1
  }

  #term(): boolean {
    let negated = false
    while (this.#take('!')) negated = !negated
    return this.#plain() !== negated
  }

  #plain(): boolean {
    if (this.#take('(')) {
      this.#depth += 1
      if (this.#depth > maxDepth) throw new ConditionProblem(`more than ${maxDepth} nested parentheses`)
      const value = this.#or()
      if (!this.#take(')')) throw new ConditionProblem("a ')' is missing")
      this.#depth -= 1
      return value
    }
    const rest = this.#text.slice(this.#at)
    const number = /^[+-]?\d+(?![\w(])/.exec(rest)
    if (number !== null) {
      this.#at += number[0].length
      return Number(number[0]) !== 0
    }
    const call = /^([a-z_]+)\(([^)]*)\)/.exec(rest)
    if (call === null) throw new ConditionProblem(`'${rest}' is neither a number nor a predicate`)
    this.#at += call[0].length
    return this.#predicate(
      call[1] ?? '',
      (call[2] ?? '').split(',').map((word) => word.trim()),
    )
  }

  #predicate(name: string, words: readonly string[]): boolean {
    const [first = '', second] = words
    const wanted = name === 'streq' || name === 'strneq' ? 2 : 1
    if (words.length !== wanted)
      throw new ConditionProblem(`${name} takes ${wanted} argument${wanted > 1 ? 's' : ''}`)
    switch (name) {
      case 'defined':
        return this.#environment.has(first)
      case 'streq':
        return first === second
      case 'strneq':
        return first !== second
      case 'version_atleast':
        return compareVersions(languageVersion, first) >= 0
      case 'version_before':
        return compareVersions(languageVersion, first) < 0
      // None of HAProxy's build options: no OpenSSL, Lua, threads and so on.
      case 'feature':
      case 'openssl_version_atleast':
      case 'openssl_version_before':
      case 'ssllib_name_startswith':
        return false
      default:
        throw new ConditionProblem(`unknown predicate '${name}'`)
    }
  }
}

function compareVersions(left: string, right: string): number {
  const [mine, theirs] = [versionNumbers(left), versionNumbers(right)]
  for (const [index, number] of mine.entries()) {
    const difference = number - (theirs[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** `2.6-dev3` is before `2.6`, which is `2.6.0`. */
function versionNumbers(text: string): readonly number[] {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?(?:-dev(\d+))?/.exec(text)
  if (match === null) throw new ConditionProblem(`'${text}' is not a version`)
  const [, major, minor, patch, development] = match
  return [
    Number(major),
    Number(minor),
    Number(patch ?? 0),
    development === undefined ? 1e6 : Number(development),
  ]
}
