/** Error pages: `errorfile`, `errorfiles`, `errorloc`, `http-error`, and the `http-errors` section (configuration.txt 3.8, 4.2). */
import { errorPageStatuses, readHttpReply } from '../actions/http-reply.ts'
import { replySyntax } from '../actions/replies.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import type { HttpErrorsDraft } from '../draft/sections.ts'
import type { ErrorFile } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import { KeywordTable } from './keyword.ts'
import type { Keyword } from './keyword.ts'
import { everywhere, keyword } from './proxy-keyword.ts'

function readErrorStatus(args: Args): number | undefined {
  const place = args.peek()?.place ?? args.place
  const status = args.integer('<status>', 200, 599)
  if (status === undefined || errorPageStatuses.includes(status)) return status
  const hint = `it has pages for ${errorPageStatuses.join(', ')}`
  return args.error('CFG_ARGUMENT', place, `HAProxy never sends an error page with status ${status}`, hint)
}

function readErrorFile(args: Args): ErrorFile | undefined {
  const status = readErrorStatus(args)
  const file = status === undefined ? undefined : args.expect('<file>')
  if (status === undefined || file === undefined || !args.end()) return undefined
  return { place: args.place, status, file }
}

function applyErrorFile(proxy: ProxyDraft, args: Args): void {
  const file = readErrorFile(args)
  if (file !== undefined) proxy.errorPages.push({ kind: 'errorfile', ...file })
}

function applyErrorLocation(redirection: 302 | 303) {
  return (proxy: ProxyDraft, args: Args): void => {
    const status = readErrorStatus(args)
    const url = status === undefined ? undefined : args.expect('<url>')
    if (status === undefined || url === undefined || !args.end()) return
    proxy.errorPages.push({ kind: 'errorloc', place: args.place, status, redirection, url })
  }
}

function applyErrorFiles(proxy: ProxyDraft, args: Args): void {
  const section = args.expect('<name>')
  if (section === undefined) return
  const statuses: number[] = []
  while (args.remaining > 0) {
    const status = readErrorStatus(args)
    if (status === undefined) return
    statuses.push(status)
  }
  const chosen = statuses.length === 0 ? undefined : statuses
  proxy.errorPages.push({ kind: 'errorfiles', place: args.place, section, statuses: chosen })
}

function applyHttpError(proxy: ProxyDraft, args: Args): void {
  const reply = readHttpReply(args, 0)
  if (reply === undefined || !args.end()) return
  if (reply.status === 0) return args.error('CFG_ARGUMENT_MISSING', args.place, "expects 'status' and a code")
  if (!errorPageStatuses.includes(reply.status)) {
    const message = `HAProxy never sends an error page with status ${reply.status}`
    return args.error('CFG_ARGUMENT', args.place, message)
  }
  proxy.errorPages.push({ kind: 'http-error', place: args.place, reply })
}

/** The keywords of proxies. */
export const errorPageKeywords: readonly Keyword<ProxyDraft>[] = [
  keyword('errorfile', everywhere, '<status> <file>', 'raw response for an error', applyErrorFile),
  keyword(
    'errorfiles',
    everywhere,
    '<name> [<status>...]',
    'the error pages of a http-errors section, or some of them',
    applyErrorFiles,
    { since: '2.2' },
  ),
  keyword(
    'http-error',
    everywhere,
    `status <code> ${replySyntax}`,
    'the answer for an error',
    applyHttpError,
    { since: '2.2' },
  ),
  keyword('errorloc', everywhere, '<status> <url>', 'redirect errors with 302', applyErrorLocation(302)),
  keyword('errorloc302', everywhere, '<status> <url>', 'redirect errors with 302', applyErrorLocation(302)),
  keyword('errorloc303', everywhere, '<status> <url>', 'redirect errors with 303', applyErrorLocation(303)),
]

/** The keywords of a `http-errors` section. */
export const httpErrorsTable = new KeywordTable<HttpErrorsDraft>([
  {
    name: 'errorfile',
    sections: ['http-errors'],
    support: 'yes',
    syntax: '<status> <file>',
    fallback: '',
    doc: 'raw response for an error',
    since: '2.2',
    apply: (section, args) => {
      const file = readErrorFile(args)
      if (file !== undefined) section.files.push(file)
    },
  },
])
