/** What answers must set: `txn.score=int:5`. */
import { Buffer } from 'node:buffer'
import { UsageError } from '../base/errors.ts'
import { decodeActions, scopes, type Action, type Scope } from '../spop/ack.ts'
import { createReader } from '../spop/frame-head.ts'
import { toTypedData, type TypedData, type Value } from '../spop/typed-data.ts'

/** One variable, and what it must be. */
export interface Expectation {
  /** As it was written. */
  readonly text: string
  readonly scope: Scope
  readonly name: string
  /** Undefined: any value will do. */
  readonly value: Value | undefined
}

/**
 * Reads `scope.name`, or `scope.name=type:value`.
 * @param readArgument reads `name=type:value`.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function parseExpectation(
  text: string,
  readArgument: (text: string) => readonly [name: string, value: Value],
): Expectation {
  const match = /^([a-z]+)\.([A-Za-z0-9_.]+)(=.*)?$/s.exec(text)
  const scope = scopes.find((each) => each === match?.[1])
  if (match === null || scope === undefined) {
    const wanted = `scope.name or scope.name=type:value, with a scope of ${scopes.join(', ')}`
    throw new UsageError('ERR_SLUICE_OPTION', `--expect ${text}: wanted ${wanted}`)
  }
  const value = match[3] === undefined ? undefined : readArgument(`${match[2]}${match[3]}`)[1]
  return { text, scope, name: match[2] ?? '', value }
}

const longestShown = 200

/** Looks at answers. Most are equal to the one before: those are compared as bytes. */
export class Expectations {
  readonly #all: readonly Expectation[]
  #good = Buffer.alloc(0)
  #known = false
  /** What was wrong first, in words. */
  firstWrong: string | undefined

  constructor(all: readonly Expectation[]) {
    this.#all = all
  }

  /** Whether the actions from `from` to `to` do all that is expected. */
  holds(bytes: Buffer, from: number, to: number): boolean {
    if (this.isLikeLast(bytes, from, to)) return true
    const wrong = this.#judge(bytes, from, to)
    if (wrong !== undefined) {
      this.firstWrong ??= wrong.slice(0, longestShown)
      return false
    }
    this.#good = Buffer.from(bytes.subarray(from, to))
    this.#known = true
    return true
  }

  /** Whether the actions are those that were right the last time, byte for byte. */
  isLikeLast(bytes: Buffer, from: number, to: number): boolean {
    const good = this.#good
    const { length } = good
    if (to - from !== length || !this.#known) return false
    // Answers are short: a call into the runtime costs more than this loop.
    for (let at = 0; at < length; at++) if (bytes[from + at] !== good[at]) return false
    return true
  }

  #judge(bytes: Buffer, from: number, to: number): string | undefined {
    let broken: string | undefined
    const actions = decodeActions(createReader(bytes, from, to), (error) => (broken = error.message))
    for (const { text, scope, name, value } of this.#all) {
      const action = actions.findLast((each) => each.scope === scope && each.name === name)
      if (action === undefined) return `${text}: ${broken ?? 'the answer does not set it'}`
      const found = valueOf(action)
      const isRight = value === undefined ? found.type !== 'null' : sameValue(found, toTypedData(value))
      if (!isRight) return `${text}: it is ${describe(found)}`
    }
    return undefined
  }
}

function valueOf(action: Action): TypedData {
  return action.type === 'set-var' ? action.value : { type: 'null' }
}

/** HAProxy has one type of integers. */
function sameValue(found: TypedData, wanted: TypedData): boolean {
  const [left, right] = [found, wanted].map(describe)
  return left === right
}

function describe(data: TypedData): string {
  switch (data.type) {
    case 'null':
      return 'not set'
    case 'string':
      return `str:${data.value}`
    case 'binary':
      return `bin:${data.value.toString('hex')}`
    case 'boolean':
      return `bool:${data.value}`
    case 'ipv4':
    case 'ipv6':
      return `ip:${data.value.toString()}`
    default:
      return `int:${data.value}`
  }
}
