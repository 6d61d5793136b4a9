/** `redirect location|prefix|scheme` (configuration.txt 4.2 "redirect"). */
import type { RedirectAction } from '../../config/index.ts'
import { HeaderList, reasonPhrase } from '../../http1/index.ts'
import { Flow } from '../plan/flow.ts'
import type { Format, RuleAction, RuleStream } from '../plan/rule.ts'
import { headerValue } from './headers.ts'
import { splitTarget } from './target.ts'

const nothing = Buffer.alloc(0)

/** Answers with a Location; temporary ones must not be cached. */
export function redirect(model: RedirectAction, format: Format): RuleAction {
  return {
    type: 'redirect',
    run(stream) {
      if (stream.head === undefined) return Flow.Next
      const { status, setCookie } = model
      const headers = new HeaderList()
      headers.add('content-length', '0')
      headers.add('location', headerValue(locationOf(model, format(stream), stream)))
      if (status === 302 || status === 303 || status === 307) headers.add('cache-control', 'no-cache')
      if (setCookie !== undefined) headers.add('set-cookie', setCookie)
      // HAProxy keeps the connection only when there was no body.
      const close = stream.head.framing !== 0
      return stream.reply({ status, reason: reasonPhrase(status), headers, body: nothing, close }, 'L')
    },
  }
}

function locationOf(model: RedirectAction, text: string, stream: RuleStream): string {
  if (model.kind === 'location') return text
  const { target = '/', headers } = stream.head ?? {}
  const { path, query } = splitTarget(target)
  let rest = model.dropQuery ? path : path + query
  // Without drop-query HAProxy puts the slash behind the query.
  if (model.appendSlash && !rest.endsWith('/')) rest += '/'
  if (model.kind === 'scheme') return `${text}://${headers?.get('host') ?? ''}${rest}`
  // `prefix /` means no prefix at all: what comes is a path already.
  return text === '/' ? rest : text + rest
}
