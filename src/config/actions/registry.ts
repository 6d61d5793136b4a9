/**
 * What rules can do. One family of actions is one file: the shape of its actions, and the readers of their arguments.
 * `src/proxy/actions` has a file of the same name, which compiles and runs them.
 */
import type { ActionInfo } from './action-info.ts'
import { captureActions } from './capture.ts'
import type { CaptureAction } from './capture.ts'
import { headerActions } from './headers.ts'
import type { HeaderAction } from './headers.ts'
import { logLevelActions } from './log-level.ts'
import type { LogLevelAction } from './log-level.ts'
import { redirectActions } from './redirect.ts'
import type { RedirectAction } from './redirect.ts'
import { replyActions } from './replies.ts'
import type { ReplyAction } from './replies.ts'
import { requestLineActions } from './request-line.ts'
import type { RequestLineAction } from './request-line.ts'
import { retryActions } from './retry.ts'
import type { RetryAction } from './retry.ts'
import { spoeGroupActions } from './spoe-group.ts'
import type { SpoeGroupAction } from './spoe-group.ts'
import { statusActions } from './status.ts'
import type { StatusAction } from './status.ts'
import { tryFilesActions } from './try-files.ts'
import type { TryFilesAction } from './try-files.ts'
import type { UserAction } from './user.ts'
import { variableActions } from './variables.ts'
import type { VariableAction } from './variables.ts'
import { verdictActions } from './verdicts.ts'
import type { VerdictAction } from './verdicts.ts'
import { waitForBodyActions } from './wait-for-body.ts'
import type { WaitForBodyAction } from './wait-for-body.ts'

/** What a rule does. Formats are log formats, expressions are sample expressions. */
export type Action =
  | VerdictAction
  | ReplyAction
  | RedirectAction
  | HeaderAction
  | RequestLineAction
  | StatusAction
  | VariableAction
  | CaptureAction
  | LogLevelAction
  | RetryAction
  | SpoeGroupAction
  | TryFilesAction
  | WaitForBodyAction
  | UserAction

/** Every action that is implemented; a user's own come beside them (`proxyTableWith`). */
export const actions: readonly ActionInfo<Action>[] = [
  ...verdictActions,
  ...replyActions,
  ...redirectActions,
  ...headerActions,
  ...requestLineActions,
  ...statusActions,
  ...variableActions,
  ...captureActions,
  ...logLevelActions,
  ...retryActions,
  ...spoeGroupActions,
  ...tryFilesActions,
  ...waitForBodyActions,
]
