/** What takes one connection apart, whatever its protocol, and what it needs of its surroundings. */
import type { Entry, Side } from './entry.ts'
import type { PendingTable } from './pending.ts'

/** One connection. Times are milliseconds since 1970, and do not go back. */
export interface Conversation {
  /** Bytes that were sent. */
  push(from: Side, chunk: Buffer, time: number): void
  /** Something may not have been seen: what seems to be missing is not told from now on. */
  missed(): void
  /** So many bytes were not seen; the next that are pushed begin a frame. */
  skip(from: Side, size: number, time: number): void
  /** A side sends nothing more. */
  end(from: Side, how: 'fin' | 'reset', time: number): void
  /** It is so late now: what should have come by then is told. */
  expire(time: number): void
}

/** What is told of a connection, and kept of it. */
export interface ConversationHost {
  /** In order. */
  emit(entry: Entry): void
  /** Bytes for a capture, secrets hidden; those of one side in order. */
  keep(connection: number, from: Side, bytes: Buffer, time: number): void
  /** What the connections of an engine wait for together. */
  pendingOf(engineId: string): PendingTable
}

/** How connections are read. */
export interface InspectSettings {
  /** Whether secrets are left as they are. */
  readonly showSecrets: boolean
  /** HAProxy's `timeout processing` in milliseconds; undefined when it is not known: nothing is late then. */
  readonly processingTimeout: number | undefined
  /** HAProxy's `option var-prefix`; undefined when it is not known. */
  readonly varPrefix: string | undefined
}

/** How many bytes of what is no frame are shown. */
export const sampleSize = 24
