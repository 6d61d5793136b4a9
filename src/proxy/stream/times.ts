/** When things happened to a stream: monotonic milliseconds, -1 while they have not. */

/** See the head of this file. */
export class StreamTimes {
  /** The connection was accepted. */
  readonly accepted: number
  /** Milliseconds since 1970. */
  readonly acceptDate: number
  /** The first byte of the request, or the connection in TCP mode. */
  begun: number
  /** Milliseconds since 1970. */
  requestDate: number
  /** The request head was complete. */
  requested = -1
  /** A server was assigned. */
  assigned = -1
  /** The connection to it stood. */
  connected = -1
  /** Its response head was complete. */
  responded = -1
  ended = -1

  constructor(accepted: number, acceptDate: number, begun: number, requestDate: number) {
    this.accepted = accepted
    this.acceptDate = acceptDate
    this.begun = begun
    this.requestDate = requestDate
  }
}

/** Whole milliseconds from one to the other, or -1 when one of them did not happen. */
export function between(from: number, to: number): number {
  return from < 0 || to < 0 ? -1 : Math.max(0, Math.trunc(to - from))
}
