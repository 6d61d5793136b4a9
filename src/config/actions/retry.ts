/** `disable-l7-retry`: a request that must not be sent twice, whatever `retry-on` says. */
import type { ActionInfo } from './action-info.ts'

/** See the head of this file. */
export interface RetryAction {
  readonly type: 'disable-l7-retry'
}

/** The only one. */
export const retryActions: readonly ActionInfo<RetryAction>[] = [
  {
    name: 'disable-l7-retry',
    ruleSets: ['http-request'],
    syntax: '',
    doc: 'do not send the request again for what a server made of it, see `retry-on`',
    since: '2.0',
    read: () => ({ type: 'disable-l7-retry' }),
  },
]
