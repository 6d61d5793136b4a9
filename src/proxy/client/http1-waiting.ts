/** What an HTTP/1.1 client is waited for, and for how long (configuration.txt 4.2 "timeout client", "timeout http-request"…). */
import { turnTime } from '../../base/clock.ts'
import type { TimeoutPlan } from '../plan/timeouts.ts'
import type { ProxySettings } from '../settings.ts'
import { Deadline } from '../../base/deadline.ts'

/**
 *   request ──head──▶ nothing ⇄ client ──finished──▶ next-request ──first byte──▶ request
 *                                  └───────────────▶ last-bytes                   (any state)
 */
type Waited = 'nothing' | 'request' | 'next-request' | 'client' | 'last-bytes'

/** One per connection; the deadline is told to whoever owns that. */
export class Http1Waiting {
  readonly #timeouts: TimeoutPlan
  readonly #lingerTimeout: number
  readonly #deadline: Deadline
  #waited: Waited = 'nothing'
  /** The client does not read what was written. */
  blocked = false
  /** The connection is a tunnel. */
  tunnel = false
  #tunnelTimeout: number | undefined
  /** The body belongs to what `timeout http-request` is about. */
  #gathering = false
  #requestBegan = 0

  constructor(timeouts: TimeoutPlan, { lingerTimeout }: ProxySettings, expired: () => void) {
    this.#timeouts = timeouts
    this.#lingerTimeout = lingerTimeout
    this.#deadline = new Deadline(expired)
  }

  forNothing(): void {
    this.#gathering = false
    this.#waited = 'nothing'
    this.#deadline.disarm()
  }

  /** The rest of a head, or all of the first one. */
  forRequest(): void {
    this.#requestBegan = turnTime()
    this.#wait('request', this.#timeouts.httpRequest)
  }

  forNextRequest(): void {
    this.#wait('next-request', this.#timeouts.httpKeepAlive)
  }

  /** The whole request, its body included: the time began with its first byte. */
  forBody(): void {
    this.#gathering = true
    const { httpRequest } = this.#timeouts
    const left = httpRequest === undefined ? undefined : this.#requestBegan + httpRequest - turnTime()
    this.#wait('client', left === undefined ? undefined : Math.max(1, left))
  }

  /** A body, or that it reads. */
  forClient(): void {
    if (this.#gathering) return
    const { client } = this.#timeouts
    this.#wait('client', this.#tunnelTimeout ?? client)
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
  forLastBytes(): void {
    this.#wait('last-bytes', this.#lingerTimeout)
  }

  #wait(waited: Waited, timeout: number | undefined): void {
    this.#waited = waited
    this.#deadline.arm(timeout, turnTime())
  }

  /** What was waited for in vain; nothing is from here on. */
  take(): Waited {
    const waited = this.#waited
    this.#waited = 'nothing'
    return waited
  }

  stop(): void {
    this.#deadline.stop()
  }
}
