/**
 * The actions of one message: they are encoded as they are set. While a handler runs synchronously they go straight
 * into the connection's outgoing buffer; when it turns out to be asynchronous they move to a buffer of their own.
 */
import { Writer } from '../bytes/writer.ts'
import { encodeSetVar, encodeUnsetVar, type Scope } from '../spop/ack.ts'
import type { Value } from '../spop/typed-data.ts'
import { AgentError } from './errors.ts'

/** What a handler may tell HAProxy to do. */
export interface Actions {
  /**
   * Sets a variable. HAProxy puts the agent's `var-prefix` between scope and name, and ignores variables that its
   * configuration does not mention, unless `register-var-names` or `option force-set-var` says otherwise.
   *
   * Returns whether the action will be sent: not when it no longer fits the frame, and not after the answer has
   * left (a deadline has passed).
   * @throws AgentError `ERR_AGENT_VAR_NAME`; SpopError `ERR_SPOP_VALUE` for a value that has no SPOP form.
   */
  setVar(scope: Scope, name: string, value: Value): boolean
  /** Unsets a variable; returns and throws as {@link Actions.setVar}. */
  unsetVar(scope: Scope, name: string): boolean
}

/** What happened to actions that were set. */
export interface ActionLosses {
  /** An action did not fit. */
  oversized: boolean
  /** An action came after the answer had left. */
  late: boolean
}

/** HAProxy takes these characters (configuration.txt, `set-var`). */
const namePattern = /^[a-zA-Z0-9_.]+$/
/** Before 3.5 HAProxy truncates longer names, since then it drops them; with scope and prefix 63 characters count. */
const maxNameSize = 60
/** Names are few, but a handler may make them up: the memory for them is bounded. */
const maxKnownNames = 4096
const knownNames = new Set<string>()

function checkName(name: string): void {
  if (knownNames.has(name)) return
  if (!namePattern.test(name) || name.length > maxNameSize) {
    throw new AgentError(
      'ERR_AGENT_VAR_NAME',
      `'${name}'; use a-z, A-Z, 0-9, '.' and '_', at most ${maxNameSize} characters`,
    )
  }
  if (knownNames.size < maxKnownNames) knownNames.add(name)
}

/** The {@link Actions} of one message in an outgoing buffer. */
export class ActionWriter implements Actions {
  #writer: Writer
  /** Where the actions of this message begin in the buffer. */
  #start: number
  /** The buffer must not grow beyond this. */
  #limit: number
  #closed = false
  readonly losses: ActionLosses = { oversized: false, late: false }

  constructor(writer: Writer, limit: number) {
    this.#writer = writer
    this.#start = writer.at
    this.#limit = limit
  }

  setVar(scope: Scope, name: string, value: Value): boolean {
    checkName(name)
    if (this.#closed) return this.#refuseLate()
    const at = this.#writer.at
    encodeSetVar(this.#writer, scope, name, value)
    return this.#writer.at <= this.#limit || this.#refuseOversized(at)
  }

  unsetVar(scope: Scope, name: string): boolean {
    checkName(name)
    if (this.#closed) return this.#refuseLate()
    const at = this.#writer.at
    encodeUnsetVar(this.#writer, scope, name)
    return this.#writer.at <= this.#limit || this.#refuseOversized(at)
  }

  #refuseLate(): false {
    this.losses.late = true
    return false
  }

  #refuseOversized(at: number): false {
    this.#writer.reset(at)
    this.losses.oversized = true
    return false
  }

  /** Moves what was set so far into a buffer of its own: the handler goes on later. */
  detach(): void {
    const own = new Writer(256)
    own.copy(this.#writer.bytes, this.#start, this.#writer.at)
    this.#limit -= this.#start
    this.#writer.reset(this.#start)
    this.#writer = own
    this.#start = 0
  }

  /** Takes back everything that was set. */
  clear(): void {
    this.#writer.reset(this.#start)
  }

  /** The encoded actions; only after {@link ActionWriter.detach}. */
  view(): Buffer {
    return this.#writer.view()
  }

  /** Appends actions that were encoded elsewhere, in a worker thread for example. */
  appendEncoded(bytes: Uint8Array): void {
    if (this.#closed) {
      this.losses.late = true
      return
    }
    const at = this.#writer.at
    this.#writer.copy(bytes)
    if (this.#writer.at > this.#limit) this.#refuseOversized(at)
  }

  /** Nothing that comes later counts. */
  seal(): void {
    this.#closed = true
  }
}
