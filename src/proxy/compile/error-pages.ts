/** `errorfile`, `errorfiles`, `errorloc` and `http-error` of a section, and the `http-errors` sections. */
import { Buffer } from 'node:buffer'
import type { ErrorPage, HttpErrors } from '../../config/index.ts'
import { HeaderList, reasonPhrase } from '../../http1/index.ts'
import type { ActionContext } from '../actions/context.ts'
import { headerValue } from '../actions/header-text.ts'
import { compileReply } from '../actions/reply-plan.ts'
import type { ReplyPlan } from '../actions/reply-plan.ts'
import type { ErrorReply } from '../plan/reply.ts'
import { readErrorFile } from './error-file.ts'
import type { CompileEnvironment } from './scope.ts'

/** The pages of the `http-errors` sections, by their names. */
export type ErrorSections = ReadonlyMap<string, ReadonlyMap<number, ErrorReply>>

/** Reads the files of the sections. */
export function readErrorSections(
  sections: readonly HttpErrors[],
  environment: CompileEnvironment,
): ErrorSections {
  return new Map(
    sections.map(({ name, files }) => {
      const pages = new Map<number, ErrorReply>()
      for (const file of files) {
        const page = readErrorFile(file, environment)
        if (page !== undefined) pages.set(file.status, page)
      }
      return [name, pages]
    }),
  )
}

/** What a section answers in place of error pages; the last line for a status counts. */
export function compileErrorPages(
  pages: readonly ErrorPage[],
  sections: ErrorSections,
  environment: CompileEnvironment,
  context: ActionContext,
): Map<number, ErrorReply> {
  const replies = new Map<number, ErrorReply>()
  const set = (status: number, reply: ErrorReply | undefined): void => {
    if (reply !== undefined) replies.set(status, reply)
  }
  for (const page of pages) {
    switch (page.kind) {
      case 'errorfile':
        set(page.status, readErrorFile(page, environment))
        break
      case 'errorloc':
        set(page.status, redirection(page.redirection, page.url.text))
        break
      case 'errorfiles': {
        const section = sections.get(page.section.text)
        for (const [status, reply] of section ?? []) {
          if (page.statuses?.includes(status) !== false) set(status, reply)
        }
        break
      }
      case 'http-error': {
        const { status, body } = page.reply
        if (body?.kind === 'error-page') replies.delete(status)
        else if (body?.kind === 'errorfiles') set(status, sections.get(body.section.text)?.get(status))
        else set(status, built(compileReply(page.reply, context)))
      }
    }
  }
  return replies
}

/** `Content-length` and `Location` as HAProxy orders them (`HTTP_302`, `HTTP_303` in src/http.c). */
function redirection(status: 302 | 303, url: string): ErrorReply {
  const headers = HeaderList.from([
    ['cache-control', 'no-cache'],
    ['content-length', '0'],
    ['location', headerValue(url)],
  ])
  return { status, reason: reasonPhrase(status), headers, body: Buffer.alloc(0), silent: false }
}

/** Who asks for an error page has a stream: the page is made then. */
function built(plan: ReplyPlan): ErrorReply {
  const { status } = plan
  const empty = { status, reason: '', headers: new HeaderList(), body: Buffer.alloc(0), silent: false }
  return { ...empty, build: (stream) => plan.build(stream) }
}
