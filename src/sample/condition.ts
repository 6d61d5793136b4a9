/**
 * Conditions: `if` or `unless`, then ACLs that must all match, alternatives behind `or` or `||`, `!` for the opposite,
 * and anonymous ACLs in braces (configuration.txt 7.2, `parse_acl_cond` in src/acl.c).
 */
import type { Word } from '../config/text/word.ts'
import { compileTest } from './acl-compiler.ts'
import { predefinedAcls } from './acl-keywords.ts'
import type { Acl } from './acl.ts'
import { evaluateAcl } from './acl.ts'
import { complain } from './build-context.ts'
import type { CompileContext } from './context.ts'
import { available, describeNeeds } from './checkpoint.ts'
import type { Stream } from './stream.ts'
import { Verdict, negateVerdict } from './verdict.ts'

/** A compiled condition. */
export interface Condition {
  /** Whether the rule applies. What more data could decide counts as not matching. */
  readonly test: (stream: Stream) => boolean
  /** As test, but `Miss` when more data could decide; never so when `stream.final` is true. */
  readonly evaluate: (stream: Stream) => Verdict
}

interface Term {
  readonly acl: Acl
  readonly negated: boolean
}

/** Compiles words that begin with `if` or `unless`; undefined after complaints. */
export function compileCondition(words: readonly Word[], context: CompileContext): Condition | undefined {
  const [keyword, ...rest] = words
  if (keyword === undefined) return undefined
  if (keyword.text !== 'if' && keyword.text !== 'unless')
    return complain(
      context,
      'CFG_SAMPLE_CONDITION',
      keyword.place,
      `a condition begins with 'if' or 'unless', not with '${keyword.text}'`,
    )
  return compileTerms(keyword, rest, keyword.text === 'unless', context)
}

/**
 * Compiles words behind `if` or `unless`.
 * @param keyword stands for the place of the whole condition
 */
export function compileTerms(
  keyword: Word,
  words: readonly Word[],
  unless: boolean,
  context: CompileContext,
): Condition | undefined {
  const suites = parseSuites(keyword, words, context)
  if (suites === undefined) return undefined
  return conditionOf(suites, unless)
}

function parseSuites(
  keyword: Word,
  words: readonly Word[],
  context: CompileContext,
): readonly (readonly Term[])[] | undefined {
  const suites: Term[][] = [[]]
  let negated = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (word === undefined) break
    const marks = /^!*/.exec(word.text)?.[0].length ?? 0
    const text = word.text.slice(marks)
    if (marks % 2 === 1) negated = !negated
    if (text === '') continue
    if (text.toLowerCase() === 'or' || text === '||') {
      suites.push([])
      negated = false
      continue
    }
    const end = text === '{' ? closingBrace(words, at, word, context) : at
    if (end === undefined) return undefined
    const acl =
      text === '{'
        ? compileAnonymous(word, words.slice(at + 1, end), context)
        : findAcl({ ...word, text }, context)
    if (acl === undefined) return undefined
    warnUnusable(acl, word, context)
    suites.at(-1)?.push({ acl, negated })
    negated = false
    at = end
  }
  const filled = suites.filter((suite) => suite.length > 0)
  if (filled.length > 0) return filled
  return complain(context, 'CFG_SAMPLE_CONDITION', keyword.place, `'${keyword.text}' has no ACL behind it`)
}

function closingBrace(
  words: readonly Word[],
  from: number,
  brace: Word,
  context: CompileContext,
): number | undefined {
  const end = words.findIndex((word, index) => index > from && word.text === '}')
  return end >= 0
    ? end
    : complain(
        context,
        'CFG_SAMPLE_CONDITION',
        brace.place,
        "the closing '}' is missing",
        'braces must be words of their own, with spaces around them',
      )
}

function compileAnonymous(brace: Word, words: readonly Word[], context: CompileContext): Acl | undefined {
  if (words.length === 0)
    return complain(context, 'CFG_SAMPLE_CONDITION', brace.place, 'there is nothing between the braces')
  const test = compileTest(words, context)
  return test === undefined ? undefined : { name: '', tests: [test] }
}

/** A declared ACL, else a predefined one, which declaring one of the same name overrides. */
function findAcl(word: Word, context: CompileContext): Acl | undefined {
  const declared = context.aclsByName.get(word.text)
  if (declared !== undefined) return declared
  const predefined = predefinedAcls.get(word.text)
  if (predefined === undefined) {
    const names = [...context.aclsByName.keys(), ...predefinedAcls.keys()]
    const hint = context.diagnostics.nearest(word.text, names) ?? 'an ACL must be declared before it is used'
    return complain(context, 'CFG_SAMPLE_ACL', word.place, `no such ACL: '${word.text}'`, hint)
  }
  const words = predefined.map((text) => ({ text, place: word.place, quoted: false }))
  const test = compileTest(words, context)
  return test === undefined ? undefined : { name: word.text, tests: [test] }
}

/** An ACL none of whose lines can match here is a mistake, though HAProxy only warns. */
function warnUnusable(acl: Acl, word: Word, context: CompileContext): void {
  const usable = acl.tests.some(({ expression }) =>
    available(expression.needs, context.checkpoint, context.isBackend),
  )
  const [first] = acl.tests
  if (usable || first === undefined) return
  const subject = acl.name === '' ? 'an anonymous ACL' : `ACL '${acl.name}'`
  const needs = describeNeeds(first.expression.needs)
  context.diagnostics.warning(
    'CFG_SAMPLE_CONTEXT',
    word.place,
    `${subject} never matches here: '${first.expression.fetch}' needs ${needs}, not available in ${context.checkpoint}`,
  )
}

function conditionOf(suites: readonly (readonly Term[])[], unless: boolean): Condition {
  const [suite] = suites
  const [term] = suite ?? []
  // One ACL, the usual condition, needs no loops.
  const decide =
    term !== undefined && suites.length === 1 && suite?.length === 1
      ? (stream: Stream) => evaluateTerm(term, stream)
      : (stream: Stream) => evaluateSuites(suites, stream)
  const evaluate = unless ? (stream: Stream) => negateVerdict(decide(stream)) : decide
  return { evaluate, test: (stream) => evaluate(stream) === Verdict.Pass }
}

function evaluateTerm(term: Term, stream: Stream): Verdict {
  const verdict = evaluateAcl(term.acl, stream)
  return term.negated ? negateVerdict(verdict) : verdict
}

function evaluateSuites(suites: readonly (readonly Term[])[], stream: Stream): Verdict {
  let best: Verdict = Verdict.Fail
  for (const suite of suites) {
    let worst: Verdict = Verdict.Pass
    for (const term of suite) {
      worst = evaluateTerm(term, stream)
      if (worst !== Verdict.Pass) break
    }
    if (worst === Verdict.Pass) return worst
    if (worst > best) best = worst
  }
  return best
}
