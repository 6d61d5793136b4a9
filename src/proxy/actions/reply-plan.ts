/** The replies of `return`, `deny` and `http-error`, compiled (`http_reply_to_htx` in src/http_ana.c). */
import { Buffer } from 'node:buffer'
import type { HttpReply, HttpReplyBody } from '../../config/index.ts'
import { HeaderList, HeaderName, headerName } from '../../http1/index.ts'
import type { Stream } from '../../sample/index.ts'
import { copyPage } from '../plan/reply.ts'
import type { ErrorReply } from '../plan/reply.ts'
import type { Format } from '../plan/rule.ts'
import { haproxyReason } from '../wire/reason.ts'
import type { ActionContext } from './context.ts'
import { checkHeaderName, headerValue } from './header-text.ts'

/** One reply. */
export interface ReplyPlan {
  readonly status: number
  /** The stream's own. Undefined: the error page of the status is sent. */
  build(stream: Stream): ErrorReply | undefined
}

const nothing = Buffer.alloc(0)
const contentLengthName = headerName('content-length')
const contentTypeName = headerName('content-type')

/** Compiles a reply, whatever complaints there are. */
export function compileReply(reply: HttpReply, context: ActionContext): ReplyPlan {
  const { status, body } = reply
  switch (body?.kind) {
    case 'error-page':
      return { status, build: () => undefined }
    case 'errorfiles': {
      const page = context.errorSection(body.section.text)?.get(status)
      // A section that lacks the page gives a response without a body, not the page of the proxy.
      if (page === undefined) return compileBuilt(reply, () => nothing, context)
      return { status, build: () => copyPage(page) }
    }
    case 'errorfile': {
      const page = context.errorFile(body.file, status)
      return { status, build: () => (page === undefined ? undefined : copyPage(page)) }
    }
    default:
      return compileBuilt(reply, compileBody(body, context), context)
  }
}

type PayloadBody = Exclude<HttpReplyBody, { readonly kind: 'error-page' | 'errorfile' | 'errorfiles' }>

function compileBody(body: PayloadBody | undefined, context: ActionContext): (stream: Stream) => Buffer {
  switch (body?.kind) {
    case undefined:
      return () => nothing
    case 'string': {
      const bytes = Buffer.from(body.text.text, 'latin1')
      return () => bytes
    }
    case 'file': {
      const bytes = context.bytes(body.file) ?? nothing
      return () => bytes
    }
    case 'lf-string':
      return bytesOf(context.format(body.format, 'header'))
    case 'lf-file': {
      const text = context.bytes(body.file)?.toString('latin1') ?? ''
      return bytesOf(context.format({ ...body.file, text }, 'header'))
    }
  }
}

function bytesOf(format: Format): (stream: Stream) => Buffer {
  return (stream) => Buffer.from(format(stream), 'latin1')
}

function compileBuilt(reply: HttpReply, body: (stream: Stream) => Buffer, context: ActionContext): ReplyPlan {
  const { status, contentType } = reply
  const reason = haproxyReason(status)
  const fields = reply.headers.flatMap(({ name, format }) => {
    const compiled = context.format(format, 'header')
    return checkHeaderName(name, context) ? [{ name: new HeaderName(name.text), format: compiled }] : []
  })
  const build = (stream: Stream): ErrorReply => {
    const headers = new HeaderList()
    for (const { name, format } of fields) {
      const value = headerValue(format(stream))
      // An empty one is left out, as in HAProxy.
      if (value !== '') headers.push(name, value)
    }
    const bytes = body(stream)
    // Rules see it in every reply; where the status allows none it does not leave.
    headers.push(contentLengthName, String(bytes.length))
    if (bytes.length > 0 && contentType !== undefined) headers.push(contentTypeName, contentType.text)
    return { status, reason, headers, body: bytes, silent: false }
  }
  return { status, build }
}
