/** `wait-for-body`. */
import type { WaitForBodyAction } from '../../config/index.ts'
import type { ActionCompilers } from './context.ts'

/** The only one. */
export const waitForBodyCompilers: ActionCompilers<WaitForBodyAction> = {
  'wait-for-body': ({ type, time, atLeast }) => ({
    type,
    run: (stream) => stream.awaitBody(time, atLeast),
  }),
}
