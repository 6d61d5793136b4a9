/**
 * Variables: their names, the set of names that the configuration mentions, and a store for each scope
 * (configuration.txt 7.3.1 `set-var`, SPOE.txt 2.2 `option force-set-var`).
 */
import type { SampleValue } from './value.ts'
import { integerOf, textOf } from './value.ts'

/** The scopes of HAProxy, widest first. */
export const variableScopes = ['proc', 'sess', 'txn', 'req', 'res'] as const

/** One of `proc`, `sess`, `txn`, `req`, `res`. */
export type VariableScope = (typeof variableScopes)[number]

/** A parsed name: `txn.my_app.score` is scope `txn`, name `my_app.score`. */
export interface VariableName {
  readonly scope: VariableScope
  readonly name: string
}

/** Parses `scope.name`; a complaint, as a string, when it is wrong. */
export function parseVariableName(text: string): VariableName | string {
  const dot = text.indexOf('.')
  const scope = variableScopes.find((each) => each === text.slice(0, Math.max(dot, 0)))
  if (scope === undefined || dot === text.length - 1)
    return `variable name '${text}' must start with its scope, which is one of ${variableScopes.join(', ')}, and a dot`
  const name = text.slice(dot + 1)
  const wrong = /[^A-Za-z0-9_.]/.exec(name)
  return wrong === null
    ? { scope, name }
    : `variable name '${text}' has the character '${wrong[0]}'; only letters, digits, '_' and '.' may be used`
}

/**
 * The names, with scope, that the configuration mentions. An SPOE agent may set only these, unless the engine has
 * `option force-set-var`; a `proc` variable exists only when it is here.
 */
export class VariableNames {
  readonly #names = new Set<string>()

  register(name: VariableName): void {
    this.#names.add(`${name.scope}.${name.name}`)
  }

  has(name: VariableName): boolean {
    return this.#names.has(`${name.scope}.${name.name}`)
  }

  /** `scope.name`, sorted. */
  list(): string[] {
    return [...this.#names].sort()
  }

  /** The names of one scope, without it. */
  of(scope: VariableScope): string[] {
    return this.list().flatMap((each) => (each.startsWith(`${scope}.`) ? [each.slice(scope.length + 1)] : []))
  }
}

/** The conditions that `set-var` takes after the name. */
export const setConditions = [
  'ifexists',
  'ifnotexists',
  'ifempty',
  'ifnotempty',
  'ifset',
  'ifnotset',
  'ifgt',
  'iflt',
] as const

/** One of {@link setConditions}. */
export type SetCondition = (typeof setConditions)[number]

/** What HAProxy counts for a variable beside the bytes of a string (`struct var`), so that limits mean the same. */
const overhead = 80

/** More names than these are filed. */
const few = 16

/** Nearly all stores have no names of their own: they share this. */
const none: ReadonlySet<string> = new Set()
const always: readonly SetCondition[] = []

/** How a {@link VariableStore} is made. */
export interface VariableStoreOptions {
  /** `tune.vars.*-max-size`: bytes that this store and those inside it may take; 0 is no limit. @default 0 */
  readonly maxSize?: number
  /** The store of the next wider scope, whose size includes this one's. */
  readonly parent?: VariableStore
  /**
   * Names that exist from the start, though nothing is set: in the scope `proc` those that the configuration mentions
   * (`VF_PERMANENT` in src/vars.c). @default none
   */
  readonly permanent?: Iterable<string>
}

/**
 * The variables of one scope of one stream, session or process.
 *
 * As in HAProxy, a variable may exist without being set: a permanent one, and one whose first value was refused by
 * `ifset`, `ifempty` or `ifnotempty`. `ifexists` and `ifnotexists` ask whether it exists, `ifset` and `ifnotset`
 * whether it is set (`var_set` in src/vars.c).
 */
export class VariableStore {
  #names: string[] = []
  /** Side by side with the names; undefined for those that exist and are not set. */
  #values: (SampleValue | undefined)[] = []
  /** Where each name is, once there are many: a stream has few, and to make a Map costs more than to look through them. */
  #places: Map<string, number> | undefined
  readonly #permanent: ReadonlySet<string>
  readonly #maxSize: number
  readonly #parent: VariableStore | undefined
  #size = 0

