/** Actions of a user's own: each is compiled by whoever brought it. */
import type { UserAction } from '../../config/index.ts'
import type { ActionCompilers } from './context.ts'

/** The only one. */
export const userCompilers: ActionCompilers<UserAction> = {
  user: (action, context) => context.userCompiler(action.name)?.(action, context),
}
