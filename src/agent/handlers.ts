/** Handlers, middleware, and the table that finds them by message name. */
import type { Reader } from '../bytes/reader.ts'
import type { Message } from '../spop/notify.ts'
import { readVarint } from '../spop/varint.ts'
import type { Actions } from './actions.ts'
import { ArgumentDecoder, type ArgumentsOf, type Schema } from './arguments.ts'
import type { Context } from './context.ts'
import { AgentError } from './errors.ts'
import { MessageMetrics, type AgentMetrics } from './metrics.ts'
import type { Fallback } from './options.ts'

/**
 * Answers one kind of message by setting actions. Returning (or resolving) is the answer; throwing (or rejecting) makes
 * the fallback answer. A handler that returns no promise is answered for in the same turn of the event loop.
 */
export type Handler<S extends Schema> = (
  args: ArgumentsOf<S>,
  actions: Actions,
  context: Context,
) => void | PromiseLike<void>

/** As {@link Handler}, for messages without declared arguments. */
export type MessageHandler = (
  message: Message,
  actions: Actions,
  context: Context,
) => void | PromiseLike<void>

/** How one kind of message departs from the agent's options. */
export interface MessageOptions {
  /** As `AgentOptions.deadline`, in milliseconds. @default the agent's */
  deadline?: number
  /** As `AgentOptions.fallback`. @default the agent's */
  fallback?: Fallback
}

/** What became of a message, for {@link Middleware.after}. */
export interface MessageOutcome {
  readonly status: 'ok' | 'error' | 'deadline' | 'overload'
  readonly error: unknown
  /** Milliseconds from the message's turn to its result. */
  readonly duration: number
}

/** Runs around every handler. */
export interface Middleware {
  /** Before the handler; throwing keeps the handler from being called, and the fallback answers. */
  before?(context: Context): void | PromiseLike<void>
  /** After the result is known and recorded. What it throws is logged. */
  after?(context: Context, outcome: MessageOutcome): void
}

/** A registered message, ready to be called. */
export interface Registration {
  readonly name: string
  /** The name in metrics and logs: `*` for the catch-all, because names come from outside and would fill the memory. */
  readonly label: string
  /** Undefined: the handler gets the whole message. */
  readonly decoder: ArgumentDecoder | undefined
  readonly handler: Handler<Schema> | MessageHandler
  readonly deadline: number | undefined
  readonly fallback: Fallback | undefined
  readonly metrics: MessageMetrics
}

/** The messages of an agent. */
export class HandlerTable {
  readonly #metrics: AgentMetrics
  readonly #byName = new Map<string, Registration>()
  #otherwise: Omit<Registration, 'name'> | undefined
  /** HAProxy asks the same question again and again: the last name is compared before anything is looked up. */
  #lastName = Buffer.alloc(0)
  #last: Registration | undefined

  constructor(metrics: AgentMetrics) {
    this.#metrics = metrics
  }

  get names(): string[] {
    return [...this.#byName.keys()]
  }

  /** @throws AgentError `ERR_AGENT_DUPLICATE`, `ERR_AGENT_SCHEMA`. */
  add(
    name: string,
    schema: Schema | undefined,
    handler: Handler<Schema> | MessageHandler,
    options: MessageOptions,
  ): void {
    if (this.#byName.has(name)) throw new AgentError('ERR_AGENT_DUPLICATE', `'${name}'`)
    this.#byName.set(name, {
      name,
      label: name,
      decoder: schema === undefined ? undefined : new ArgumentDecoder(name, schema),
      handler,
      deadline: options.deadline,
      fallback: options.fallback,
      metrics: this.#metrics.message(name),
    })
    this.#lastName = Buffer.alloc(0)
    this.#last = undefined
  }

  /** The handler of all other messages. Their metrics are counted together: names come from outside. */
  setOtherwise(handler: MessageHandler, options: MessageOptions): void {
    if (this.#otherwise !== undefined) throw new AgentError('ERR_AGENT_DUPLICATE', 'the catch-all')
    this.#otherwise = {
      label: '*',
      decoder: undefined,
      handler,
      deadline: options.deadline,
      fallback: options.fallback,
      metrics: this.#metrics.message('*'),
    }
  }

  /** Reads a message name and finds its registration; undefined when nobody wants it. */
  read(reader: Reader): Registration | undefined {
    const size = readVarint(reader)
    const start = reader.skip(size)
    const { bytes } = reader
    const last = this.#lastName
    if (this.#last !== undefined && size === last.length) {
      let index = 0
      while (index < size && bytes[start + index] === last[index]) index++
      if (index === size) return this.#last
    }
    return this.#find(bytes.toString('utf8', start, start + size))
  }

  #find(name: string): Registration | undefined {
    const found = this.#byName.get(name)
    if (found !== undefined) {
      this.#lastName = Buffer.from(name)
      this.#last = found
      return found
    }
    return this.#otherwise === undefined ? undefined : { ...this.#otherwise, name }
  }
}