  constructor({ maxSize = 0, parent, permanent }: VariableStoreOptions = {}) {
    this.#maxSize = maxSize
    this.#parent = parent
    this.#permanent = permanent === undefined ? none : new Set(permanent)
    for (const name of this.#permanent) this.#create(name)
  }

  /** How many variables are set. */
  get count(): number {
    let count = 0
    for (const value of this.#values) if (value !== undefined) count++
    return count
  }

  get(name: string): SampleValue | undefined {
    const at = this.#find(name)
    return at < 0 ? undefined : this.#values[at]
  }

  /** False when a condition or the limit forbids it. */
  set(name: string, value: SampleValue, conditions: readonly SetCondition[] = always): boolean {
    let at = this.#find(name)
    const exists = at >= 0
    if (conditions.length > 0 && conditions.includes(exists ? 'ifnotexists' : 'ifexists')) return false
    if (!exists) {
      if (!this.#fits(overhead)) return false
      at = this.#create(name)
    }
    const previous = this.#values[at]
    for (const condition of conditions) if (!allows(condition, previous, value)) return false
    const growth = bytesIn(value) - bytesIn(previous)
    if (!this.#fits(growth)) return false
    this.#grow(growth)
    this.#values[at] = value
    return true
  }

  /** Whether it was set. */
  unset(name: string): boolean {
    const at = this.#find(name)
    if (at < 0) return false
    const previous = this.#values[at]
    this.#grow(-bytesIn(previous))
    if (this.#permanent.has(name)) this.#values[at] = undefined
    else this.#remove(at)
    return previous !== undefined
  }

  /** Empties the store, and gives its size back to the wider scopes. */
  clear(): void {
    this.#grow(-this.#size)
    this.#names.length = this.#values.length = 0
    this.#places = undefined
    for (const name of this.#permanent) this.#create(name)
  }

  /** Name and value of each that is set. */
  *entries(): Generator<[string, SampleValue]> {
    for (const [at, name] of this.#names.entries()) {
      const value = this.#values[at]
      if (value !== undefined) yield [name, value]
    }
  }

  /** Where it is; -1 for a name that does not exist. */
  #find(name: string): number {
    return this.#places === undefined ? this.#names.indexOf(name) : (this.#places.get(name) ?? -1)
  }

  #create(name: string): number {
    this.#grow(overhead)
    if (this.#names.length === 0) {
      // Many streams have one: V8 makes room for seventeen at the first push.
      this.#names = [name]
      this.#values = [undefined]
      return 0
    }
    this.#values.push(undefined)
    const at = this.#names.push(name) - 1
    if (this.#places !== undefined) this.#places.set(name, at)
    else if (at === few) this.#places = new Map(this.#names.map((each, place) => [each, place]))
    return at
  }

  /** The last one takes its place. */
  #remove(at: number): void {
    this.#grow(-overhead)
    const names = this.#names
    const values = this.#values
    this.#places?.delete(names[at] as string) // there is one at each place
    const last = names.pop() as string
    const value = values.pop()
    if (at === names.length) return
    names[at] = last
    values[at] = value
    this.#places?.set(last, at)
  }

  #fits(growth: number): boolean {
    if (this.#maxSize > 0 && growth > 0 && this.#size + growth > this.#maxSize) return false
    const parent = this.#parent
    return parent === undefined || parent.#fits(growth)
  }

  #grow(growth: number): void {
    this.#size += growth
    const parent = this.#parent
    if (parent !== undefined) parent.#grow(growth)
  }
}

function bytesIn(value: SampleValue | undefined): number {
  if (value === undefined) return 0
  return value.type === 'str' || value.type === 'bin' ? value.value.length : 0
}

function allows(condition: SetCondition, previous: SampleValue | undefined, value: SampleValue): boolean {
  switch (condition) {
    case 'ifexists':
    case 'ifnotexists':
      return true
    case 'ifset':
      return previous !== undefined
    case 'ifnotset':
      return previous === undefined
    // Only text can be empty.
    case 'ifempty':
      return (value.type === 'str' || value.type === 'bin') && textOf(value) === ''
    case 'ifnotempty':
      return (value.type !== 'str' && value.type !== 'bin') || textOf(value) !== ''
    // Compared only when both are integers; otherwise it is set.
    case 'ifgt':
      return bothIntegers(previous, value) ? integerOf(previous) > integerOf(value) : true
    case 'iflt':
      return bothIntegers(previous, value) ? integerOf(previous) < integerOf(value) : true
  }
}

function bothIntegers(previous: SampleValue | undefined, value: SampleValue): previous is SampleValue {
  return previous?.type === 'sint' && value.type === 'sint'
}
