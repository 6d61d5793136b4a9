/** Puts the phases of a frontend and a backend together into lists of steps; empty ones are left out. */
import type { RuleSet } from '../../config/model.ts'
import type { Backend, Route } from '../server/backend.ts'
import { SpoeEventStep } from '../filters/spoe/filter.ts'
import type { Step } from './flow.ts'
import type { Frontend } from '../client/frontend.ts'
import { phasesOf, phases } from '../plan/phases.ts'
import type { Phase } from '../plan/phases.ts'
import type { ProxyPlan, RulePlan } from '../plan/plan.ts'
import { RulesStep } from './rules-step.ts'

/** The steps before a backend is chosen. */
export function frontendSteps(frontend: Frontend): readonly Step[] {
  const steps: Step[] = []
  for (const phase of phasesOf[frontend.plan.model.mode].frontend) addPhase(steps, phase, frontend, undefined)
  return steps
}

/** The steps of streams from `frontend` to `backend`; in a `listen` both are one section, whose rules run once. */
export function requestSteps(frontend: Frontend, backend: Backend): Route {
  const lists = phasesOf[frontend.plan.model.mode]
  const build = (list: readonly Phase[]): readonly Step[] => {
    const steps: Step[] = []
    for (const phase of list) addPhase(steps, phase, frontend, backend)
    return steps
  }
  return {
    request: backend.plan === frontend.plan ? [] : build(lists.backend),
    server: build(lists.server),
    response: build(lists.response),
    afterResponse: afterResponseSteps(frontend, backend),
  }
}

/** What replies of the proxy itself go through. */
export function afterResponseSteps(frontend: Frontend, backend: Backend | undefined): readonly Step[] {
  const steps: Step[] = []
  if (frontend.plan.model.mode === 'http') addPhase(steps, phases.httpAfterResponse, frontend, backend)
  return steps
}

function addPhase(steps: Step[], phase: Phase, frontend: Frontend, backend: Backend | undefined): void {
  const { event } = phase
  if (event !== undefined) {
    const filters = [...frontend.filters, ...(backend === undefined ? [] : backendFilters(frontend, backend))]
    for (const [index, filter] of filters.entries()) {
      if (filter.plan.eventMessages(event).length > 0) steps.push(new SpoeEventStep(filter, index, event))
    }
  }
  const { ruleSet } = phase
  if (ruleSet === undefined) return
  const done = new Set<ProxyPlan>()
  for (const side of phase.sides) {
    const plan = side === 'frontend' ? frontend.plan : backend?.plan
    if (plan === undefined || done.has(plan)) continue
    done.add(plan)
    const rules = rulesOf(plan, ruleSet)
    if (rules.length > 0) {
      steps.push(
        new RulesStep(
          rules,
          isContent(ruleSet) ? { delay: plan.model.inspectDelay[phase.direction] } : undefined,
        ),
      )
    }
  }
}

/** The filters of a backend follow those of the frontend, unless they are the same. */
export function backendFilters(frontend: Frontend, backend: Backend) {
  return backend.plan === frontend.plan ? [] : backend.proxy.filtersOf(backend.plan)
}

function isContent(ruleSet: RuleSet): boolean {
  return ruleSet === 'tcp-request content' || ruleSet === 'tcp-response content'
}

function rulesOf(plan: ProxyPlan, ruleSet: RuleSet): readonly RulePlan[] {
  switch (ruleSet) {
    case 'tcp-request connection':
      return plan.rules.connection
    case 'tcp-request session':
      return plan.rules.session
    case 'tcp-request content':
      return plan.rules.requestContent
    case 'http-request':
      return plan.rules.httpRequest
    case 'tcp-response content':
      return plan.rules.responseContent
    case 'http-response':
      return plan.rules.httpResponse
    case 'http-after-response':
      return plan.rules.httpAfterResponse
  }
}
