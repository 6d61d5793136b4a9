/** Handlers, middleware, and the table that finds them by message name. */
import { Buffer } from 'node:buffer'
import { isAt } from '../bytes/known-bytes.ts'
import { latin1Text } from '../bytes/latin1.ts'
import type { Reader } from '../bytes/reader.ts'
import { UsageError } from '../base/errors.ts'
import { longestTimer } from '../base/clock.ts'
import { optional, optionalInteger, resolveOptions, show, type Specs } from '../base/options.ts'
import type { Message } from '../spop/notify.ts'
import { readVarint } from '../spop/varint.ts'
import type { Actions } from './actions.ts'
import type { ArgumentsOf, Schema } from './arguments/types.ts'
import { ArgumentDecoder } from './arguments/decoder.ts'
import type { Context } from './context.ts'
import { AgentError } from './errors.ts'
import { MessageMetrics, type AgentMetrics } from './metrics.ts'
import { Forgotten, Outrun, type LateListener, type Mistakes } from './mistakes.ts'
import type { Fallback } from './options.ts'
import { readinessOf } from './readiness.ts'

/** What a handler may return: nothing, or what its last `setVar` did. Neither is looked at. */
export type Answered = void | boolean

/**
 * Answers one kind of message by setting actions. Returning (or resolving) is the answer; throwing (or rejecting) makes
 * the fallback answer. A handler that returns no promise is answered for in the same turn of the event loop.
 */
export type Handler<S extends Schema> = (
  args: ArgumentsOf<S>,
  actions: Actions,
  context: Context,
) => Answered | PromiseLike<Answered>

/** As {@link Handler}, for messages without declared arguments. */
export type MessageHandler = (
  message: Message,
  actions: Actions,
  context: Context,
) => Answered | PromiseLike<Answered>

/** How one kind of message departs from the agent's options. */
export interface MessageOptions {
  /** As `AgentOptions.deadline`, in milliseconds. @default the agent's */
  deadline?: number | undefined
  /** As `AgentOptions.fallback`. @default the agent's */
  fallback?: Fallback | undefined
}

/** What became of a message, for {@link Middleware.after}. */
export interface MessageOutcome {
  /** `oversized`: the actions did not fit; see `AgentOptions.tooManyActions`. */
  readonly status: 'ok' | 'error' | 'deadline' | 'overload' | 'oversized'
  /** What was thrown, or what says which limit was broken; undefined with `ok`. */
  readonly error: unknown
  /** Milliseconds from the message's turn to its result. */
  readonly duration: number
}

/** Runs around every handler. */
export interface Middleware {
  /** Before the handler; throwing keeps the handler from being called, and the fallback answers. */
  before?(context: Context): void | PromiseLike<void>
  /** After the result is known and recorded. What it throws, or rejects with, is logged; nobody waits for it. */
  after?(context: Context, outcome: MessageOutcome): void
}

/** @throws UsageError `ERR_SLUICE_OPTION` for what would be called never, or in vain. */
export function checkMiddleware(given: Middleware): Middleware {
  const types = [typeof given?.before, typeof given?.after].filter((type) => type !== 'undefined')
  if (types.length > 0 && types.every((type) => type === 'function')) return given
  throw new UsageError('ERR_SLUICE_OPTION', 'use(): middleware must have a function before, after, or both')
}

/** A registered message, ready to be called. */
export interface Registration {
  /** `*` for the catch-all. */
  readonly name: string
  /** Undefined: the handler gets the whole message. */
  readonly decoder: ArgumentDecoder | undefined
  readonly handler: Handler<Schema> | MessageHandler
  readonly deadline: number | undefined
  readonly fallback: Fallback | undefined
  readonly metrics: MessageMetrics
  /** Hears of actions that come after the handler was done. */
  readonly forgotten: LateListener
  /** Hears of those that come after somebody else had answered. */
  readonly outrun: LateListener
}

const specs: Specs<MessageOptions> = {
  deadline: optionalInteger({ max: longestTimer }),
  fallback: optional('function'),
}

/** A registered message and the bytes of its name. */
interface Entry {
  readonly name: Buffer
  readonly registration: Registration
}

/** Of so many names, to compare one after the other is cheaper than to make a string of the bytes. */
const fewNames = 8

/** Puts something around handlers of any kind. */
export interface HandlerWrapper {
  wrap<Args, Result>(
    handler: (args: Args, actions: Actions, context: Context) => Result,
  ): (args: Args, actions: Actions, context: Context) => Result
}

/** So many bytes of a name that nobody wants are told. */
const longestShown = 100

