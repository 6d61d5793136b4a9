/** `try-files`: a file answers in place of a server, or an application learns which script is meant. */
import { Buffer } from 'node:buffer'
import { constants, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { TryFilesAction } from '../../config/index.ts'
import { FcgiError } from '../../fcgi/errors.ts'
import { scriptFilesOf } from '../../fcgi/php/script-files.ts'
import { decide } from '../../fcgi/php/try-files.ts'
import type { Decision, TryFilesSettings } from '../../fcgi/php/try-files.ts'
import { HeaderList, reasonPhrase } from '../../http1/index.ts'
import { str } from '../../sample/index.ts'
import { Flow } from '../plan/flow.ts'
import type { StreamReply } from '../plan/reply.ts'
import type { RuleAction, RuleStream } from '../plan/rule.ts'
import type { ServedFile } from '../plan/served-file.ts'
import type { ActionCompilers } from './context.ts'
import { loadContentTypes } from './content-types.ts'
import type { ContentTypes } from './content-types.ts'

/** As `tune.bufsize`: a longer path has not come through the parser. */
const maxPathSize = 16_384

const nothing = Buffer.alloc(0)

/** What applications are told with, in `set-param`. */
const variables = ['script_name', 'path_info', 'query_string'] as const

/** @param root - an absolute path. */
export function tryFiles(root: string, settings: TryFilesSettings): RuleAction {
  const files = scriptFilesOf(root)
  const types = loadContentTypes()
  // Who asks is told; nobody asks when no request comes.
  types.catch(() => {})
  return {
    type: 'try-files',
    run(stream) {
      const { head } = stream
      if (head === undefined || stream.hurried) return Flow.Next
      let abandoned = false
      const wait = stream.wait(() => (abandoned = true))
      const goOn = (act: () => Flow): void => {
        if (!abandoned && act() === Flow.Next) wait.over()
      }
      decide(head.target, files, settings)
        .then(async (decision) => {
          const found = await openFound(root, decision, await types)
          if (!abandoned) goOn(() => act(stream, head.method, found))
          else if ('handle' in found) await found.handle.close()
        })
        .catch((error: unknown) => {
          goOn(() => {
            if (error instanceof FcgiError) return stream.reply(stream.errorPage(400), 'P')
            stream.failed(error)
            return Flow.Over
          })
        })
      return Flow.Wait
    },
  }
}

/**
 * Statuses are those of nginx for a file that has gone since it was found, and for one that may not be read: the rules do not go
 * on, for an application would be told of it as its script.
 */
const failures: Readonly<Record<string, number>> = { ENOENT: 404, ENOTDIR: 404, EACCES: 403, EPERM: 403 }

/** The file, opened; or the decision, for what is no file. */
async function openFound(
  root: string,
  decision: Decision,
  types: ContentTypes,
): Promise<ServedFile | Decision> {
  if (decision.kind !== 'other' || decision.file === undefined) return decision
  const path = Buffer.concat([Buffer.from(root), Buffer.from(decision.file, 'latin1')])
  try {
    // What has become a pipe since must not be waited for.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { size, mtimeMs } = await handle.stat()
    return { handle, size, changed: mtimeMs, contentType: types(decision.file) }
  } catch (error) {
    const status = failures[(error as NodeJS.ErrnoException).code ?? '']
    if (status === undefined) throw error
    return { kind: 'status', status }
  }
}

function act(stream: RuleStream, method: string, found: ServedFile | Decision): Flow {
  if ('handle' in found) {
    if (method === 'GET' || method === 'HEAD') return stream.serveFile(found)
    void found.handle.close().catch(() => {})
    return stream.reply(notAllowed(stream), 'P')
  }
  if (found.kind === 'status') return stream.reply(stream.errorPage(found.status), 'P')
  if (found.kind === 'redirect') return stream.reply(moved(found.location), 'L')
  if (found.kind === 'run') tell(stream, found)
  return Flow.Next
}

/** It says what is allowed (RFC 9110, section 15.5.6), unless a page of the configuration does. */
function notAllowed(stream: RuleStream): StreamReply {
  const page = stream.errorPage(405)
  if (!page.headers.has('allow')) page.headers.add('allow', 'GET, HEAD')
  return page
}

function moved(location: string) {
  const headers = HeaderList.from([
    ['content-length', '0'],
    ['location', location],
  ])
  return { status: 301, reason: reasonPhrase(301), headers, body: nothing, close: false }
}

/** An empty one is not set, and `set-param` leaves the application's default then. */
function tell(stream: RuleStream, { script, pathInfo, query }: Extract<Decision, { kind: 'run' }>): void {
  const values = [script, pathInfo, query ?? '']
  for (const [at, name] of variables.entries()) {
    const value = values[at] as string // as many
    if (value !== '') stream.variables('txn')?.set(name, str(value), [])
  }
}

/** The only one. */
export const tryFilesCompilers: ActionCompilers<TryFilesAction> = {
  'try-files': ({ root, index, entries }, context) => {
    const folder = context.folder(root)
    for (const name of variables) context.register({ scope: 'txn', name })
    return folder === undefined
      ? undefined
      : tryFiles(join(folder, '.'), { tryFiles: entries, index, maxPathSize })
  },
}
