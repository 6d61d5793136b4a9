/**
 * What a worker module exports: handlers by message name, declared with {@link defineOffload}. It is loaded in worker
 * threads; see offload.ts.
 */
import type { Actions } from './actions.ts'
import type { ArgumentsOf, Schema } from './arguments.ts'

/** One handler that runs in a worker thread. */
export interface OffloadHandler<S extends Schema> {
  readonly args: S
  /** As an agent's handler; it may take the whole thread for as long as it needs. */
  handle(args: ArgumentsOf<S>, actions: Actions): void | PromiseLike<void>
}

/** Handlers by message name, their types checked; the default export of a worker module. */
export type OffloadModule = ReadonlyMap<string, OffloadHandler<Schema>>

/**
 * Declares the handlers of a worker module.
 * @example
 * ```ts
 * import { createHash } from 'node:crypto'
 * import { defineOffload } from 'sluice/agent'
 *
 * export default defineOffload({
 *   'hash-body': {
 *     args: { body: 'binary' },
 *     handle({ body }, actions) {
 *       actions.setVar('txn', 'sha256', createHash('sha256').update(body).digest('hex'))
 *     },
 *   },
 * })
 * ```
 */
export function defineOffload<const Schemas extends Readonly<Record<string, Schema>>>(handlers: {
  readonly [Name in keyof Schemas]: OffloadHandler<Schemas[Name]>
}): OffloadModule {
  return new Map(Object.entries(handlers) as [string, OffloadHandler<Schema>][])
}
