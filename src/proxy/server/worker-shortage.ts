/**
 * Connections that wait for a worker, and those that hold one for nothing. php-fpm gives each connection to one worker for
 * as long as it lives, and a new one that no worker has taken looks, over a unix socket or a backlog, like one whose script
 * is slow. So connections without a request make way, but few of them.
 */
import { monotonic } from '../../base/clock.ts'
import { Deadline } from '../../base/deadline.ts'
import { LinkedList } from '../../base/linked-list.ts'
import type { Linked } from '../../base/linked-list.ts'

/** How long a new connection may be without an answer before one that is idle makes way, in milliseconds; then twice as long. */
const patience = 200
/** Beyond this it is a slow script. */
const longestPatience = 3200

/** A connection to an application. The fields that change belong to the shortage. */
export interface Worker extends Linked<Worker> {
  /** Whether the application has ever sent anything on it. */
  readonly answered: boolean
  /** Whether it has no request. */
  idle: boolean
  /** While its first request has no answer. */
  waiting: Waiting | undefined
  /** It has no request, and closes. */
  destroy(): void
}

/** How long one waits: when it is looked at next, how long it was patient, and whether one is to make way that was not idle. */
export interface Waiting {
  due: number
  patience: number
  owed: boolean
}

/** One for each FastCGI server. */
export class WorkerShortage {
  /** Without a request, the one that has been so longest first. */
  readonly #idle = new LinkedList<Worker>()
  /** Without an answer to the first request. */
  readonly #waiting = new Set<Worker>()
  /** How many of them are owed one. */
  #owed = 0
  readonly #deadline = new Deadline(() => this.#look(), false)

  /** The first request of a connection is sent. */
  begun(connection: Worker): void {
    connection.waiting = { due: monotonic() + patience, patience, owed: false }
    this.#waiting.add(connection)
    if (!this.#deadline.armed) this.#deadline.arm(patience)
  }

  /** It has no request any more. Answers false when it is to be closed. */
  rested(connection: Worker): boolean {
    this.#forget(connection)
    if (this.#owed > 0 && this.#payOne()) return false
    if (connection.idle) return true
    connection.idle = true
    this.#idle.push(connection)
    return true
  }

  /** It has a request again, or is gone. */
  left(connection: Worker): void {
    if (!connection.idle) return
    connection.idle = false
    this.#idle.remove(connection)
  }

  /** It is gone. */
  closed(connection: Worker): void {
    this.left(connection)
    this.#forget(connection)
  }

  #forget(connection: Worker): void {
    if (connection.waiting === undefined) return
    if (connection.waiting.owed) this.#owed--
    connection.waiting = undefined
    this.#waiting.delete(connection)
  }

  /** Whether somebody still waits for the one that has become idle. */
  #payOne(): boolean {
    for (const connection of this.#waiting) {
      const wait = connection.waiting
      if (connection.answered) this.#forget(connection)
      else if (wait?.owed === true) {
        wait.owed = false
        this.#owed--
        return true
      }
    }
    return false
  }

  /** Each that has waited long enough has an idle one closed, now or when there is one. */
  #look(): void {
    const now = monotonic()
    let next = Infinity
    for (const connection of this.#waiting) {
      const wait = connection.waiting
      if (wait === undefined || connection.answered || wait.patience > longestPatience)
        this.#forget(connection)
      else {
        if (wait.due <= now) this.#makeWay(wait, now)
        next = Math.min(next, wait.due)
      }
    }
    if (next < Infinity) this.#deadline.arm(Math.max(1, next - now))
  }

  #makeWay(wait: Waiting, now: number): void {
    wait.patience *= 2
    wait.due = now + wait.patience
    const longest = this.#idle.first
    if (longest !== undefined) return longest.destroy()
    if (!wait.owed) this.#owed++
    wait.owed = true
  }
}
