/** `redirect location|prefix|scheme` (configuration.txt 4.2 "redirect"). */
import { Buffer } from 'node:buffer'
import type { RedirectAction } from '../../config/index.ts'
import { HeaderList, reasonPhrase } from '../../http1/index.ts'
import type { RequestHead } from '../../http1/index.ts'
import { Flow } from '../plan/flow.ts'
import type { Format, RuleAction } from '../plan/rule.ts'
import type { ActionCompilers } from './context.ts'
import { headerValue } from './header-text.ts'
import { splitTarget } from './request-line.ts'

const nothing = Buffer.alloc(0)

/** Answers with a Location; temporary ones must not be cached. */
export function redirect(model: RedirectAction, format: Format): RuleAction {
  return {
    type: 'redirect',
    run(stream) {
      const { head } = stream
      if (head === undefined) return Flow.Next
      const { status, setCookie } = model
      const text = format(stream)
      if (text === '' && model.ignoreEmpty && model.kind === 'location') return Flow.Next
      const headers = new HeaderList()
      headers.add('content-length', '0')
      headers.add('location', headerValue(locationOf(model, text, head)))
      if (status === 302 || status === 303 || status === 307) headers.add('cache-control', 'no-cache')
      if (setCookie !== undefined) headers.add('set-cookie', setCookie)
      // HAProxy keeps the connection only when there was no body.
      const close = stream.direction === 'request' && head.framing !== 0
      return stream.reply({ status, reason: reasonPhrase(status), headers, body: nothing, close }, 'L')
    },
  }
}

function locationOf(model: RedirectAction, text: string, { target, headers }: RequestHead): string {
  if (model.kind === 'location') return text
  // A target without a path, as of CONNECT and OPTIONS *, stands for the whole server.
  const { path, query } = splitTarget(target.startsWith('/') || target.includes('://') ? target : '/')
  let rest = model.dropQuery ? path : path + query
  // Without drop-query HAProxy puts the slash behind the query.
  if (model.appendSlash && !rest.endsWith('/')) rest += '/'
  if (model.kind === 'scheme') return `${text}://${headers.get('host') ?? ''}${rest}`
  // `prefix /` means no prefix at all: what comes is a path already.
  return text === '/' ? rest : text + rest
}

/** The only one. */
export const redirectCompilers: ActionCompilers<RedirectAction> = {
  redirect: (action, context) => {
    const { text } = action.format
    return redirect(action, action.literal ? () => text : context.format(action.format, 'header'))
  },
}
