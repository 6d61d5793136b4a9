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
          const file = await openFound(root, decision, await types)
          if (abandoned) await file?.handle.close()
          else goOn(() => act(stream, head.method, decision, file))
        })
        .catch((error: unknown) => {
          goOn(() => stream.reply(stream.errorPage(error instanceof FcgiError ? 400 : 500), 'P'))
        })
      return Flow.Wait
    },
  }
}

/** Undefined for what is no file, and for one that has gone or may not be read: as if it were not there. */
async function openFound(
  root: string,
  decision: Decision,
  types: ContentTypes,
): Promise<ServedFile | undefined> {
  if (decision.kind !== 'other' || decision.file === undefined) return undefined
  const path = Buffer.concat([Buffer.from(root), Buffer.from(decision.file, 'latin1')])
  try {
    // What has become a pipe since must not be waited for.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { size, mtimeMs } = await handle.stat()
    return { handle, size, changed: mtimeMs, contentType: types(decision.file) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function act(stream: RuleStream, method: string, decision: Decision, file: ServedFile | undefined): Flow {
  if (file !== undefined) {
    if (method === 'GET' || method === 'HEAD') return stream.serveFile(file)
    void file.handle.close().catch(() => {})
    return stream.reply(notAllowed(stream), 'P')
  }
  if (decision.kind === 'status') return stream.reply(stream.errorPage(decision.status), 'P')
  if (decision.kind === 'redirect') return stream.reply(moved(decision.location), 'L')
  if (decision.kind === 'run') tell(stream, decision)
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
