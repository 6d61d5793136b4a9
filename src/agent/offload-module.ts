/**
 * What a worker module exports: handlers by message name, declared with {@link defineOffload}. It is loaded in worker
 * threads; see offload.ts.
 */
import { UsageError } from '../base/errors.ts'
import { isPlainObject, show } from '../base/options.ts'
import type { Actions } from './actions.ts'
import type { ArgumentsOf, Schema } from './arguments/types.ts'
import { ArgumentDecoder } from './arguments/decoder.ts'
import type { Answered } from './handlers.ts'

/** One handler that runs in a worker thread. */
export interface OffloadHandler<S extends Schema> {
  /** The arguments that it wants, as for an agent's `message`. */
  readonly args: S
  /** As an agent's handler; it may take the whole thread for as long as it needs. */
  handle(args: ArgumentsOf<S>, actions: Actions): Answered | PromiseLike<Answered>
}

/** Handlers by message name, their types checked; the default export of a worker module. */
export type OffloadModule = ReadonlyMap<string, OffloadHandler<Schema>>

/**
 * Declares the handlers of a worker module.
 *
 * @throws UsageError `ERR_SLUICE_OPTION` naming the message whose entry is not `{ args, handle }`; AgentError
 * `ERR_AGENT_SCHEMA` for arguments of no known type. Thrown while a thread loads the module, either is the cause of the
 * pool's `ERR_AGENT_OFFLOAD`.
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
  if (!isPlainObject(handlers)) refuse(`wants handlers by message name, not ${show(handlers)}`)
  const entries = Object.entries(handlers)
  for (const [name, handler] of entries) checkHandler(name, handler)
  return new Map(entries as [string, OffloadHandler<Schema>][])
}

function checkHandler(name: string, handler: unknown): void {
  if (typeof handler !== 'object' || handler === null) {
    refuse(`message '${name}' must be { args, handle }, not ${show(handler)}`)
  }
  const { args, handle } = handler as Partial<Record<string, unknown>>
  if (!isPlainObject(args))
    refuse(`message '${name}': args must be argument types by name, not ${show(args)}`)
  if (typeof handle !== 'function')
    refuse(`message '${name}': handle must be a function, not ${show(handle)}`)
  // Made for its checks alone; the threads make theirs.
  new ArgumentDecoder(name, args as Schema)
}

function refuse(why: string): never {
  throw new UsageError('ERR_SLUICE_OPTION', `defineOffload: ${why}`)
}
