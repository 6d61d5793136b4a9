/** What a SPOE filter does to the variables of a stream: the actions of an answer, and those of its own options. */
import type { Action } from '../../../engine/index.ts'
import { sint } from '../../../sample/value.ts'
import type { SampleValue } from '../../../sample/value.ts'
import { parseVariableName } from '../../../sample/variables.ts'
import type { VariableScope } from '../../../sample/variables.ts'
import type { SpoePlan } from '../../plan/spoe.ts'
import type { StepStream } from '../../stream/step.ts'
import { fromSpop } from './values.ts'

/** HAProxy's buffer for the name of a variable. */
const longestName = 63

/** Agents set the same few names again and again; one that makes names up costs no more than that. */
const mostKnown = 1000

/** One for each filter. */
export class FilterVariables {
  readonly #plan: SpoePlan
  /** By scope, what variables are called here that agents call so; null: they may not be set. */
  readonly #known: Readonly<Record<VariableScope, Map<string, string | null>>> = {
    proc: new Map(),
    sess: new Map(),
    txn: new Map(),
    req: new Map(),
    res: new Map(),
  }

  constructor(plan: SpoePlan) {
    this.#plan = plan
  }

  /** Does what the agent has asked for, as far as it may. */
  apply(stream: StepStream, actions: readonly Action[]): void {
    for (const action of actions) this.#apply(stream, action)
  }

  #apply(stream: StepStream, action: Action): void {
    const { scope } = action
    const name = this.#nameOf(scope, action.name)
    if (name === null) return
    const store = stream.variables(scope)
    const value = action.type === 'set-var' ? fromSpop(action.value) : undefined
    if (value === undefined) store?.unset(name)
    else store?.set(name, value)
  }

  #nameOf(scope: VariableScope, given: string): string | null {
    const known = this.#known[scope]
    let name = known.get(given)
    if (name === undefined) {
      name = this.#judge(scope, `${this.#plan.agent.varPrefix}.${given}`)
      if (known.size >= mostKnown) known.clear()
      known.set(given, name)
    }
    return name
  }

  #judge(scope: VariableScope, name: string): string | null {
    const full = `${scope}.${name}`
    if (full.length > longestName || typeof parseVariableName(full) === 'string') return null
    return this.#plan.maySet(scope, name) ? name : null
  }

  /** `option set-process-time`, `option set-total-time`: milliseconds. */
  setTimes(stream: StepStream, process: number, total: number): void {
    const { setProcessTime, setTotalTime } = this.#plan.agent
    this.#setOwn(stream, setProcessTime, sint(process))
    this.#setOwn(stream, setTotalTime, sint(total))
  }

  /** `option set-on-error`. The code is a boolean for HAProxy, which is rendered and compared as the number that it is. */
  setError(stream: StepStream, status: number): void {
    this.#setOwn(stream, this.#plan.agent.setOnError, { type: 'bool', value: true, number: status })
  }

  /** In the scope of the transaction, and always known. */
  #setOwn(stream: StepStream, name: string | undefined, value: SampleValue): void {
    if (name !== undefined) stream.variables('txn')?.set(`${this.#plan.agent.varPrefix}.${name}`, value)
  }
}
