/** From an answer to variables: all of them, each time, so that none of an earlier message is taken for this one's. */
import type { Actions } from '../../agent/index.ts'
import type { Answer, OutputSpec, OutputValue } from './definition.ts'

/** Texts are cut to so many characters: an answer must fit a frame. */
const longestText = 1024

/** Writes the answers of one entry. */
export class AnswerWriter {
  readonly #scope: 'txn' | 'sess'
  readonly #passing: readonly string[]
  readonly #outputs: readonly (readonly [name: string, spec: OutputSpec])[]

  constructor(
    scope: 'txn' | 'sess',
    passing: readonly string[],
    outputs: readonly (readonly [name: string, spec: OutputSpec])[],
  ) {
    this.#scope = scope
    this.#passing = passing
    this.#outputs = outputs
  }

  /** Sets every output; those that decide come first, so that no frame is too small for them. */
  write(actions: Actions, { verdict, reason, outputs = {} }: Answer, microseconds: number): void {
    const scope = this.#scope
    actions.setVar(scope, 'ok', this.#passing.includes(verdict))
    actions.setVar(scope, 'verdict', printable(verdict))
    actions.setVar(scope, 'reason', printable(reason))
    actions.setVar(scope, 'took_us', Math.round(microseconds))
    for (const [name, { reset }] of this.#outputs) actions.setVar(scope, name, fit(outputs[name], reset))
  }
}

/** The value as the type of its output. */
function fit(value: OutputValue | undefined, reset: OutputValue): OutputValue {
  if (value === undefined || typeof value !== typeof reset) return reset
  if (typeof value === 'string') return printable(value)
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : reset
  return value
}

/** HAProxy logs a variable as it is: a line feed in it would forge a line, and a NUL would end it. */
function printable(value: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const clean = value.replace(/[\x00-\x1f\x7f]/g, '')
  if (clean.length <= longestText) return clean
  // Not the half of a character of two.
  return clean.slice(0, longestText).replace(/[\ud800-\udbff]$/, '')
}
