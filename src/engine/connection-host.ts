/** What a connection is given, and whom it tells what happens. */
import type { WriterPool } from '../bytes/writer-pool.ts'
import type { Action } from '../spop/ack.ts'
import type { FrameHead } from '../spop/frame-head.ts'
import type { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { EngineSettings } from './options.ts'
import type { IdSequence, Profile } from './profile.ts'

/** What all connections of an engine share. */
export interface ConnectionSettings {
  readonly options: EngineSettings
  readonly profile: Profile
  readonly engineId: string
  /** Ids for profiles whose ids are not the connection's own. */
  readonly ids: IdSequence
}

/**
 * The owner of connections of type `C`, which says itself what it has to know of them. It is told when the connection's own bookkeeping is done, so it may do
 * anything.
 */
export interface ConnectionHost<C> {
  /** Buffers for what is sent. */
  readonly writers: WriterPool
  /** The handshake is done. */
  opened(connection: C): void
  /** It takes so long to connect, or to be greeted, that exchanges had better go elsewhere. */
  slow(connection: C): void
  /** It may be given exchanges again. */
  freed(connection: C): void
  /** It has something to be flushed at the end of the turn. */
  dirty(connection: C, now: number): void
  /** Its first ACK has come. */
  proved(connection: C): void
  acknowledged(exchange: Exchange, actions: readonly Action[], now: number): void
  fail(exchange: Exchange, error: EngineError, now: number): void
  /** An ACK came for which nobody waits any more. */
  late(): void
  /** An exchange of another connection to this server, where the agent may answer on any. */
  findElsewhere(connection: C, head: FrameHead): Exchange | undefined
  /** The agent did something wrong that costs nothing. */
  fault(connection: C, error: EngineError): void
  /**
   * It carries nothing any more. `exchanges` were under way, and `unsent` would have been: no agent has seen them. `error` is
   * undefined when it ended in peace.
   */
  ended(connection: C, exchanges: Exchange[], unsent: Exchange[], error: EngineError | undefined): void
  /** Its socket is gone. */
  closed(connection: C): void
}
