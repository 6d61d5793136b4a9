/** Which names of variables HAProxy takes: what it would drop, or cut, is refused where it is set. */
import { Buffer } from 'node:buffer'
import { show } from '../base/options.ts'
import { Writer } from '../bytes/writer.ts'
import { encodeSetVarHead, scopeCode, scopes, type Scope } from '../spop/ack.ts'
import { AgentError } from './errors.ts'

/** HAProxy takes these characters (configuration.txt, `set-var`). */
const namePattern = /^[a-zA-Z0-9_.]+$/
/**
 * HAProxy writes scope, prefix and name, with dots between them, into 64 bytes, the last of which is the end (`spoe_set_var`,
 * src/flt_spoe.c): what is longer is another variable, and is dropped since 3.5.
 */
const longestFullName = 63
/** What a prefix is taken to have when none is told. */
const usualPrefixSize = 3
/** Names are few, but a handler may make them up: the memory for them is bounded. */
const maxKnownNames = 4096

/** Whether something may stand behind HAProxy's `option var-prefix`. */
export function complaintOfPrefix(prefix: string): string | undefined {
  return namePattern.test(prefix) && prefix.length <= 50
    ? undefined
    : "must be what HAProxy's option var-prefix says: 1 to 50 of a-z, A-Z, 0-9, '.' and '_'"
}

/** Checks names, given the prefix that HAProxy puts between scope and name, and remembers how they are written. */
export class VariableNames {
  readonly prefix: string | undefined
  /** Those that may stand behind every scope, and how an action begins that sets them, by the number of the scope. */
  readonly #known = new Map<string, (Buffer | undefined)[]>()

  constructor(prefix: string | undefined) {
    this.prefix = prefix
  }

  /** @throws AgentError `ERR_AGENT_VAR_NAME` naming the variable and what is wrong with it. */
  check(scope: Scope, name: string): void {
    if (!this.#known.has(name)) this.#checkNew(scope, name)
  }

  #checkNew(scope: Scope, name: string): void {
    if (typeof name !== 'string' || !namePattern.test(name)) {
      throw new AgentError('ERR_AGENT_VAR_NAME', `${show(name)}; use a-z, A-Z, 0-9, '.' and '_'`)
    }
    // What is no scope is for the encoder to say.
    if (scopes.includes(scope) && name.length > this.#room(scope)) this.#refuse(scope, name)
    const behindAll = scopes.every((each) => name.length <= this.#room(each))
    if (behindAll && this.#known.size < maxKnownNames) this.#known.set(name, [])
  }

  /**
   * How an action begins that sets this variable: all of it but the value.
   * @throws as {@link VariableNames.check}; SpopError `ERR_SPOP_VALUE` for what is no scope.
   */
  headOf(scope: Scope, name: string): Buffer {
    return this.#known.get(name)?.[scopeCode(scope)] ?? this.#learn(scope, name)
  }

  #learn(scope: Scope, name: string): Buffer {
    this.check(scope, name)
    const writer = new Writer(name.length + 4)
    encodeSetVarHead(writer, scope, name)
    const head = Buffer.from(writer.view())
    const heads = this.#known.get(name)
    if (heads !== undefined) heads[scopeCode(scope)] = head
    return head
  }

  /** Characters that a name may have. */
  #room(scope: Scope): number {
    return longestFullName - scope.length - 1 - (this.prefix?.length ?? usualPrefixSize) - 1
  }

  #refuse(scope: Scope, name: string): never {
    const most = this.#room(scope)
    const before = `'${scope}.${this.prefix ?? '???'}.'`
    const why = `'${name}' has ${name.length} characters, and HAProxy takes ${most} behind ${before}`
    const remedy =
      this.prefix === undefined
        ? "; give createAgent HAProxy's option var-prefix as varPrefix, if it is not of three"
        : ''
    throw new AgentError('ERR_AGENT_VAR_NAME', `${why}${remedy}`)
  }
}
