/** Puts the phases of a frontend and a backend together into lists of steps; empty ones are left out. */
import type { ProxyMode, RuleSet } from '../../config/index.ts'
import { phases, phasesOf } from '../plan/phases.ts'
import type { Phase } from '../plan/phases.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { RulePlan } from '../plan/rule.ts'
import { BodyStep, WholeBodyStep } from './body-step.ts'
import type { StreamFilter } from './filter.ts'
import { MonitorStep } from './monitor-step.ts'
import { RulesStep } from './rules-step.ts'
import type { Step } from './step.ts'

/** A section that a stream goes through, and its filters. */
export interface Side {
  readonly plan: ProxyPlan
  readonly filters: readonly StreamFilter[]
}

/** What is fixed for the streams that go from one frontend to one backend. */
export interface Route {
  readonly request: readonly Step[]
  readonly server: readonly Step[]
  readonly response: readonly Step[]
  readonly afterResponse: readonly Step[]
  /** Those of the frontend, then those of the backend. */
  readonly filters: readonly StreamFilter[]
}

/** The steps before a backend is chosen, of streams in this mode: those of a TCP frontend may have become HTTP. */
export function frontendSteps(frontend: Side, mode: ProxyMode): readonly Step[] {
  return build(phasesOf[mode].frontend, frontend, undefined)
}

/** What a stream goes through that becomes HTTP in front of its backend: what TCP streams know nothing of. */
export function upgradeSteps(frontend: Side): readonly Step[] {
  return build([phases.frontendHttpRequest], frontend, undefined)
}

/**
 * The steps of streams from `frontend` to `backend`; in a `listen` both are one section, whose rules run once. The mode
 * is the backend's: a stream of a TCP frontend becomes HTTP in front of an HTTP backend.
 */
export function routeSteps(frontend: Side, backend: Side): Route {
  const lists = phasesOf[backend.plan.model.mode]
  return {
    request: [
      ...(backend.plan === frontend.plan ? [] : backendSteps(lists.backend, frontend, backend)),
      ...(backend.plan.fcgi === undefined ? [] : [new WholeBodyStep(backend.plan.fcgi)]),
    ],
    server: build(lists.server, frontend, backend),
    response: build(lists.response, frontend, backend),
    afterResponse: afterResponseSteps(frontend, backend),
    filters: [...frontend.filters, ...backend.filters],
  }
}

/** All rules of a backend that buffers bodies see them, those for content too. */
function backendSteps(list: readonly Phase[], frontend: Side, backend: Side): readonly Step[] {
  const steps = build(list, frontend, backend)
  return buffers(backend) && !buffers(frontend) ? [new BodyStep(), ...steps] : steps
}

/** What replies of the proxy itself go through. */
export function afterResponseSteps(frontend: Side, backend: Side | undefined): readonly Step[] {
  const { mode } = (backend ?? frontend).plan.model
  return mode === 'http' ? build([phases.httpAfterResponse], frontend, backend) : []
}

function build(list: readonly Phase[], frontend: Side, backend: Side | undefined): readonly Step[] {
  return list.flatMap((phase) => [
    ...(phase === phases.frontendHttpRequest && asksMonitor(frontend) ? [new MonitorStep()] : []),
    // Content rules run before the body is waited for: what they reject is not asked to go on.
    ...(phase === phases.frontendHttpRequest && buffers(frontend) ? [new BodyStep()] : []),
    ...eventSteps(phase, frontend, backend),
    ...ruleSteps(phase, frontend, backend),
  ])
}

function eventSteps({ event }: Phase, frontend: Side, backend: Side | undefined): readonly Step[] {
  if (event === undefined) return []
  return [...frontend.filters, ...(backend?.filters ?? [])].flatMap((filter) => filter.eventStep(event) ?? [])
}

function ruleSteps(
  { ruleSet, sides, direction }: Phase,
  frontend: Side,
  backend: Side | undefined,
): readonly Step[] {
  if (ruleSet === undefined) return []
  const plans = new Set(
    sides.flatMap((side) => (side === 'frontend' ? frontend.plan : (backend?.plan ?? []))),
  )
  return [...plans].flatMap((plan) => {
    const rules = rulesOf(plan, ruleSet)
    const content = isContent(ruleSet) ? { delay: plan.model.inspectDelay[direction] } : undefined
    return rules.length === 0 ? [] : new RulesStep(rules, content)
  })
}

function asksMonitor({ plan }: Side): boolean {
  return plan.model.monitorUri !== undefined
}

function buffers({ plan: { model } }: Side): boolean {
  return model.mode === 'http' && model.options.httpBufferRequest
}

function isContent(ruleSet: RuleSet): boolean {
  return ruleSet === 'tcp-request content' || ruleSet === 'tcp-response content'
}

function rulesOf({ rules }: ProxyPlan, ruleSet: RuleSet): readonly RulePlan[] {
  switch (ruleSet) {
    case 'tcp-request connection':
      return rules.connection
    case 'tcp-request session':
      return rules.session
    case 'tcp-request content':
      return rules.requestContent
    case 'http-request':
      return rules.httpRequest
    case 'tcp-response content':
      return rules.responseContent
    case 'http-response':
      return rules.httpResponse
    case 'http-after-response':
      return rules.httpAfterResponse
  }
}
