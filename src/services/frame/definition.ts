/**
 * What a ready agent is to the frame: its configuration, what it is asked, what it answers. All that ready agents share
 * (files, reloading, deadlines, the failure policy, resetting outputs, metrics) is the frame's, so a new one is what stands here.
 */
import type { Context, Schema } from '../../agent/index.ts'
import type { Logger } from '../../base/logger.ts'
import type { StandardSchema } from './standard-schema.ts'

/** What a variable can hold: a boolean, an integer, or a text. */
export type OutputValue = boolean | number | string

/** One variable that every answer sets. */
export interface OutputSpec {
  /** What it holds when the agent has nothing to say of it. Its type is the variable's. */
  readonly reset: OutputValue
  /** One line for docs and snippets. */
  readonly about: string
}

/** What an agent says about one message. Outputs that are not given are reset. */
export interface Answer {
  /** One of {@link ReadyAgent.verdicts}, or {@link byPolicy}. */
  readonly verdict: string
  /** A short code that says why, such as `listed`. */
  readonly reason: string
  /** By the names of {@link ReadyAgent.outputs}. */
  readonly outputs?: Readonly<Record<string, OutputValue | undefined>>
}

/** In place of a verdict: the agent has nothing to judge by, and `on_error` decides. */
export const byPolicy = ''

/** The arguments of a message, by the names of {@link MessageSpec.args}. */
export type ServiceArguments = Readonly<Record<string, unknown>>

/** A message that an agent answers. */
export interface MessageSpec {
  /** Behind the agent's name and a dash; empty for the main message, which has the agent's name alone. */
  readonly suffix: string
  /** Declared as for `agent.message`. HAProxy sends NULL for what it cannot fetch: mark what may be missing with `?`. */
  readonly args: Schema
  /** How `sluice snippet` fetches them; an argument without a sample is left out there. */
  readonly samples: Readonly<Record<string, string>>
  /** The event of SPOE on which `sluice snippet` sends it. */
  readonly event: string
}

/** Something that an agent depends on: a list, a database, a store. */
export interface SourceState {
  /** As status page and metrics call it. */
  readonly name: string
  /** Whether it can be used as it is now. */
  readonly ok: boolean
  /** Whether the agent is not ready without it: health checks fail then, and `/readyz` too. */
  readonly required: boolean
  /** Seconds since its data were made or fetched. */
  readonly ageSeconds?: number | undefined
  /** From this age on the data are stale: the status page and a metric tell, and they are used nevertheless. */
  readonly maxAgeSeconds?: number | undefined
  /** What the last call took, in milliseconds. */
  readonly latencyMs?: number | undefined
  /** How many entries it has. */
  readonly entries?: number | undefined
  /** What is wrong, or worth knowing; one line. */
  readonly detail?: string | undefined
}

/** A ready agent with its configuration and its data: made by {@link ReadyAgent.create}, replaced as a whole by a reload. */
export interface Service {
  /**
   * Answers one message; `suffix` says which. What it throws, and what takes longer than the deadline, is answered for by the
   * failure policy. An answer that is no promise leaves in the turn in which it was asked for.
   */
  answer(args: ServiceArguments, context: Context, suffix: string): Answer | PromiseLike<Answer>
  /** Asked for each health check and each scrape: it must be cheap. */
  sources?(): readonly SourceState[]
  /** Looks at its data now, where it would later: SIGHUP asks for it. What comes of it is told as always. */
  refresh?(): void
  /** Ends timers, watchers and connections. What was asked before may still be answered meanwhile. */
  close?(): void | PromiseLike<void>
}

/** What {@link ReadyAgent.create} is given beside its configuration. */
export interface ServiceEnvironment {
  /** The name of the entry in the configuration. */
  readonly name: string
  /** Paths of the configuration are relative to this folder. */
  readonly folder: string
  /** Shared by all agents of the host: a line says whose it is. */
  readonly logger: Logger
  /** Milliseconds that an answer may take: whoever waits for something must give up before. */
  readonly deadline: number
  /** At a reload, what is replaced: data that are still right may be taken from it. It goes on answering until `create` is done. */
  readonly previous: Service | undefined
}

/** A ready agent; `Config` is what its schema makes. */
export interface ReadyAgent<Config = unknown> {
  /** One line. */
  readonly about: string
  /** Checks what stands in the agent's entry of the configuration, without the keys that all agents have. */
  readonly schema: StandardSchema<Config>
  /** The verdict that is given when there is no answer, unless the configuration says otherwise. */
  readonly onError: OnError
  /** Every verdict that an answer may have. `allow` and `deny` are always among them. */
  readonly verdicts: readonly string[]
  /** The verdicts with which a request goes on: `ok` is true then. */
  readonly passing: readonly string[]
  /** What it can set, by the name of the variable. */
  readonly outputs: Readonly<Record<string, OutputSpec>>
  /** Those that are sent when the configuration does not say which. @default all */
  readonly usualOutputs?: readonly string[]
  /** What it answers; the first is the main one. */
  readonly messages: readonly [MessageSpec, ...MessageSpec[]]
  /** Whether its verdict may live in `sess`: only when it depends on nothing but the connection. @default false */
  readonly perConnection?: boolean
  /** Rules of haproxy.cfg for its verdicts, for `sluice snippet`; `variable('score')` is the name of an output. */
  rules(variable: (output: string) => string): readonly string[]
  /** Makes the agent ready to answer. Data that cannot be had are a source that is not ok, not an error. */
  create(config: Config, environment: ServiceEnvironment): Service | PromiseLike<Service>
}

/** What is answered when there is no answer: `open` lets the request pass, `closed` does not. */
export type OnError = 'open' | 'closed'

/** The outputs that the frame sets for every agent. */
export const commonOutputs: Readonly<Record<string, OutputSpec>> = {
  ok: { reset: false, about: 'whether the request may go on' },
  verdict: { reset: '', about: 'what to do' },
  reason: { reset: '', about: 'why, as a short code' },
  took_us: { reset: 0, about: 'microseconds that the answer took in the agent' },
}

/**
 * Gives a ready agent its types: `export default defineReadyAgent({ … })` in a file that `use:` names.
 */
export function defineReadyAgent<Config>(agent: ReadyAgent<Config>): ReadyAgent<Config> {
  return agent
}
