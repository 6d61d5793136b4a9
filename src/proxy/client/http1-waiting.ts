/** What an HTTP/1.1 client is waited for, and for how long (configuration.txt 4.2 "timeout client", "timeout http-request"…). */
import { turnTime } from '../../base/clock.ts'
import { Deadline } from '../../base/deadline.ts'
import type { Deadlines, Expiring, Lane } from '../../base/deadlines.ts'
import type { TimeoutPlan } from '../plan/timeouts.ts'

/**
 *   request ──head──▶ nothing ⇄ client ──finished──▶ next-request ──first byte──▶ request
 *                                  └───────────────▶ last-bytes                   (any state)
 */
type Waited = 'nothing' | 'request' | 'next-request' | 'client' | 'last-bytes'

/** Whose connection it is. */
export interface WaitingOwner {
  /** What was waited for has not come. */
  onDeadline(): void
}

/** One per connection, for as long as that lasts: it has no timer and no closure of its own, which would be half of its memory. */
export class Http1Waiting implements Expiring {
  deadline = 0
  lane: Lane<Expiring> | undefined
  earlier: Expiring | undefined
  later: Expiring | undefined
  /** The client does not read what was written. */
  blocked = false
  /** The connection is a tunnel. */
  tunnel = false
  readonly #timeouts: TimeoutPlan
  readonly #deadlines: Deadlines<Expiring>
  readonly #owner: WaitingOwner
  #waited: Waited = 'nothing'
  #tunnelTimeout: number | undefined
  /** When all of a body must be here that rules want. */
  #gathering: Deadline | undefined

  constructor(timeouts: TimeoutPlan, deadlines: Deadlines<Expiring>, owner: WaitingOwner) {
    this.#timeouts = timeouts
    this.#deadlines = deadlines
    this.#owner = owner
  }

  forNothing(): void {
    this.#endGathering()
    // Its place in a lane is kept: it is seldom reached before something is waited for again.
    this.#waited = 'nothing'
  }

  /** The rest of a head, or all of the first one. */
  forRequest(): void {
    this.#wait('request', this.#timeouts.httpRequest)
  }

  forNextRequest(): void {
    this.#wait('next-request', this.#timeouts.httpKeepAlive)
  }

  /** A body that rules want: all of it within `limit` milliseconds, and each byte within `timeout client` of the one before. */
  forBody(limit: number | undefined): void {
    this.#endGathering()
    this.forClient()
    if (limit === undefined) return
    this.#gathering = new Deadline(() => this.expire())
    this.#gathering.arm(limit, turnTime())
  }

  /** A body, or that it reads. */
  forClient(): void {
    const { client } = this.#timeouts
    this.#waited = 'client'
    this.#deadlines.arm(this, this.#tunnelTimeout ?? client, turnTime())
  }

  /** @param timeout milliseconds without a byte in either direction; undefined: `timeout client` */
  openTunnel(timeout: number | undefined): void {
    this.tunnel = true
    this.#tunnelTimeout = timeout
  }

  /** A stream is in progress; `reading`: its body is awaited. */
  forStream(reading: boolean): void {
    if (reading || this.blocked || this.tunnel) this.forClient()
    else this.forNothing()
  }

  /** What it still sends to a connection that has ended. */
  forLastBytes(timeout: number): void {
    this.#wait('last-bytes', timeout)
  }

  #wait(waited: Waited, timeout: number | undefined): void {
    this.#endGathering()
    this.#waited = waited
    this.#deadlines.arm(this, timeout, turnTime())
  }

  #endGathering(): void {
    this.#gathering?.stop()
    this.#gathering = undefined
  }

  expire(): void {
    if (this.#waited !== 'nothing') this.#owner.onDeadline()
  }

  /** What was waited for in vain; nothing is from here on. */
  take(): Waited {
    const waited = this.#waited
    this.#waited = 'nothing'
    return waited
  }

  stop(): void {
    this.forNothing()
    this.#deadlines.remove(this)
  }
}
