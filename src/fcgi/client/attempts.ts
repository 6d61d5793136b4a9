import { isIdempotent, mayRepeat, useOfKept } from '../../http1/index.ts'
import type { Loss } from './connection-roles.ts'
import type { FcgiConnection } from './connection.ts'
import type { FcgiProgress } from './exchange-types.ts'

/** Of the options of a client, those that say what is sent again. */
export interface AttemptLimits {
  readonly maxRetries: number
  readonly retryUnsafe: boolean
}

/** How a request was sent so far: how often, how far the last attempt has come, and which connection the next one may have. */
export class Attempts {
  count = 0
  /** Of the last one. */
  progress: FcgiProgress = 'unsent'
  /** Whether the connection of the last one had been in use before it. */
  reused = false
  /** Whether an attempt has met the end of a connection: one that has been in use may end likewise. */
  #fresh = false
  #tried: Set<string> | undefined
  readonly #limits: AttemptLimits
  /** Whether the application may run it twice. */
  readonly #idempotent: boolean

  constructor(method: string, limits: AttemptLimits) {
    this.#limits = limits
    this.#idempotent = limits.retryUnsafe || isIdempotent(method)
  }

  /** Addresses that were tried and failed. */
  get tried(): Set<string> {
    return (this.#tried ??= new Set())
  }

  /** Whether a connection may have it. @param isHeld - whether all that is sent of it is kept. */
  takes({ served, liveness }: FcgiConnection, isHeld: boolean): boolean {
    if (served === 0) return true
    return !this.#fresh && useOfKept(this.#idempotent && isHeld, liveness) === 'use'
  }

  /** It is on a connection; `isKnown` says that its application has answered others there. */
  begun(isKnown: boolean): void {
    this.count++
    this.reused = isKnown
    this.progress = 'sent'
  }

  /** The connection of the last attempt has gone. Answers whether nothing of the request has left. */
  lost({ sent, reused }: Loss): boolean {
    const notRun = !sent && this.progress === 'sent'
    if (notRun) this.progress = 'unsent'
    this.reused = reused
    return notRun
  }

  /** Behind `lost`, and before a byte of the answer: whether another attempt is allowed. */
  mayFollowLoss(): boolean {
    const { progress, reused } = this
    const unsent = progress === 'unsent'
    return mayRepeat({ idempotent: this.#idempotent, reused, unsent }) && this.mayFollow
  }

  /** Whether the limit allows another attempt. */
  get mayFollow(): boolean {
    return this.count <= this.#limits.maxRetries
  }

  /** There will be another one. @param metEnd - whether a connection has ended under the last. */
  again(metEnd: boolean): void {
    this.#fresh = metEnd
  }
}
