/** What may be sent as a header. */
import type { Word } from '../../config/index.ts'
import { isHeaderValue, isToken } from '../../http1/index.ts'
import type { ActionContext } from './context.ts'

/** What may not stand in a header becomes a space: a variable can hold anything, line ends included. */
export function headerValue(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return isHeaderValue(text) ? text : text.replace(/[\0-\x08\x0a-\x1f\x7f]/g, ' ')
}

/** False after a complaint. */
export function checkHeaderName(name: Word, context: ActionContext): boolean {
  if (isToken(name.text)) return true
  context.error(name.place, `'${name.text}' is not a header name`, 'letters, digits and - are safe')
  return false
}
