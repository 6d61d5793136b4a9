/** What a load generator needs of a connection, whatever it speaks, and what the connection tells it. */
import type { Meter } from './meter.ts'

/** One connection, which is made again when it is lost. Times are milliseconds of the monotonic clock. */
export interface Lane {
  /** How many exchanges it takes now; 0 while it is being made. */
  readonly room: number
  /** Why there is no connection; undefined when there is one, or nobody knows yet. */
  readonly trouble: string | undefined
  /** How many wait for an answer. */
  readonly inFlight: number
  /** Begins an exchange, which leaves with the next `flush`. Only while there is room. */
  ask(scheduled: number, now: number, stream: number, step: number): void
  /** Writes what was begun. */
  flush(): void
  /** Gives up what was due at or before `before`. */
  expire(before: number): void
  /** Says farewell as its kind does; resolves when it is gone. */
  close(): Promise<void>
  /** Lets go at once. */
  destroy(): void
}

/** Who has the lanes. */
export interface LaneHost {
  readonly meter: Meter
  /** How many exchanges a stream has. */
  readonly steps: number
  /** Whether each answer brings the next exchange now: a closed loop that has not come to its end. */
  readonly isClosed: boolean
  /** Its exchanges may begin. */
  onReady(lane: Lane, now: number): void
  /** An exchange was answered in time. */
  onAnswer(lane: Lane, slot: Exchange, now: number): void
  /** An exchange failed. */
  onFailed(lane: Lane, status: number, now: number): void
  /** All that came at once was handled: what was begun meanwhile may leave. */
  onRead(lane: Lane, now: number): void
  /** It cannot go on, whoever asks again. */
  onFatal(error: Error): void
}

/** What is known of an exchange that was answered. The object is filled in again for the next one. */
export interface Exchange {
  scheduled: number
  sent: number
  stream: number
  step: number
}