/** The messages of an agent. */
export class HandlerTable {
  readonly #metrics: AgentMetrics
  readonly #names = new Set<string>()
  /** Names are few and of different lengths: comparing bytes beats making a string to look up. */
  readonly #byLength = new Map<number, Entry[]>()
  /** By the bytes of the name, one character each: where many are of one length. */
  readonly #byBytes = new Map<string, Registration>()
  #otherwise: Registration | undefined
  readonly #waits = new Set<() => Promise<void>>()
  readonly #mistakes: Mistakes
  readonly #tracing: HandlerWrapper | undefined
  /** The name that {@link HandlerTable.read} read last; of one that nobody wants, its beginning. */
  name = ''

  /** `tracing` wraps each handler. */
  constructor(metrics: AgentMetrics, mistakes: Mistakes, tracing?: HandlerWrapper) {
    this.#tracing = tracing
    this.#metrics = metrics
    this.#mistakes = mistakes
  }

  get names(): string[] {
    return [...this.#names]
  }

  /** @throws AgentError `ERR_AGENT_DUPLICATE`, `ERR_AGENT_SCHEMA`; UsageError `ERR_SLUICE_OPTION`. */
  add(
    name: string,
    schema: Schema | undefined,
    handler: Handler<Schema> | MessageHandler,
    options: MessageOptions,
  ): void {
    if (typeof name !== 'string') {
      throw new UsageError('ERR_SLUICE_OPTION', `message(): the name must be a text, not ${show(name)}`)
    }
    checkHandler(name, handler)
    if (this.#names.has(name)) throw new AgentError('ERR_AGENT_DUPLICATE', `'${name}'`)
    const decoder = schema === undefined ? undefined : new ArgumentDecoder(name, schema)
    const registration = this.#register(name, decoder, handler, options)
    this.#names.add(name)
    const bytes = Buffer.from(name)
    const entries = this.#byLength.get(bytes.length) ?? []
    entries.push({ name: bytes, registration })
    this.#byLength.set(bytes.length, entries)
    this.#byBytes.set(bytes.toString('latin1'), registration)
  }

  #register(
    name: string,
    decoder: ArgumentDecoder | undefined,
    handler: Handler<Schema> | MessageHandler,
    options: MessageOptions,
  ): Registration {
    const { deadline, fallback } = resolveOptions(specs, options, `message '${name}'`)
    const wait = readinessOf(handler)
    if (wait !== undefined) this.#waits.add(wait)
    const metrics = this.#metrics.message(name)
    const forgotten = new Forgotten(name, this.#metrics, this.#mistakes)
    const called = this.#tracing === undefined ? handler : this.#tracing.wrap(handler as MessageHandler)
    return {
      name,
      decoder,
      handler: called,
      deadline,
      fallback,
      metrics,
      forgotten,
      outrun: new Outrun(metrics),
    }
  }

  /** The handler of all other messages. Their metrics are counted together: names come from outside. */
  setOtherwise(handler: MessageHandler, options: MessageOptions): void {
    checkHandler('*', handler)
    if (this.#otherwise !== undefined) throw new AgentError('ERR_AGENT_DUPLICATE', 'the catch-all')
    this.#otherwise = this.#register('*', undefined, handler, options)
  }

  /** Resolves when all handlers can answer. */
  async ready(): Promise<void> {
    await Promise.all([...this.#waits].map((wait) => wait()))
  }

  /** Reads a message name and finds its registration; undefined when nobody wants it. */
  read(reader: Reader): Registration | undefined {
    const size = readVarint(reader)
    const start = reader.skip(size)
    const { bytes } = reader
    const registration = this.#find(bytes, start, size)
    if (registration !== undefined) {
      this.name = registration.name
      return registration
    }
    const shown = this.#otherwise === undefined ? Math.min(size, longestShown) : size
    this.name = bytes.toString('utf8', start, start + shown)
    return this.#otherwise
  }

  #find(bytes: Buffer, start: number, size: number): Registration | undefined {
    const entries = this.#byLength.get(size)
    if (entries === undefined) return undefined
    if (entries.length > fewNames) return this.#byBytes.get(latin1Text(bytes, start, start + size))
    for (let index = 0; index < entries.length; index++) {
      const { name, registration } = entries[index] as Entry // within bounds
      if (isAt(bytes, start, size, name)) return registration
    }
    return undefined
  }
}

function checkHandler(name: string, handler: unknown): void {
  if (typeof handler === 'function') return
  throw new UsageError('ERR_SLUICE_OPTION', `message '${name}': the handler must be a function`)
}
