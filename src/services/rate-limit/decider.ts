/** Decides by the shared store while that answers in time, and by counts of its own otherwise. */
import { monotonic } from '../../base/clock.ts'
import { Deadlines, type Lane, type Timed } from '../../base/deadlines.ts'
import { errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { RecentMap } from '../frame/recent-map.ts'
import { Breaker } from './breaker.ts'
import type { Decision, Limit } from './limit.ts'
import type { MemoryStore } from './memory-store.ts'
import type { SharedStore } from './store.ts'

/** Who decided: the store, this process, or nobody (`fallback` open or closed). */
export type DecisionSource = 'shared' | 'local' | 'none'

/** A decision, and whose it is. */
export interface SourcedDecision extends Decision {
  readonly source: DecisionSource
}

/** How it decides. */
export interface DeciderOptions {
  readonly store: SharedStore | undefined
  readonly local: MemoryStore
  /** What decides without the store. */
  readonly fallback: 'local' | 'open' | 'closed'
  /** Each of so many agents has its share of a limit then. */
  readonly replicas: number
  /** Milliseconds that the store may take. */
  readonly timeout: number
  /** Refusals that are remembered, so that who is refused costs no call. */
  readonly rememberedRefusals: number
  readonly logger: Logger
}

/** A call of the store that is waited for, until it is settled: by an answer, or because the time is over. */
class Call implements Timed<Call> {
  deadline = 0
  lane: Lane<Call> | undefined = undefined
  earlier: Call | undefined = undefined
  later: Call | undefined = undefined
  #settle: ((outcome: Decision | string) => void) | undefined

  /** `settle` is called once: with a decision, or with what is wrong. */
  constructor(settle: (outcome: Decision | string) => void) {
    this.#settle = settle
  }

  settle(outcome: Decision | string): void {
    this.#settle?.(outcome)
    this.#settle = undefined
  }
}

interface Refusal {
  /** By the monotonic clock. */
  readonly until: number
  readonly resetAt: number
  readonly cost: number
}

/** Decides about requests. */
export class Decider {
  readonly #options: DeciderOptions
  readonly #breaker = new Breaker()
  readonly #refusals: RecentMap<string, Refusal>
  readonly #calls = new Deadlines<Call>(
    (call) => call.settle(`no answer within ${this.#options.timeout} ms`),
    false,
  )
  #latency: number | undefined
  #trouble: string | undefined

  constructor(options: DeciderOptions) {
    this.#options = options
    this.#refusals = new RecentMap(options.rememberedRefusals)
  }

  /** What the last answer of the store took, in milliseconds. */
  get latency(): number | undefined {
    return this.#latency
  }

  /** What is wrong with the store, in words. */
  get trouble(): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble
    return this.#options.store?.connected === false ? 'no connection' : undefined
  }

  /** Whether the store decides. */
  get isShared(): boolean {
    const { store } = this.#options
    return store !== undefined && store.connected && !this.#breaker.isOpen
  }

  decide(key: string, limit: Limit, cost: number): SourcedDecision | Promise<SourcedDecision> {
    const { store, local } = this.#options
    if (store === undefined) return { ...local.take(key, limit, cost), source: 'local' }
    const now = monotonic()
    const refused = this.#remembered(key, cost, now)
    if (refused !== undefined) return refused
    if (!store.connected || !this.#breaker.allows(now)) return this.#decideAlone(key, limit, cost)
    return this.#ask(store, key, limit, cost, now)
  }

  /** Until then nobody who asks as much can pass: time alone makes room. */
  #remembered(key: string, cost: number, now: number): SourcedDecision | undefined {
    const refusal = this.#refusals.get(key)
    if (refusal === undefined) return undefined
    if (refusal.until > now) {
      if (cost < refusal.cost) return undefined
      const { until, resetAt } = refusal
      return {
        allowed: false,
        remaining: 0,
        reset: Math.max(0, resetAt - now),
        retry: until - now,
        source: 'shared',
      }
    }
    this.#refusals.delete(key)
    return undefined
  }

  #ask(store: SharedStore, key: string, limit: Limit, cost: number, since: number): Promise<SourcedDecision> {
    return new Promise((resolve) => {
      const call = new Call((outcome) => {
        this.#calls.remove(call)
        if (typeof outcome !== 'string') return resolve(this.#succeed(key, cost, outcome, since))
        this.#fail(outcome)
        resolve(this.#decideAlone(key, limit, cost))
      })
      this.#calls.add(call, this.#options.timeout, since)
      store.take(key, limit, cost).then(
        (decision) => call.settle(decision),
        (error: unknown) => call.settle(errorMessage(error)),
      )
    })
  }

  #succeed(key: string, cost: number, decision: Decision, since: number): SourcedDecision {
    const now = monotonic()
    if (this.#breaker.isOpen) this.#options.logger.info({}, 'the shared store decides again')
    this.#breaker.succeed()
    this.#latency = now - since
    this.#trouble = undefined
    // From when it was asked: the store may have looked at its clock so early.
    if (!decision.allowed)
      this.#refusals.set(key, { until: since + decision.retry, resetAt: since + decision.reset, cost })
    return { ...decision, source: 'shared' }
  }

  #fail(why: string): void {
    this.#trouble = why
    if (!this.#breaker.fail(monotonic())) return
    const { logger, fallback } = this.#options
    logger.warn({ code: 'ERR_SERVICE_STORE', why, fallback }, 'the shared store is left alone for a while')
  }

  #decideAlone(key: string, limit: Limit, cost: number): SourcedDecision {
    const { fallback, local, replicas } = this.#options
    if (fallback === 'local') return { ...local.take(key, share(limit, replicas), cost), source: 'local' }
    const allowed = fallback === 'open'
    return { allowed, remaining: 0, reset: 0, retry: allowed ? 0 : 1000, source: 'none' }
  }

  close(): void {
    this.#calls.clear()
  }
}

/** What of a limit one of several agents may give out. */
function share(limit: Limit, replicas: number): Limit {
  if (replicas === 1) return limit
  const part = (whole: number) => Math.max(1, Math.floor(whole / replicas))
  return { ...limit, limit: part(limit.limit), burst: part(limit.burst) }
}
