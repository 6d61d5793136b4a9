import { monotonic } from '../base/clock.ts'
import { isAbortSignal, onAbort } from '../base/on-abort.ts'
import type { UsageError } from '../base/errors.ts'
import {
  integer,
  milliseconds,
  refuseArgument,
  resolveOptions,
  type Resolved,
  type Specs,
} from '../base/options.ts'

/** See each key. Times are milliseconds. */
export interface CorrelationStoreOptions {
  /** How long a value is kept: longer than the slowest response. @default 60000 */
  ttl?: number | undefined
  /** Values that are kept; the oldest goes for a new one. @default 100000 */
  maxEntries?: number | undefined
  /** {@link CorrelationStore.wait}s that may be waiting; more answer undefined at once. @default 10000 */
  maxWaiting?: number | undefined
}

const specs: Specs<CorrelationStoreOptions> = {
  ttl: milliseconds(60_000, { min: 1 }),
  maxEntries: integer(100_000, { min: 1 }),
  maxWaiting: integer(10_000),
}

/** What a {@link CorrelationStore} counts. */
export interface CorrelationStats {
  /** Values that are kept. */
  readonly size: number
  /** Waits that are waiting. */
  readonly waiting: number
  /** Values that went for newer ones before their time, and before they were taken. */
  readonly evicted: number
  /** Values whose time passed before they were taken. */
  readonly expired: number
  /** Waits that ended without a value: timed out, aborted, or too many. */
  readonly missed: number
}

interface Entry<Value> {
  readonly value: Value
  readonly expiresAt: number
}

function checkKey(method: string, key: string): void {
  if (typeof key !== 'string') refuseArgument(`${method}: the key`, 'must be a string', key)
}

/** How often waits and old values are looked after while there are any: a wait may take as much longer. */
const sweepInterval = 20

class Waiter<Value> {
  readonly key: string
  readonly deadline: number
  readonly #resolve: (value: Value | undefined) => void
  readonly #forgetSignal: (() => void) | undefined

  constructor(
    key: string,
    deadline: number,
    resolve: (value: Value | undefined) => void,
    signal: AbortSignal | undefined,
    onAborted: () => void,
  ) {
    this.key = key
    this.deadline = deadline
    this.#resolve = resolve
    this.#forgetSignal = signal === undefined ? undefined : onAbort(signal, onAborted)
  }

  settle(value: Value | undefined): void {
    this.#forgetSignal?.()
    this.#resolve(value)
  }
}

/**
 * From a request to its response: what a message about the one has found out, for the message about the other. The ids of
 * frames will not do (from HAProxy 3.1 on each NOTIFY has its own), so both messages carry `unique-id` as an argument.
 *
 * Values are kept in the order in which they were set, so the oldest is found at once; there is no
 * timer per value or wait, but one for all, which stands still while there is nothing to do and keeps the process alive only
 * while somebody waits.
 *
 * @example
 * ```ts
 * import { createAgent, CorrelationStore } from 'sluice/agent'
 *
 * const users = new CorrelationStore<string>({ ttl: 30_000 })
 * const agent = createAgent()
 * // spoe-message request: args id=unique-id user=req.hdr(x-user), event on-frontend-http-request
 * agent.message('request', { id: 'string', user: 'string?' }, ({ id, user }) => users.set(id, user ?? 'nobody'))
 * // spoe-message response: args id=unique-id code=status, event on-http-response
 * agent.message('response', { id: 'string', code: 'integer' }, ({ id, code }, actions) => {
 *   const user = users.take(id)
 *   if (user !== undefined && code === 401) actions.setVar('txn', 'refused_user', user)
 * })
 * ```
 */
export class CorrelationStore<Value> {
  readonly #options: Resolved<CorrelationStoreOptions>
  readonly #now: () => number
  /** In order of age: a Map keeps the order of insertion. */
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #waiters = new Map<string, Set<Waiter<Value>>>()
  #waiting = 0
  #evicted = 0
  #expired = 0
  #missed = 0
  #sweeper: NodeJS.Timeout | undefined

  /**
   * `now` is the clock, for tests.
   * @throws UsageError `ERR_SLUICE_OPTION`.
   */
  constructor(options: CorrelationStoreOptions = {}, now: () => number = monotonic) {
    this.#options = resolveOptions(specs, options, 'CorrelationStore')
    if (typeof now !== 'function') refuseArgument('CorrelationStore: the clock', 'must be a function', now)
    this.#now = now
  }

