/** `set-log-level`. */
import type { LogLevelAction } from '../../config/index.ts'
import { Flow } from '../plan/flow.ts'
import type { ActionCompilers } from './context.ts'

/** The only one. */
export const logLevelCompilers: ActionCompilers<LogLevelAction> = {
  'set-log-level': ({ level }) => ({
    type: 'set-log-level',
    run(stream) {
      stream.logLevel = level
      return Flow.Next
    },
  }),
}
