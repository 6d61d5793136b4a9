/** What holds a client's socket, and what that tells its frontend. */

import type { Seated } from '../../base/roster.ts'
import type { Session } from '../stream/session.ts'

/** An HTTP connection, or a TCP stream. */
export interface ClientSide extends Seated {
  readonly session: Session
  start(): void
  /** The proxy is being closed: a connection without a request in progress has no reason to stay. */
  closeIfIdle(): void
  destroy(): void
}

/** Is told what becomes of a connection. */
export interface ClientHost {
  /** All is written: it counts no more, and only waits for the client's end. */
  clientLeaving(client: ClientSide): void
  /** It has gone. */
  clientGone(client: ClientSide): void
}
