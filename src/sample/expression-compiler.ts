/**
 * Compiles sample expressions: `fetch(args),converter(args),…` (configuration.txt 7.3, `sample_parse_expr` in src/sample.c).
 * Names, arguments and types are checked once; what is left is a chain of closures.
 */
import { luaHint, remedyFor } from '../config/index.ts'
import type { Place } from '../config/text/diagnostics.ts'
import type { Word } from '../config/text/word.ts'
import type { Arguments } from './arguments.ts'
import { parseArguments } from './arguments.ts'
import { complain } from './build-context.ts'
import type { BuildContext } from './build-context.ts'
import { canCast } from './cast.ts'
import type { CompileContext } from './context.ts'
import type { ConverterSpec } from './converters/spec.ts'
import { unsupportedConverters } from './converters/unsupported.ts'
import { defaultRegistry } from './default-registry.ts'
import type { SampleFault } from './errors.ts'
import { chainOf, someOf, stepOf } from './evaluation.ts'
import type { Step } from './evaluation.ts'
import type { Expression } from './expression.ts'
import { mayChangeOf } from './fetches/spec.ts'
import type { Fetch, FetchSpec } from './fetches/spec.ts'
import { unsupportedFetches } from './fetches/unsupported.ts'
import { didYouMean } from './hint.ts'
import { available, describeNeeds } from './checkpoint.ts'
import type { SampleSource } from './checkpoint.ts'
import { placeAt, sourceOf } from './source.ts'
import type { Source } from './source.ts'
import type { SampleType } from './value.ts'

/**
 * Compiles one word, all of which must be an expression that can be used in the context's checkpoint. Undefined after
 * complaints.
 */
export function compileExpression(word: Word, context: CompileContext): Expression | undefined {
  return compileSource(sourceOf(word), context, true)
}

/**
 * As {@link compileExpression} for several words from `first` on: words behind the first that are converters belong
 * to the expression, too, as in `src ipmask(24)`.
 * @returns the expression and the index of the first word that does not belong to it
 */
export function compileExpressionWords(
  words: readonly Word[],
  first: number,
  context: CompileContext,
): { expression: Expression; next: number } | undefined {
  const start = words[first]
  if (start === undefined) return undefined
  const { converters } = context.registry ?? defaultRegistry
  let next = first + 1
  let text = start.text
  for (let word = words[next]; word !== undefined; word = words[++next]) {
    const name = /^[\w.:+-]+/.exec(word.text)?.[0] ?? ''
    if (!converters.has(name)) break
    text += `,${word.text}`
  }
  const expression = compileSource({ text, place: start.place }, context, true)
  return expression === undefined ? undefined : { expression, next }
}

/** As {@link compileExpression}; `checked` false leaves the checkpoint alone, for ACLs, whose use decides. */
export function compileSource(
  source: Source,
  context: CompileContext,
  checked: boolean,
): Expression | undefined {
  const parsed = parseExpression(source, 0, context)
  if (parsed === undefined) return undefined
  const { expression, end } = parsed
  if (end < source.text.length) {
    const rest = source.text.slice(end)
    const message = `'${rest}' does not belong to a sample expression`
    return complain(context, 'CFG_SAMPLE_SYNTAX', placeAt(source, end), message, commaHint(rest))
  }
  return checked && !checkNeeds(expression, source, 0, context) ? undefined : expression
}

function commaHint(rest: string): string {
  return rest.startsWith(' ') ? 'write it without spaces' : 'fetch and converters are separated by commas'
}

/** Complains and returns false when nothing that the expression needs is available in the checkpoint. */
export function checkNeeds(
  expression: Expression,
  source: Source,
  at: number,
  context: CompileContext,
): boolean {
  if (available(expression.needs, context.checkpoint, context.isBackend)) return true
  complain(
    context,
    'CFG_SAMPLE_CONTEXT',
    placeAt(source, at),
    `fetch '${expression.fetch}' needs ${describeNeeds(expression.needs)}, not available in ${context.checkpoint}`,
  )
  return false
}

const nameAt = /[\w.:+-]+/y

function readName(text: string, at: number): string {
  nameAt.lastIndex = at
  return nameAt.exec(text)?.[0] ?? ''
}

/**
 * Parses an expression that begins at an offset and ends where no comma follows.
 * @returns the expression and the offset behind it; undefined after complaints
 */
export function parseExpression(
  source: Source,
  at: number,
  context: CompileContext,
): { expression: Expression; end: number } | undefined {
  const name = readName(source.text, at)
  const spec = findFetch(source, at, name, context)
  if (spec === undefined) return undefined
  const bound = bind(source, at, name, spec, context)
  if (bound === undefined) return undefined
  return finishExpression(source, at, { name, spec, fetch: bound.item }, bound.end, context)
}

