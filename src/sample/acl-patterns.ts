/**
 * What stands behind the expression of an ACL: flags (`-i -f -m -M -n -u --`), the operators of integers, and
 * patterns (configuration.txt 7.1).
 */
import type { Place } from '../config/text/diagnostics.ts'
import type { Word } from '../config/text/word.ts'
import type { AclKeyword } from './acl-keywords.ts'
import { complain } from './build-context.ts'
import { canCast, castTo } from './cast.ts'
import type { CompileContext } from './context.ts'
import type { Expression } from './expression.ts'
import { didYouMean } from './hint.ts'
import { add, parseInteger, subtract } from './int64.ts'
import { IntegerPatterns } from './patterns/integer-patterns.ts'
import type { MatchName } from './patterns/match-method.ts'
import { isMatchName, matchMethods } from './patterns/match-method.ts'
import { MethodPatterns } from './patterns/method-patterns.ts'
import { PatternFile, unreadableHint } from './patterns/pattern-file.ts'
import type { PatternCache } from './patterns/pattern-cache.ts'
import { addWord, type PatternSet } from './patterns/pattern-set.ts'
import type { Stream } from './stream.ts'
import type { SampleType, SampleValue } from './value.ts'
import { truthOf } from './value.ts'

/** `found` and `bool` take no patterns; `method` is what the ACL keyword of that name does. */
type Match = MatchName | 'found' | 'bool' | 'method'

/** The method that a type implies; undefined for types that need `-m`. */
const defaultMatch: Readonly<Record<SampleType, Match | undefined>> = {
  bool: 'bool',
  sint: 'int',
  addr: 'ip',
  ipv4: 'ip',
  ipv6: 'ip',
  str: 'str',
  bin: undefined,
  meth: undefined,
  any: undefined,
}

type Test = (stream: Stream) => boolean

/** Compiles flags and patterns into a test of the expression; undefined after complaints. */
export function parseAclPatterns(
  subject: Word,
  expression: Expression,
  implied: AclKeyword['match'] | undefined,
  words: readonly Word[],
  context: CompileContext,
): Test | undefined {
  return new PatternReader(subject, expression, implied ?? defaultMatch[expression.type], context).read(words)
}

const operators = ['eq', 'ge', 'gt', 'le', 'lt'] as const

class PatternReader {
  readonly #subject: Word
  readonly #expression: Expression
  readonly #context: CompileContext
  /** One set for each state of `-i`: a flag holds for what follows it. */
  readonly #sets: PatternSet[] = []
  #match: Match | undefined
  #ignoreCase = false
  #asMap = false
  #failed = false
  #loaded = false
  #operator: (typeof operators)[number] = 'eq'
  #current: PatternSet | undefined

  constructor(subject: Word, expression: Expression, match: Match | undefined, context: CompileContext) {
    this.#subject = subject
    this.#expression = expression
    this.#match = match
    this.#context = context
  }

