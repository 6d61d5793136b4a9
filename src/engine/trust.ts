/**
 * What an engine has seen of a server: `up` when nothing is held against it, `failing` when the last attempt failed, `down`
 * when that has gone on.
 */
export type ServerTrust = 'up' | 'failing' | 'down'

/** Milliseconds, and a count. */
export interface TrustOptions {
  readonly maxFailures: number
  readonly minBackoff: number
  readonly maxBackoff: number
}

/** What happens to a server. */
export type TrustEvent = 'failed' | 'failedOften' | 'proved'

/** What becomes of the states; docs/engine.md is drawn from it. */
export const trustTransitions = {
  up: { failed: 'failing', failedOften: 'down', proved: 'up' },
  failing: { failed: 'failing', failedOften: 'down', proved: 'up' },
  down: { failed: 'down', failedOften: 'down', proved: 'up' },
} as const satisfies Record<ServerTrust, Record<TrustEvent, ServerTrust>>

/** What there is of connections to a server. */
export interface Attempts {
  /** Connections that are being made or greeted. */
  readonly connecting: number
  /** Connections that may carry exchanges. */
  readonly open: number
  /** Whether one of those has not answered anything yet. */
  readonly unproven: boolean
}

/**
 * Paces the attempts to connect to a server. Pure: time and chance are arguments.
 *
 * A server that is up may have as many connections as are needed; the first of them goes ahead, for if it is refused, the
 * others would be as well. A server that has failed gets one attempt at a time, the first at once, the next ones after a
 * wait that doubles up to a limit: whoever asks meanwhile shares it. HAProxy has no such thing: while an agent is away it
 * reconnects in a loop, thousands of times a second.
 */
export class Trust {
  readonly #options: TrustOptions
  #state: ServerTrust = 'up'
  #failures = 0
  #backoff: number
  #retryAt = 0

  constructor(options: TrustOptions) {
    this.#options = options
    this.#backoff = options.minBackoff
  }

  get state(): ServerTrust {
    return this.#state
  }

  /** When the next attempt is allowed; meaningful when it is not up. */
  get retryAt(): number {
    return this.#retryAt
  }

  /** Whether one more connection may be attempted. */
  allows(now: number, { connecting, open, unproven }: Attempts): boolean {
    if (this.#state === 'up') return connecting === 0 || open > 0
    return now >= this.#retryAt && connecting === 0 && !unproven
  }

  /** The server has answered. Answers whether it was down before. */
  prove(): boolean {
    const news = this.#state === 'down'
    this.#state = trustTransitions[this.#state].proved
    this.#failures = 0
    this.#backoff = this.#options.minBackoff
    return news
  }

  /** A failure; `chance` is from 0 to 1. Answers whether the server is down from now on and was not before. */
  fail(now: number, chance: number): boolean {
    // Of attempts that were made together, the first failure says it all.
    if (this.#state !== 'up' && now < this.#retryAt) return false
    this.#failures++
    const before = this.#state
    const often = this.#failures >= this.#options.maxFailures
    this.#state = trustTransitions[before][often ? 'failedOften' : 'failed']
    // Between half and all of the backoff, so that many engines do not come back in step.
    this.#retryAt = now + this.#backoff * (0.5 + chance / 2)
    this.#backoff = Math.min(this.#backoff * 2, this.#options.maxBackoff)
    return before !== 'down' && this.#state === 'down'
  }
}
