/** Counts what a variable is set to, by message: read from the answers as they leave, so a fallback's word counts and what did not fit does not. */
import { createReader } from '../spop/frame-head.ts'
import { decodeActions, type Action } from '../spop/ack.ts'
import { textOfData } from './data-text.ts'

/** Values come from outside at times: so many are told apart for each message, the others are one. */
const mostValues = 24
const others = 'other values'
/** Longer ones are cut. */
const longestValue = 40

/** The counts of one variable; its name may have a scope before it. */
export class Verdicts {
  readonly #name: string
  readonly #counts = new Map<string, Map<string, number>>()

  constructor(variable: string) {
    this.#name = variable
  }

  /** `actions` is what one message has answered. */
  count(message: string, actions: readonly Action[]): void {
    const verdict = actions.findLast(
      (each) => each.name === this.#name || `${each.scope}.${each.name}` === this.#name,
    )
    if (verdict === undefined) return
    let counts = this.#counts.get(message)
    if (counts === undefined) this.#counts.set(message, (counts = new Map()))
    const value = verdict.type === 'unset-var' ? 'unset' : textOfData(verdict.value, longestValue)
    const key = counts.has(value) || counts.size < mostValues ? value : others
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }

  of(message: string): Record<string, number> {
    return Object.fromEntries(this.#counts.get(message) ?? [])
  }
}

/** The actions in encoded bytes. */
export function readActions(bytes: Buffer): Action[] {
  // Of our own making: there is nothing wrong in them.
  return decodeActions(createReader(bytes))
}
