import { decodeFrame, type Frame } from '../spop/frame.ts'
import type { ConnectionInfo } from './context.ts'

/** One traced frame. */
export interface TraceEvent {
  /** Whether the agent got it, or sent it. */
  readonly direction: 'recv' | 'send'
  /** The connection that it was seen on. */
  readonly connection: ConnectionInfo
  /** Undefined when the bytes are not a frame; `error` says why. */
  readonly frame: Frame | undefined
  /** Why the bytes are no frame; undefined when they are one. */
  readonly error: unknown
  /** The whole frame with its length field. */
  readonly bytes: Buffer
}

/** Takes traced frames; what it throws is ignored. */
export type TraceListener = (event: TraceEvent) => void

/**
 * The frame trace: every frame in and out, decoded, for whoever switched it on. Costs one test per frame when off.
 */
export class Tracer {
  #listener: TraceListener | undefined
  /** Whether anybody listens. */
  active = false

  set(listener: TraceListener | undefined): void {
    this.#listener = listener
    this.active = listener !== undefined
  }

  trace(direction: TraceEvent['direction'], connection: ConnectionInfo, bytes: Buffer): void {
    let frame: Frame | undefined
    let error: unknown
    try {
      frame = decodeFrame(bytes)
    } catch (thrown) {
      error = thrown
    }
    try {
      this.#listener?.({ direction, connection, frame, error, bytes })
    } catch {
      // A broken listener must not break the traffic that it watches.
    }
  }
}
