/** How a handler is called: its arguments, the middleware before it, and whether it is done when it returns. */
import type { Reader } from '../bytes/reader.ts'
import { isPromise } from '../base/promise.ts'
import { skipTypedData } from '../spop/typed-data.ts'
import { readVarint } from '../spop/varint.ts'
import type { ActionWriter } from './action-writer.ts'
import type { Context } from './context.ts'
import type { Middleware, Registration } from './handlers.ts'

/**
 * The arguments of one message, which `reader` is behind then.
 * @throws AgentError when one is not as declared; SpopError when the payload is broken.
 */
export function decodeArguments(
  registration: Registration,
  reader: Reader,
  count: number,
  context: Context,
): unknown {
  if (registration.decoder !== undefined) return registration.decoder.decode(reader, count)
  skipItems(reader, count)
  return context.message
}

/** Skips the arguments of a message that nobody is called for. */
export function skipItems(reader: Reader, count: number): void {
  for (let index = 0; index < count; index++) {
    reader.skip(readVarint(reader))
    skipTypedData(reader)
  }
}

/** Calls the handler; a promise when it is not done. */
export function invoke(
  registration: Registration,
  args: unknown,
  actions: ActionWriter,
  context: Context,
): PromiseLike<void> | undefined {
  // The registration keeps schema and handler together; what the decoder made is what the handler takes.
  const handler = registration.handler as (args: unknown, actions: ActionWriter, context: Context) => unknown
  const result = handler(args, actions, context)
  return isPromise(result) ? result : undefined
}

/** Runs the middleware's `before`s and then the handler, synchronously as long as they are synchronous. */
export function invokeBehind(
  middleware: readonly Middleware[],
  registration: Registration,
  args: unknown,
  actions: ActionWriter,
  context: Context,
): PromiseLike<void> | undefined {
  for (const [index, each] of middleware.entries()) {
    const result = each.before?.(context)
    if (isPromise(result)) {
      return invokeLater(result, middleware, index + 1, registration, args, actions, context)
    }
  }
  return invoke(registration, args, actions, context)
}

async function invokeLater(
  first: PromiseLike<void>,
  middleware: readonly Middleware[],
  from: number,
  registration: Registration,
  args: unknown,
  actions: ActionWriter,
  context: Context,
): Promise<void> {
  await first
  for (const each of middleware.slice(from)) await each.before?.(context)
  // Too late: what the handler would do is no longer wanted.
  if (context.aborted) return
  await invoke(registration, args, actions, context)
}
