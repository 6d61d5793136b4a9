/**
 * Since when the peer owes the rest of what it has begun to send: of a frame, or of a payload in fragments. What comes in
 * drops is never idle and never done. Pure: time is an argument.
 */
export class Unfinished {
  /** 0: there is none. */
  #frameSince = 0
  #payloadSince = 0

  /** A payload has begun. */
  beginPayload(now: number): void {
    this.#payloadSince = now
  }

  /** What came was read: whether it ends inside a frame, whether frames became whole in it, and whether a payload is open. */
  note(midFrame: boolean, progressed: boolean, payload: boolean, now: number): void {
    if (!midFrame) this.#frameSince = 0
    else if (progressed || this.#frameSince === 0) this.#frameSince = now
    if (!payload) this.#payloadSince = 0
  }

  /** We have not read for a while: the peer's time begins again. */
  forgive(now: number): void {
    if (this.#frameSince !== 0) this.#frameSince = now
    if (this.#payloadSince !== 0) this.#payloadSince = now
  }

  /** How long it takes already, in milliseconds. */
  age(now: number): number {
    const since =
      this.#frameSince === 0
        ? this.#payloadSince
        : this.#payloadSince === 0
          ? this.#frameSince
          : Math.min(this.#frameSince, this.#payloadSince)
    return since === 0 ? 0 : now - since
  }
}
