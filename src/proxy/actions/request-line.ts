/** Actions on the method and the target of a request (`http_req_replace_stline` in src/http_ana.c). */
import type { RequestLineAction, TargetPart } from '../../config/index.ts'
import { isToken } from '../../http1/index.ts'
import type { HeaderList, RequestHead } from '../../http1/index.ts'
import { Flow } from '../plan/flow.ts'
import type { RuleAction } from '../plan/rule.ts'
import type { ActionCompilers, ActionContext } from './context.ts'
import { compileReplace } from './replacement.ts'

/** A target in three pieces that, put together, give it back: `http://host`, `/path`, `?query`. */
export function splitTarget(target: string): { readonly origin: string; path: string; query: string } {
  const origin = /^[a-z]+:\/\/[^/?]*/i.exec(target)?.[0] ?? ''
  const rest = target.slice(origin.length)
  const mark = rest.indexOf('?')
  if (mark < 0) return { origin, path: rest, query: '' }
  return { origin, path: rest.slice(0, mark), query: rest.slice(mark) }
}

/** What a target cannot hold is percent-encoded: rules may put together anything. */
function encodeTarget(text: string): string {
  return text.replace(/[^\x21-\x22\x24-\x7e]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}

function rooted(path: string): string {
  return path.startsWith('/') || path === '*' ? path : `/${path}`
}

/** The text of a part; undefined when the target has none. */
export function readTarget(target: string, part: TargetPart): string | undefined {
  if (part === 'uri') return target
  const { path, query } = splitTarget(target)
  if (part === 'query') return query
  if (!path.startsWith('/')) return undefined
  return part === 'path' ? path : path + query
}

/** The target with another part. */
function writeTarget(target: string, part: TargetPart, text: string): string {
  const { origin, path, query } = splitTarget(target)
  const encoded = encodeTarget(text)
  switch (part) {
    case 'path':
      return `${origin}${rooted(encoded)}${query}`
    case 'pathq':
      return `${origin}${rooted(encoded)}`
    case 'query':
      // An empty one leaves the question mark of the old one, as in HAProxy.
      return encoded === '' && query === '' ? target : `${origin}${path}?${encoded}`
    case 'uri':
      return /^[a-z]+:\/\//i.test(encoded) ? encoded : rooted(encoded)
  }
}

/** The authority of a CONNECT is no path: it is left alone. */
function change(head: RequestHead, part: TargetPart, text: string): void {
  if (head.method === 'CONNECT') return
  head.target = writeTarget(head.target, part, text)
  if (part !== 'uri') return
  const authority = /^[a-z]+:\/\/(?:[^/?@]*@)?([^/?]*)/i.exec(head.target)?.[1] ?? ''
  if (authority !== '') setHost(head.headers, authority)
}

/** In its place, as HAProxy does. */
function setHost(headers: HeaderList, authority: string): void {
  const at = headers.indexOf('host')
  if (at < 0) headers.add('host', authority)
  else headers.replace(at, authority)
}

function compileSet(part: TargetPart) {
  return (
    action: Extract<RequestLineAction, { readonly type: `set-${TargetPart}` }>,
    context: ActionContext,
  ): RuleAction => {
    const format = context.format(action.format, 'header')
    return {
      type: action.type,
      run(stream) {
        const { head } = stream
        if (head !== undefined) change(head, part, format(stream))
        return Flow.Next
      },
    }
  }
}

function compileReplaceTarget(part: TargetPart) {
  return (
    action: Extract<RequestLineAction, { readonly regex: unknown }>,
    context: ActionContext,
  ): RuleAction | undefined => {
    const replace = compileReplace(action.regex, action.format, context)
    if (replace === undefined) return undefined
    return {
      type: action.type,
      run(stream) {
        const { head } = stream
        const text = head === undefined ? undefined : readTarget(head.target, part)
        const changed = text === undefined ? undefined : replace(text, stream)
        if (head !== undefined && changed !== undefined) change(head, part, changed)
        return Flow.Next
      },
    }
  }
}

function compileMethod(
  action: Extract<RequestLineAction, { readonly type: 'set-method' }>,
  context: ActionContext,
): RuleAction {
  const format = context.format(action.format, 'header')
  return {
    type: 'set-method',
    run(stream) {
      const { head } = stream
      const method = format(stream)
      if (head === undefined || head.method === method) return Flow.Next
      // A CONNECT has no content: the bytes of a body would go into the tunnel. HAProxy 2.6 sends nothing any more.
      if (!isToken(method) || (method === 'CONNECT' && head.framing !== 0)) {
        return stream.reply(stream.errorPage(500), 'P')
      }
      head.method = method
      return Flow.Next
    },
  }
}

/** All of them. */
export const requestLineCompilers: ActionCompilers<RequestLineAction> = {
  'set-path': compileSet('path'),
  'set-pathq': compileSet('pathq'),
  'set-query': compileSet('query'),
  'set-uri': compileSet('uri'),
  'set-method': compileMethod,
  'replace-path': compileReplaceTarget('path'),
  'replace-pathq': compileReplaceTarget('pathq'),
  'replace-uri': compileReplaceTarget('uri'),
}