/** A fetch whose arguments are bound. */
export interface BoundFetch {
  readonly name: string
  readonly spec: FetchSpec
  readonly fetch: Fetch
}

/** What the fetches of these look at is there, and does not change while a step of a stream runs. */
const steadySources: ReadonlySet<SampleSource> = new Set<SampleSource>([
  'client',
  'client-connection',
  'frontend',
  'request-headers',
  'request',
  'response-headers',
  'response',
])

function isSteady({ needs }: FetchSpec): boolean {
  return needs.every((need) => steadySources.has(need))
}

/** Parses the converters behind a fetch. */
export function finishExpression(
  source: Source,
  at: number,
  { name, spec, fetch }: BoundFetch,
  from: number,
  context: CompileContext,
): { expression: Expression; end: number } | undefined {
  const chain = parseConverters(source, from, spec.type, context)
  if (chain === undefined) return undefined
  const { type, steps, settles, end } = chain
  const evaluate = chainOf(fetch.one, steps)
  const mayChange = mayChangeOf(fetch, spec.needs)
  const expression: Expression = {
    text: source.text.slice(at, end),
    fetch: name,
    type,
    needs: spec.needs,
    stable: steps.length === 0 && (fetch.constant === true || isSteady(spec)),
    mayChange: settles ? (stream) => mayChange(stream) && evaluate(stream) === undefined : mayChange,
    evaluate,
    some: someOf(fetch, steps),
  }
  return { expression, end }
}

function parseConverters(
  source: Source,
  from: number,
  start: SampleType,
  context: CompileContext,
): { type: SampleType; steps: Step[]; settles: boolean; end: number } | undefined {
  const { text } = source
  const steps: Step[] = []
  let settles = false
  let type = start
  let at = from
  while (text[at] === ',') {
    while (text[at] === ',') at++
    const name = readName(text, at)
    // A comma may end the expression.
    if (name === '') break
    const spec = findConverter(source, at, name, context)
    if (spec === undefined) return undefined
    if (!canCast(type, spec.input)) {
      const message = `converter '${name}' takes ${spec.input}, and cannot be applied to ${type}`
      return complain(context, 'CFG_SAMPLE_TYPE', placeAt(source, at), message)
    }
    const bound = bind(source, at, name, spec, context)
    if (bound === undefined) return undefined
    steps.push(stepOf(type, spec, bound.item))
    settles ||= spec.settles === true
    type = spec.output
    at = bound.end
  }
  return { type, steps, settles, end: at }
}

/** Parses the arguments of a fetch or converter at an offset, and binds them. */
export function bind<Item>(
  source: Source,
  at: number,
  name: string,
  spec: {
    readonly args: FetchSpec['args']
    build(args: Arguments, context: BuildContext): Item | undefined
  },
  context: BuildContext,
): { item: Item; end: number } | undefined {
  const parsed = parseArguments(source, at + name.length, name, spec.args, placeAt(source, at), context)
  if (parsed === undefined) return undefined
  const item = spec.build(parsed.args, context)
  return item === undefined ? undefined : { item, end: parsed.end }
}

function findFetch(source: Source, at: number, name: string, context: CompileContext): FetchSpec | undefined {
  if (name === '')
    return complain(context, 'CFG_SAMPLE_SYNTAX', placeAt(source, at), 'a sample fetch is missing')
  const place = placeAt(source, at)
  const { fetches } = context.registry ?? defaultRegistry
  return find(fetches, unsupportedFetches, 'CFG_SAMPLE_FETCH', 'fetch', name, place, context)
}

function findConverter(
  source: Source,
  at: number,
  name: string,
  context: CompileContext,
): ConverterSpec | undefined {
  const place = placeAt(source, at)
  const { converters } = context.registry ?? defaultRegistry
  return find(converters, unsupportedConverters, 'CFG_SAMPLE_CONVERTER', 'converter', name, place, context)
}

function find<Spec>(
  known: ReadonlyMap<string, Spec>,
  unsupported: { has(name: string): boolean },
  code: SampleFault,
  what: string,
  name: string,
  place: Place,
  context: CompileContext,
): Spec | undefined {
  const found = known.get(name)
  if (found !== undefined) return found
  if (name.startsWith('lua.')) {
    return complain(context, code, place, `'${name}' is a ${what} of a Lua script`, luaHint)
  }
  if (!unsupported.has(name)) {
    return complain(context, code, place, `unknown ${what} '${name}'`, didYouMean(name, known.keys()))
  }
  if (context.ignoreUnsupported === true) return undefined
  const remedy = remedyFor(`${what} ${name}`)
  return complain(context, code, place, `${what} '${name}' is known to HAProxy, but not supported`, remedy)
}