  /**
   * Keeps a value, for `ttl` milliseconds from now; a value that the key had is replaced. Whoever waits for the key gets
   * the value, and it is not kept then.
   * @throws UsageError `ERR_SLUICE_OPTION` when the key is no string.
   */
  set(key: string, value: Value): void {
    checkKey('set', key)
    const waiters = this.#waiters.get(key)
    if (waiters !== undefined) {
      this.#entries.delete(key)
      for (const waiter of waiters) this.#settle(waiter, value)
      return
    }
    this.#entries.delete(key) // so that the key becomes the youngest
    this.#dropExpired()
    if (this.#entries.size >= this.#options.maxEntries) this.#dropOldest()
    this.#entries.set(key, { value, expiresAt: this.#now() + this.#options.ttl })
    this.#watch()
  }

  /** The value of a key, which stays; undefined when there is none, or its time has passed. */
  get(key: string): Value | undefined {
    checkKey('get', key)
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt > this.#now()) return entry.value
    this.#entries.delete(key)
    this.#expired++
    return undefined
  }

  /** The value of a key, which goes: what is taken is neither evicted nor expired. */
  take(key: string): Value | undefined {
    const value = this.get(key)
    this.#entries.delete(key)
    return value
  }

  /** Forgets a key; answers whether it was there. */
  delete(key: string): boolean {
    checkKey('delete', key)
    return this.#entries.delete(key)
  }

  /**
   * The value of a key as by {@link CorrelationStore.take}, now or when it is set: for the side that may come first. Resolves to
   * undefined after `timeout` milliseconds (a little later, never earlier), when `signal` is aborted (hand it the
   * handler's), or at once when too many wait.
   * @throws UsageError `ERR_SLUICE_OPTION`, as a rejection, for a wrong key, timeout or signal; nothing else rejects.
   */
  wait(key: string, timeout: number, signal?: AbortSignal): Promise<Value | undefined> {
    try {
      checkKey('wait', key)
      // Compared so that NaN is refused, too.
      if (typeof timeout !== 'number' || !(timeout >= 0)) {
        refuseArgument('wait: the timeout', 'must be a number of milliseconds from 0', timeout)
      }
      if (signal !== undefined && !isAbortSignal(signal)) {
        refuseArgument('wait: the signal', 'must be an AbortSignal', signal)
      }
    } catch (error) {
      return Promise.reject(error as UsageError)
    }
    const value = this.take(key)
    if (value !== undefined) return Promise.resolve(value)
    if (timeout === 0 || signal?.aborted === true || this.#waiting >= this.#options.maxWaiting) {
      this.#missed++
      return Promise.resolve(undefined)
    }
    return new Promise((resolve) => {
      const waiter: Waiter<Value> = new Waiter(key, this.#now() + timeout, resolve, signal, () =>
        this.#miss(waiter),
      )
      const others = this.#waiters.get(key)
      if (others === undefined) this.#waiters.set(key, new Set([waiter]))
      else others.add(waiter)
      this.#waiting++
      this.#watch().ref()
    })
  }

  #miss(waiter: Waiter<Value>): void {
    this.#missed++
    this.#settle(waiter, undefined)
  }

  #settle(waiter: Waiter<Value>, value: Value | undefined): void {
    const waiters = this.#waiters.get(waiter.key)
    if (waiters?.delete(waiter) !== true) return
    if (waiters.size === 0) this.#waiters.delete(waiter.key)
    if (--this.#waiting === 0) this.#sweeper?.unref()
    waiter.settle(value)
  }

  #dropOldest(): void {
    const [oldest] = this.#entries.keys()
    if (oldest === undefined) return
    this.#entries.delete(oldest)
    this.#evicted++
  }

  #dropExpired(): void {
    const now = this.#now()
    for (const [key, { expiresAt }] of this.#entries) {
      if (expiresAt > now) return // the others are younger
      this.#entries.delete(key)
      this.#expired++
    }
  }

  /** Old values alone are no reason for the process to stay. */
  #watch(): NodeJS.Timeout {
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepInterval).unref()
    return this.#sweeper
  }

  #sweep(): void {
    this.#dropExpired()
    const now = this.#now()
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) if (waiter.deadline <= now) this.#miss(waiter)
    }
    if (this.#entries.size > 0 || this.#waiting > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  /** The counters, now. */
  get stats(): CorrelationStats {
    return {
      size: this.#entries.size,
      waiting: this.#waiting,
      evicted: this.#evicted,
      expired: this.#expired,
      missed: this.#missed,
    }
  }

  /** Forgets everything; waits end without a value. */
  clear(): void {
    this.#entries.clear()
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) this.#miss(waiter)
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }
}
