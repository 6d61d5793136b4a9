/** One entry of the configuration upon an agent: its messages, its policy, its counters. */
import type { Actions, Agent, Context, FallbackReason } from '../../agent/index.ts'
import { monotonic } from '../../base/clock.ts'
import { errorMessage } from '../../base/errors.ts'
import { latencyBounds } from '../../agent/metrics.ts'
import { Histogram } from '../../base/histogram.ts'
import { AnswerWriter } from '../frame/answer.ts'
import type { AgentEntry } from './config.ts'
import { byPolicy } from '../frame/definition.ts'
import type { Answer, MessageSpec, Service, ServiceArguments, SourceState } from '../frame/definition.ts'
import { messageName } from '../frame/variables.ts'

/** What is counted for one entry. */
export class MountMetrics {
  /** By verdict; all that the definition does not name are one. */
  readonly verdicts = new Map<string, number>()
  /** By what the policy answered for: an error, the deadline, or a reason of the agent's. */
  readonly failures = new Map<string, number>()
  readonly duration = new Histogram(latencyBounds)
}

/** One agent of the configuration. Reloads replace its service and its settings; its messages stay registered. */
export class Mount {
  readonly metrics = new MountMetrics()
  #entry: AgentEntry
  #service: Service
  #writer: AnswerWriter

  constructor(entry: AgentEntry, service: Service) {
    this.#entry = entry
    this.#service = service
    this.#writer = createWriter(entry)
  }

  get entry(): AgentEntry {
    return this.#entry
  }

  get service(): Service {
    return this.#service
  }

  /** From now on `service` answers. Returns what did so far, for its owner to close. */
  replace(entry: AgentEntry, service: Service): Service {
    const before = this.#service
    this.#entry = entry
    this.#service = service
    this.#writer = createWriter(entry)
    return before
  }

  /** What the agent depends on, now. */
  sources(): readonly SourceState[] {
    try {
      return this.#service.sources?.() ?? []
    } catch (error) {
      return [{ name: 'sources', ok: false, required: true, detail: errorMessage(error) }]
    }
  }

  /** Why it cannot answer; undefined when it can. */
  get trouble(): string | undefined {
    return troubleOf(this.sources())
  }

  /** Registers its messages. */
  register(agent: Agent): void {
    const { name, definition, deadline } = this.#entry
    for (const message of definition.messages) {
      agent.message(
        messageName(name, message),
        message.args,
        (args, actions, context) => this.#answer(message, args, actions, context),
        { deadline, fallback: (actions, reason) => this.#fail(actions, reason) },
      )
    }
  }

  #answer(
    { suffix }: MessageSpec,
    args: ServiceArguments,
    actions: Actions,
    context: Context,
  ): void | PromiseLike<void> {
    const since = monotonic()
    const answer = this.#service.answer(args, context, suffix)
    if (!isPromise(answer)) return this.#write(answer, actions, since)
    return answer.then((late) => {
      // The policy has answered meanwhile, or nobody waits any more.
      if (!context.aborted) this.#write(late, actions, since)
    })
  }

  #write(answer: Answer, actions: Actions, since: number): void {
    const took = monotonic() - since
    if (answer.verdict === byPolicy) return this.#decide(actions, answer.reason, took, answer.outputs)
    this.#count(answer.verdict, took)
    this.#writer.write(actions, answer, took * 1000)
  }

  #fail(actions: Actions, reason: FallbackReason): void {
    this.#decide(actions, reason, reason === 'deadline' ? this.#entry.deadline : 0)
  }

  /** The failure policy: what is answered when there is no answer. */
  #decide(actions: Actions, reason: string, took: number, outputs: Answer['outputs'] = {}): void {
    const verdict = this.#entry.onError === 'open' ? 'allow' : 'deny'
    const { failures } = this.metrics
    failures.set(reason, (failures.get(reason) ?? 0) + 1)
    this.#count(verdict, took)
    this.#writer.write(actions, { verdict, reason, outputs }, took * 1000)
  }

  #count(verdict: string, took: number): void {
    const { verdicts } = this.metrics
    const name = this.#entry.definition.verdicts.includes(verdict) ? verdict : 'other'
    verdicts.set(name, (verdicts.get(name) ?? 0) + 1)
    this.metrics.duration.record(took)
  }
}

/** What of the sources makes an agent not ready, in words. */
export function troubleOf(sources: readonly SourceState[]): string | undefined {
  const missing = sources.filter(({ ok, required }) => required && !ok)
  return missing.length === 0
    ? undefined
    : missing.map(({ name, detail }) => `${name}: ${detail ?? 'no data'}`).join('; ')
}

function createWriter({ definition, outputs, scope }: AgentEntry): AnswerWriter {
  const specs = Object.entries(definition.outputs).filter(([name]) => outputs.includes(name))
  return new AnswerWriter(scope, definition.passing, specs)
}

function isPromise(value: Answer | PromiseLike<Answer>): value is PromiseLike<Answer> {
  return typeof (value as { then?: unknown }).then === 'function'
}
