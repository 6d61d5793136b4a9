/**
 * What the log tells of a stream: times, counters, how far it came, and who ended it. Streams say what happened; nobody
 * else writes here.
 */
import { turnTime } from '../../base/clock.ts'
import type { Cause } from '../plan/rule.ts'

/** How far a stream came, as the second character of the termination state has it. */
export type Stage = 'R' | 'T' | 'Q' | 'C' | 'H' | 'D' | 'L'

/** When a stream began: monotonic milliseconds, and milliseconds since 1970. */
export interface Beginning {
  /** The connection was accepted; of a later request: the one before it had ended (`sess->tv_accept` of HAProxy). */
  readonly accepted: number
  readonly acceptDate: number
  /** The first byte of the request came; until it comes, and in TCP mode, as `accepted`. */
  readonly begun: number
  readonly requestDate: number
}

/** One of which no byte has come. */
export function beginAt(accepted: number, acceptDate: number): Beginning {
  return { accepted, acceptDate, begun: accepted, requestDate: acceptDate }
}

/**
 *   R ──queued──▶ Q ──assigned──▶ C ──connected──▶ H ──answering──▶ D ──answered──▶ L
 *
 * Times are monotonic milliseconds, -1 while something has not happened.
 */
export class StreamRecord {
  readonly beginning: Beginning
  /** What the log shows; 0 in TCP mode, -1 when there was none. */
  status: number
  bytesRead = 0
  bytesUploaded = 0
  /** Bytes came that were no request. */
  garbled = false
  retries = 0
  redispatched = false
  /** How many were in the queue before this one. */
  queuedBefore = 0

  #stage: Stage = 'R'
  #cause: Cause = '-'
  #requested = -1
  #assigned = -1
  #connected = -1
  #responded = -1
  #ended = -1

  constructor(beginning: Beginning, status: number) {
    this.beginning = beginning
    this.status = status
  }

  get stage(): Stage {
    return this.#stage
  }

  get cause(): Cause {
    return this.#cause
  }

  // What happens, in its order.

  /**
   * The rules of the request are through, and with them all that they waited for: a body, an agent (`tv_request`, which
   * HAProxy sets at the end of `http_process_request`). The same for a request that a rule has answered.
   */
  requestReady(): void {
    // HAProxy counts the time in the tarpit as time in the queue (`http_process_tarpit`).
    if (this.#stage === 'T') this.#assigned = turnTime()
    else if (this.#requested < 0) this.#requested = turnTime()
  }

  /** The client waits for an answer that is no different for its waiting. */
  tarpitted(): void {
    this.#stage = 'T'
  }

  /** No server has room. */
  queued(before: number): void {
    this.#stage = 'Q'
    this.queuedBefore = before + 1
  }

  /** It has waited in the queue for nothing. */
  queueLeft(): void {
    this.#assigned = turnTime()
  }

  /** A server was chosen. Where one is chosen again, what the first has cost counts as waiting, in HAProxy's log, too. */
  assigned(): void {
    this.#assigned = turnTime()
    this.#connected = -1
    this.#stage = 'C'
  }

  /** There is none to be had. */
  unassigned(): void {
    if (this.#stage !== 'Q') this.#stage = 'C'
  }

  /** The connection stands; one that was kept has stood since the server was chosen. */
  connected(kept: boolean): void {
    this.#connected = kept ? this.#assigned : turnTime()
    this.#stage = 'H'
  }

  /** The first byte of a TCP server, or the head of a response. */
  responded(): void {
    if (this.#responded < 0) this.#responded = turnTime()
  }

  /** The response that came is not the one that is sent: a rule has refused it, or it is none. */
  responseRefused(): void {
    this.#responded = -1
    this.#stage = 'H'
  }

  /** Bytes of the response may go to the client; in TCP mode in both directions. */
  answering(): void {
    this.#stage = 'D'
  }

  /** The server has said all; what is left goes to the client. */
  answered(): void {
    this.#stage = 'L'
  }

  /** The request itself is at fault, however far the stream came. */
  requestRefused(): void {
    this.#stage = 'R'
  }

  /** Who ends the stream; the first one to say so counts. */
  blame(cause: Cause): void {
    if (this.#cause === '-') this.#cause = cause
  }

  ended(): void {
    this.#ended = turnTime()
  }

  /** Whether it is an error for the log: an answer of the proxy's own is none, one more try is. */
  get wentWrong(): boolean {
    const byItself = this.#cause === '-'
    if (this.redispatched || this.status >= 500 || (byItself && this.retries > 0)) return true
    return !byItself && this.#cause !== 'L'
  }

  // What the log shows: whole milliseconds, or -1.

  get termination(): string {
    return this.#cause === '-' ? '--' : this.#cause + this.#stage
  }

  /** Whether anything came from the client: `option dontlognull` looks at this side alone. */
  get carried(): boolean {
    return this.garbled || this.bytesUploaded > 0
  }

  /** `%Ti` */
  get idleTime(): number {
    return between(this.beginning.accepted, this.beginning.begun)
  }

  /** `%TR` */
  get requestTime(): number {
    return between(this.beginning.begun, this.#requested)
  }

  /** `%Tq` */
  get requestEnd(): number {
    return between(this.beginning.accepted, this.#requested)
  }

  /** `%Tw` */
  get queueTime(): number {
    return between(this.#requested < 0 ? this.beginning.begun : this.#requested, this.#assigned)
  }

  /** `%Tc` */
  get connectTime(): number {
    return between(this.#assigned, this.#connected)
  }

  /** `%Tr` */
  get responseTime(): number {
    return between(this.#connected, this.#responded)
  }

  /** `%Td` */
  get dataTime(): number {
    return between(this.#responded, this.#ended)
  }

  /** `%Ta`, and `%Tu` */
  get activeTime(): number {
    return between(this.beginning.begun, this.#ended)
  }

  /** `%Tt` */
  get totalTime(): number {
    return between(this.beginning.accepted, this.#ended)
  }
}

function between(from: number, to: number): number {
  return from < 0 || to < 0 ? -1 : Math.max(0, Math.trunc(to - from))
}
