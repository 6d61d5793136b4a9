/** What an HTTP/1.1 client is waited for, and for how long (configuration.txt 4.2 "timeout client", "timeout http-request"…). */
import type { TimeoutPlan } from '../plan/timeouts.ts'
import type { ProxySettings } from '../settings.ts'
import { Deadline } from '../wire/deadline.ts'

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
  /** The connection is a tunnel: `timeout tunnel` counts. */
  tunnel = false

  constructor(timeouts: TimeoutPlan, { lingerTimeout }: ProxySettings, expired: () => void) {
    this.#timeouts = timeouts
    this.#lingerTimeout = lingerTimeout
    this.#deadline = new Deadline(expired)
  }

  forNothing(): void {
    this.#waited = 'nothing'
    this.#deadline.disarm()
  }

  /** The rest of a head, or all of the first one. */
  forRequest(): void {
    this.#wait('request', this.#timeouts.httpRequest)
  }

  forNextRequest(): void {
    this.#wait('next-request', this.#timeouts.httpKeepAlive)
  }

  /** A body, or that it reads. */
  forClient(): void {
    const { client, tunnel } = this.#timeouts
    this.#wait('client', this.tunnel ? (tunnel ?? client) : client)
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
    this.#deadline.arm(timeout)
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
