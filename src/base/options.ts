/**
 * Options are described once, in a table beside their interface, and resolved once, at construction: the result is
 * frozen and has no optional field, so nothing inside says `??`. Unknown keys and wrong values throw
 * {@link UsageError} `ERR_SLUICE_OPTION` naming the key, the rule and the value.
 */
import { longestTimer } from './clock.ts'
import { UsageError } from './errors.ts'
import { didYouMean } from './suggest.ts'

/** How one option is checked, and what it is when it is not given. */
export interface OptionSpec<Value> {
  readonly fallback: Value
  /** What is wrong with `given`, or undefined when it is right. */
  readonly check: (given: unknown) => string | undefined
  /** What is made of it when it is right. */
  readonly convert?: (given: unknown) => Value
}

/** One spec for each key of `Options`: the compiler keeps table and interface equal. */
export type Specs<Options> = {
  readonly [Key in keyof Required<Options>]: OptionSpec<Options[Key]>
}

/** What the specs `S` resolve to: every key present. */
export type Resolved<Options> = {
  readonly [Key in keyof Required<Options>]: Exclude<Required<Options>[Key], undefined>
}

/** A whole number between `min` (default 0) and `max`. */
export function integer(
  fallback: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): OptionSpec<number> {
  return {
    fallback,
    check: (given) =>
      Number.isSafeInteger(given) && (given as number) >= min && (given as number) <= max
        ? undefined
        : `must be a whole number from ${min} to ${max}`,
  }
}

/** A wait in milliseconds, no longer than a timer's; with `min` 0, which is the default, 0 may stand for "for ever". */
export function milliseconds(
  fallback: number,
  { min = 0, max = longestTimer }: { min?: number; max?: number } = {},
): OptionSpec<number> {
  return integer(fallback, { min, max })
}

/** A whole number between `min` (default 0) and `max`; undefined when it is not given. */
export function optionalInteger(range: { min?: number; max?: number } = {}): OptionSpec<number | undefined> {
  return { fallback: undefined, check: integer(0, range).check }
}

/** true or false. */
export function boolean(fallback: boolean): OptionSpec<boolean> {
  return { fallback, check: (given) => (typeof given === 'boolean' ? undefined : 'must be true or false') }
}

/** A string. */
export function string(fallback: string): OptionSpec<string> {
  return { fallback, check: (given) => (typeof given === 'string' ? undefined : 'must be a string') }
}

/** One of a few words. */
export function oneOf<const Word extends string>(fallback: Word, words: readonly Word[]): OptionSpec<Word> {
  return {
    fallback,
    check: (given) => (words.includes(given as Word) ? undefined : `must be one of ${words.join(', ')}`),
  }
}

/** A list of strings. */
export function strings(fallback: readonly string[]): OptionSpec<readonly string[]> {
  return {
    fallback,
    check: (given) =>
      Array.isArray(given) && given.every((each) => typeof each === 'string')
        ? undefined
        : 'must be an array of strings',
  }
}

/** Anything of a JavaScript type; `undefined` when it is not given. */
export function optional<Value>(
  type: 'function' | 'object' | 'string' | 'number',
): OptionSpec<Value | undefined> {
  const article = type === 'object' ? 'an' : 'a'
  return {
    fallback: undefined,
    check: (given) => (typeof given === type && given !== null ? undefined : `must be ${article} ${type}`),
  }
}

/**
 * Whether it is what `{}` makes: nothing that has a class. The prototype is not compared with `Object.prototype`, for
 * objects of another realm (test runners make some) have another one.
 */
export function isPlainObject(given: unknown): given is Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null) return false
  const prototype = Object.getPrototypeOf(given) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * Checks an argument that is no option; `rule` says what it must be, such as `must be a function`.
 * @throws UsageError `ERR_SLUICE_OPTION` naming the argument, the rule and the value.
 */
export function requireArgument(isRight: boolean, name: string, rule: string, given: unknown): void {
  if (!isRight) refuseArgument(name, rule, given)
}

/** The same for hot paths, which look at `given` themselves. @throws UsageError `ERR_SLUICE_OPTION`, always. */
export function refuseArgument(name: string, rule: string, given: unknown): never {
  throw new UsageError('ERR_SLUICE_OPTION', `${name} ${rule}, not ${show(given)}`)
}

/** Whether something has these methods: a stream, an agent, a logger. */
export function hasMethods(given: unknown, ...names: readonly string[]): boolean {
  if (typeof given !== 'object' || given === null) return false
  const methods = given as Readonly<Record<string, unknown>>
  return names.every((name) => typeof methods[name] === 'function')
}

/**
 * Checks `given` against the table and fills the gaps.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function resolveOptions<Options extends object>(
  specs: Specs<Options>,
  given: Options,
  where: string,
): Resolved<Options> {
  const table = specs as unknown as Record<string, OptionSpec<unknown>>
  if (!isPlainObject(given)) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `${where}: the options must be a plain object, not ${showWhole(given)}`,
    )
  }
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(table, key)) refuseUnknown(key, Object.keys(table), where)
  }
  const resolved = Object.entries(table).map(([key, spec]): [string, unknown] => {
    const value = (given as Record<string, unknown>)[key]
    const complaint = value === undefined ? undefined : spec.check(value)
    if (complaint !== undefined) {
      throw new UsageError('ERR_SLUICE_OPTION', `${where}: option '${key}' ${complaint}, not ${show(value)}`)
    }
    if (value === undefined) return [key, spec.fallback]
    return [key, spec.convert === undefined ? value : spec.convert(value)]
  })
  // To store them one by one makes V8 look up each option by its hash from the 13th on, wherever it is read.
  return Object.freeze(Object.fromEntries(resolved)) as Resolved<Options>
}

function refuseUnknown(key: string, known: readonly string[], where: string): never {
  const hint = didYouMean(key, known)
  const list = `nown are ${known.join(', ')}`
  const rest = hint === undefined ? `k${list}` : `${hint} K${list}`
  throw new UsageError('ERR_SLUICE_OPTION', `${where}: unknown option '${key}'; ${rest}`)
}

/** Of an object only what it is: among options there may be a key or a password. */
function showWhole(given: unknown): string {
  if (typeof given !== 'object' || given === null) return show(given)
  const { constructor } = given as { constructor?: { name?: unknown } }
  return typeof constructor?.name === 'string'
    ? `an instance of ${constructor.name}`
    : 'an object with a prototype'
}

/** A value that was given, for the message of an error. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${shortened(value)}'`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'number') return String(value) // JSON has no NaN
  if (typeof value === 'bigint') return `${value}n`
  try {
    return shortened(JSON.stringify(value) ?? typeof value)
  } catch {
    return 'an object' // with a cycle in it, a socket for example
  }
}

/** Nobody looks for what is wrong in more than that. */
const longestShown = 300

function shortened(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}… (${text.length} characters)`
}
