/**
 * Typed arguments: what a handler declares once is checked for every message, and TypeScript infers the handler's
 * parameter from it.
 */
import type { Reader } from '../../bytes/reader.ts'
import { readPlainly } from './list.ts'
import { ArgumentPlan } from './plan.ts'
import { Slots } from './slots.ts'
import type { Schema } from './types.ts'

/** Peers may disagree on the order of arguments, an old and a new configuration for example: so many orders are known. */
const mostPlans = 4
/** Where there are more orders than that, one of so many messages is worth a plan. */
const planEvery = 32

/**
 * Reads the arguments of one kind of message: as the one before, if their names are the same (plan.ts), else one by
 * one (list.ts), which is how plans are made.
 */
export class ArgumentDecoder {
  readonly #slots: Slots
  /** The one that fitted last is the first. */
  #plans: readonly ArgumentPlan[] = []
  #latest: ArgumentPlan | undefined
  #unplanned = 0

  /** @throws AgentError `ERR_AGENT_SCHEMA` for a declaration that is none. */
  constructor(message: string, schema: Schema) {
    this.#slots = new Slots(message, schema)
  }

  /**
   * Reads `count` arguments; the reader stands behind them afterwards, also after an error of type
   * `ERR_AGENT_ARGUMENT`: the next message can still be read.
   * @throws AgentError `ERR_AGENT_ARGUMENT` naming message, argument, wanted and got type.
   */
  decode(reader: Reader, count: number): Record<string, unknown> {
    const latest = this.#latest
    if (latest !== undefined && latest.count === count) {
      const { at } = reader
      const values = latest.read(reader)
      if (values !== undefined) return values
      reader.at = at
    }
    return this.#decodeOther(reader, count)
  }

  #decodeOther(reader: Reader, count: number): Record<string, unknown> {
    const { at } = reader
    for (const plan of this.#plans) {
      if (plan === this.#latest || plan.count !== count) continue
      const values = plan.read(reader)
      if (values !== undefined) {
        this.#latest = plan
        return values
      }
      reader.at = at
    }
    const values = readPlainly(this.#slots, reader, count)
    if (this.#plans.length < mostPlans || ++this.#unplanned % planEvery === 0) {
      const end = reader.at
      reader.at = at
      this.#learn(reader, count)
      reader.at = end
    }
    return values
  }

  #learn(reader: Reader, count: number): void {
    const plan = ArgumentPlan.of(this.#slots, reader, count)
    if (plan === undefined) return
    this.#latest = plan
    this.#plans = [plan, ...this.#plans.slice(0, mostPlans - 1)]
  }
}
