/** Where counts are kept. */
import type { Decision, Limit } from './limit.ts'

/** A store of counts: in memory, or shared by agents. */
export interface LimitStore {
  /** Decides about one request of a key. Rejects when the store cannot be asked. */
  take(key: string, limit: Limit, cost: number): Decision | Promise<Decision>
}

/** A store that others share. */
export interface SharedStore extends LimitStore {
  take(key: string, limit: Limit, cost: number): Promise<Decision>
  /** Whether there is a connection. */
  readonly connected: boolean
  /** Ends connections. */
  close(): void
}
