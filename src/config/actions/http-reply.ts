/** The answer that `return`, `deny` and `http-error` give (configuration.txt 4.2 "http-request return"). */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import type { Draft } from '../text/writable.ts'

/** See the head of this file. */
export interface HttpReply {
  /** 200 to 599. Defaults: `return` 200, `http-request deny` 403, `http-response deny` 502. */
  readonly status: number
  readonly contentType: Word | undefined
  /** Undefined: none. */
  readonly body: HttpReplyBody | undefined
  readonly headers: readonly { readonly name: Word; readonly format: Word }[]
}

/**
 * What an answer carries. `error-page` is the page of the proxy for the status, `errorfiles` that of a `http-errors`
 * section, `errorfile` a whole response in a file.
 */
export type HttpReplyBody =
  | { readonly kind: 'error-page' }
  | { readonly kind: 'errorfiles'; readonly section: Word }
  | { readonly kind: 'errorfile'; readonly file: Word }
  | { readonly kind: 'string'; readonly text: Word }
  | { readonly kind: 'lf-string'; readonly format: Word }
  | { readonly kind: 'file'; readonly file: Word }
  | { readonly kind: 'lf-file'; readonly file: Word }

/** Statuses for which HAProxy has an error page, the only ones that may have another. */
export const errorPageStatuses = [
  200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504,
]

type ReplyDraft = Draft<HttpReply> & {
  /** The word that gave the body. */
  hadBody: Word | undefined
  /** The word that asks for an error page of the status. */
  errorPage: Word | undefined
}

const bodyReaders: ReadonlyMap<string, (word: Word) => HttpReplyBody> = new Map<
  string,
  (word: Word) => HttpReplyBody
>([
  ['string', (text) => ({ kind: 'string', text })],
  ['lf-string', (format) => ({ kind: 'lf-string', format })],
  ['file', (file) => ({ kind: 'file', file })],
  ['lf-file', (file) => ({ kind: 'lf-file', file })],
  ['errorfile', (file) => ({ kind: 'errorfile', file })],
  ['errorfiles', (section) => ({ kind: 'errorfiles', section })],
])

/**
 * Reads the arguments of a reply up to its condition or the end of the line.
 * @param options `denial`: without arguments, or with `deny_status` alone, it is the error page of the status.
 * @returns undefined when something is wrong with them, which was reported.
 */
export function readHttpReply(
  args: Args,
  defaultStatus: number,
  options: { readonly denial?: boolean } = {},
): HttpReply | undefined {
  const reply: ReplyDraft = {
    status: defaultStatus,
    contentType: undefined,
    body: undefined,
    headers: [],
    hadBody: undefined,
    errorPage: undefined,
  }
  if (options.denial === true && !readDenial(args, reply)) return undefined
  for (;;) {
    const outcome = readArgument(args, reply)
    if (outcome === 'end') break
    if (outcome === 'failed') return undefined
  }
  if (!check(args, reply)) return undefined
  const { status, contentType, body, headers } = reply
  return { status, contentType, body, headers }
}

/** `deny` and `deny_status <code>` alone give an error page; with more arguments they are like `return`. */
function readDenial(args: Args, reply: ReplyDraft): boolean {
  const keyword = args.keywordWord
  const legacy = args.peek()
  if (legacy?.text === 'deny_status') {
    args.next()
    if (readStatus(args, reply) === 'failed') return false
  }
  const next = args.peek()?.text
  if (next === undefined || next === 'if' || next === 'unless') reply.errorPage = legacy ?? keyword
  return true
}