  read(words: readonly Word[]): Test | undefined {
    const patterns = this.#readFlags(words)
    if (this.#match === undefined && !this.#failed)
      return this.#complain(
        this.#subject.place,
        `'${this.#expression.text}' is of type ${this.#expression.type}, which needs a matching method`,
        'add -m and one of found, str, beg, end, sub, dir, dom, reg, len, bin, int, ip',
      )
    this.#warnWithoutPatterns(words)
    for (const word of patterns) {
      // HAProxy ends its list of words with an empty one.
      if (word.text === '') {
        this.#warn(
          word.place,
          'an empty pattern ends the list: it is not matched against, nor what follows it',
        )
        break
      }
      this.#addWord(word)
    }
    return this.#failed || this.#match === undefined ? undefined : this.#compile(this.#match)
  }

  /** Reads flags, and returns what follows them. */
  #readFlags(words: readonly Word[]): readonly Word[] {
    for (let at = 0; at < words.length; at++) {
      const word = words[at]
      if (word === undefined || !word.text.startsWith('-')) return words.slice(at)
      if (word.text === '--') return words.slice(at + 1)
      const value = words[at + 1]
      const takesValue = ['-f', '-m', '-u'].includes(word.text)
      if (takesValue && value === undefined) {
        this.#complain(word.place, `flag ${word.text} misses its value`)
        return []
      }
      this.#readFlag(word, value ?? word)
      if (takesValue) at++
    }
    return []
  }

  #readFlag(flag: Word, value: Word): void {
    switch (flag.text) {
      case '-i':
        this.#ignoreCase = true
        this.#current = undefined
        break
      case '-M':
        this.#asMap = true
        break
      case '-m':
        this.#setMatch(value)
        break
      case '-f':
        this.#loadFile(value)
        break
      case '-u':
        if (!/^\d+$/.test(value.text)) this.#complain(value.place, `-u takes an integer, not '${value.text}'`)
        break
      case '-n':
        // Names are never resolved here.
        break
      default:
        this.#complain(
          flag.place,
          `'${flag.text}' is no ACL flag`,
          "put '--' before patterns that begin with '-'",
        )
    }
  }

  #setMatch(word: Word): void {
    const name = word.text
    if (this.#loaded) {
      this.#complain(word.place, '-m must stand before files and patterns')
      return
    }
    if (name !== 'found' && name !== 'bool' && !isMatchName(name)) {
      const known = [...Object.keys(matchMethods), 'found', 'bool']
      this.#complain(word.place, `unknown matching method '${name}'`, didYouMean(name, known))
      return
    }
    const expects = name === 'found' ? 'any' : name === 'bool' ? 'sint' : matchMethods[name].expects
    if (canCast(this.#expression.type, expects)) this.#match = name
    else {
      this.#failed = true
      const message = `matching method '${name}' cannot be used with '${this.#expression.text}' of type ${this.#expression.type}`
      complain(this.#context, 'CFG_SAMPLE_TYPE', word.place, message)
    }
  }

  #loadFile(word: Word): void {
    this.#loaded = true
    const bytes = this.#context.readPatternFile(word.text)
    if (bytes === undefined) {
      this.#failed = true
      const message = `pattern file '${word.text}' cannot be read`
      complain(this.#context, 'CFG_SAMPLE_FILE', word.place, message, unreadableHint)
      return
    }
    if (this.#match === undefined) {
      this.#complain(word.place, `'${this.#expression.text}' needs -m before -f`)
      return
    }
    const set = this.#set()
    const file = new PatternFile(bytes, this.#asMap)
    while (file.next()) {
      const complaint = set?.add(bytes, file.start, file.end)
      if (complaint === undefined) continue
      this.#failed = true
      complain(this.#context, 'CFG_SAMPLE_FILE', { file: word.text, line: file.line, column: 1 }, complaint)
    }
  }

  #addWord(word: Word): void {
    if (this.#match !== 'int' && this.#match !== 'len') {
      this.#addPattern(word)
      return
    }
    const operator = operators.find((each) => each === word.text)
    if (operator !== undefined) this.#operator = operator
    else if (this.#operator === 'eq' || /[:-]/.test(word.text)) this.#addPattern(word)
    else this.#addComparison(word)
  }

  #addComparison(word: Word): void {
    const value = parseInteger(word.text)
    const set = this.#set()
    if (value === undefined) {
      this.#complain(
        word.place,
        `'${word.text}' is neither a number nor an operator`,
        `operators are ${operators.join(', ')}`,
      )
      return
    }
    if (!(set instanceof IntegerPatterns)) return
    if (this.#operator === 'ge') set.addRange(value, undefined)
    else if (this.#operator === 'gt') set.addRange(add(value, 1), undefined)
    else if (this.#operator === 'le') set.addRange(undefined, value)
    else set.addRange(undefined, subtract(value, 1))
  }

  #addPattern({ text, place }: Word): void {
    const set = this.#set()
    const complaint = set === undefined ? undefined : addWord(set, text)
    if (complaint === undefined) return
    this.#failed = true
    complain(this.#context, 'CFG_SAMPLE_PATTERN', place, complaint)
  }

  #set(): PatternSet | undefined {
    if (this.#current === undefined) {
      this.#current = createSet(this.#match, this.#ignoreCase, this.#context.patternCache)
      if (this.#current !== undefined) this.#sets.push(this.#current)
    }
    return this.#current
  }

  #warnWithoutPatterns(words: readonly Word[]): void {
    if (words.length > 0 || this.#match === undefined || this.#match === 'found' || this.#match === 'bool')
      return
    this.#warn(
      this.#subject.place,
      `no pattern stands behind '${this.#expression.text}', so it never matches`,
      "to test whether it exists add '-m found'; to test an integer for not being 0 add '-m bool'",
    )
  }

  #warn(place: Place, message: string, hint?: string): void {
    this.#context.diagnostics.warning('CFG_SAMPLE_PATTERN', place, message, hint)
  }

  #complain(place: Place, message: string, hint?: string): undefined {
    this.#failed = true
    return complain(this.#context, 'CFG_SAMPLE_ACL', place, message, hint)
  }

  #compile(match: Match): Test {
    const { some } = this.#expression
    if (match === 'found') return (stream) => some(stream, accept)
    if (match === 'bool') {
      const cast = castTo('sint')
      return (stream) => some(stream, (value) => truthOf(cast(value) ?? value))
    }
    for (const set of this.#sets) set.prepare?.()
    const accepts = acceptance(this.#sets, match)
    return (stream) => some(stream, accepts)
  }
}

const accept = (): boolean => true

function acceptance(
  sets: readonly PatternSet[],
  match: MatchName | 'method',
): (value: SampleValue) => boolean {
  const [only] = sets
  if (match === 'method') return (value) => sets.some((set) => set.find(value) >= 0)
  const cast = castTo(matchMethods[match].expects)
  if (only !== undefined && sets.length === 1)
    return (value) => {
      const tested = cast(value)
      return tested !== undefined && only.find(tested) >= 0
    }
  return (value) => {
    const tested = cast(value)
    return tested !== undefined && sets.some((set) => set.find(tested) >= 0)
  }
}

function createSet(
  match: Match | undefined,
  ignoreCase: boolean,
  cache: PatternCache | undefined,
): PatternSet | undefined {
  if (match === undefined || match === 'found' || match === 'bool') return undefined
  if (match === 'method') return new MethodPatterns(ignoreCase)
  return matchMethods[match].create(ignoreCase, cache)
}
