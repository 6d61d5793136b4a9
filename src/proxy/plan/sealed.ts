/** The door between a plan as it is seen from outside and what is in it. */
import { refuseArgument } from '../../base/options.ts'
import type { Plan } from './opaque.ts'
import type { InnerPlan } from './plan.ts'

const plans = new WeakMap<Plan, InnerPlan>()

/** What users get. */
export function sealPlan(inner: InnerPlan): Plan {
  const plan = Object.freeze({}) as Plan // its one property is there for the compiler alone
  plans.set(plan, inner)
  return plan
}

/**
 * What is in it.
 * @throws UsageError `ERR_SLUICE_OPTION`: it did not come from `loadProxy`
 */
export function openPlan(plan: Plan): InnerPlan {
  const inner = plans.get(plan)
  if (inner !== undefined) return inner
  const rule = 'must be one that loadProxy gave, which gives none when one of its diagnostics is an error'
  return refuseArgument('createProxy: the plan', rule, plan)
}