function readArgument(args: Args, reply: ReplyDraft): 'read' | 'failed' | 'end' {
  const word = args.peek()
  if (word === undefined) return 'end'
  const read = bodyReaders.get(word.text)
  if (read !== undefined) return readBody(args, reply, read)
  switch (word.text) {
    case 'status':
      args.next()
      return readStatus(args, reply)
    case 'content-type':
      args.next()
      reply.contentType = args.expect('<type>')
      return reply.contentType === undefined ? 'failed' : 'read'
    case 'hdr':
      args.next()
      return readHeader(args, reply)
    case 'default-errorfiles':
      if (!isFirstBody(args, reply, word)) return 'failed'
      args.next()
      reply.errorPage = word
      reply.hadBody = word
      return 'read'
    default:
      return 'end'
  }
}

function readStatus(args: Args, reply: ReplyDraft): 'read' | 'failed' {
  const status = args.integer('<status>', 200, 599)
  if (status === undefined) return 'failed'
  reply.status = status
  return 'read'
}

function readBody(args: Args, reply: ReplyDraft, read: (word: Word) => HttpReplyBody): 'read' | 'failed' {
  const kind = args.next()
  if (kind !== undefined && reply.hadBody !== undefined) {
    args.error(
      'CFG_ARGUMENT',
      kind.place,
      `'${kind.text}' gives a second body; '${reply.hadBody.text}' gave one`,
    )
    return 'failed'
  }
  const word = args.expect(`a word after '${kind?.text ?? ''}'`)
  if (word === undefined) return 'failed'
  reply.hadBody = kind
  reply.body = read(word)
  if (reply.body.kind === 'errorfiles') reply.errorPage = kind
  return 'read'
}

function isFirstBody(args: Args, { hadBody }: ReplyDraft, kind: Word): boolean {
  if (hadBody === undefined) return true
  args.error('CFG_ARGUMENT', kind.place, `'${kind.text}' gives a second body; '${hadBody.text}' gave one`)
  return false
}

function readHeader(args: Args, reply: ReplyDraft): 'read' | 'failed' {
  const name = args.expect('<name> and <value>')
  const format = name === undefined ? undefined : args.expect('<value>')
  if (name === undefined || format === undefined) return 'failed'
  if (/^(content-length|transfer-encoding|content-type)$/i.test(name.text)) {
    const hint = "use 'content-type' for the type; the length follows from the body"
    args.warning('CFG_KEYWORD_IGNORED', name.place, `the header '${name.text}' is ignored`, hint)
  } else {
    reply.headers.push({ name, format })
  }
  return 'read'
}

function check(args: Args, reply: ReplyDraft): boolean {
  const { status, errorPage } = reply
  if (errorPage !== undefined && !errorPageStatuses.includes(status)) {
    const message = `there is no error page for status ${status}`
    args.error('CFG_ARGUMENT', errorPage.place, message, "write 'status' instead, which takes any status")
    return false
  }
  if (errorPage !== undefined) reply.body ??= { kind: 'error-page' }
  const kind = reply.body?.kind
  if (kind === 'error-page' || kind === 'errorfile' || kind === 'errorfiles') {
    dropExtras(args, reply)
    return true
  }
  return checkPayload(args, reply)
}

/** A whole page has its own headers. */
function dropExtras(args: Args, reply: ReplyDraft): void {
  const extra = reply.contentType ?? reply.headers[0]?.name
  if (extra !== undefined) {
    args.warning('CFG_KEYWORD_IGNORED', extra.place, `'${extra.text}' has no effect with an error page`)
  }
  reply.contentType = undefined
  reply.headers = []
}

function checkPayload(args: Args, reply: ReplyDraft): boolean {
  const { status, body, contentType } = reply
  if (body === undefined) {
    if (contentType === undefined) return true
    args.warning('CFG_KEYWORD_IGNORED', contentType.place, "'content-type' has no effect without a body")
    reply.contentType = undefined
    return true
  }
  if (status === 204 || status === 304) {
    args.error('CFG_ARGUMENT', args.place, `a response with status ${status} has no body`)
    return false
  }
  if (contentType === undefined) {
    args.error('CFG_ARGUMENT_MISSING', args.place, "expects 'content-type' with a body")
    return false
  }
  return true
}
