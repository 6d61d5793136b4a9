/** `disable-l7-retry`. */
import type { RetryAction } from '../../config/index.ts'
import { Flow } from '../plan/flow.ts'
import type { ActionCompilers } from './context.ts'

/** The only one. */
export const retryCompilers: ActionCompilers<RetryAction> = {
  'disable-l7-retry': () => ({
    type: 'disable-l7-retry',
    run(stream) {
      stream.sentOnce = true
      return Flow.Next
    },
  }),
}
