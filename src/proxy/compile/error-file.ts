/** `errorfile`: a whole HTTP response in a file. */
import type { ErrorFile } from '../../config/index.ts'
import { errorMessage } from '../../base/errors.ts'
import { HeaderList, parseResponseHead } from '../../http1/index.ts'
import type { ErrorReply } from '../plan/reply.ts'
import type { CompileEnvironment } from './scope.ts'

const ofOneConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'content-length',
])

/** Undefined after complaints. Lines may end with LF alone; the length is computed. */
export function readErrorFile(
  { status, file, place }: ErrorFile,
  environment: CompileEnvironment,
): ErrorReply | undefined {
  const { files, diagnostics } = environment
  const bytes = files.bytes(file.text, file.place, 'errorfile')
  if (bytes === undefined) return undefined
  if (bytes.length === 0) {
    return { status, reason: '', headers: new HeaderList(), body: bytes, silent: true }
  }
  const text = bytes.toString('latin1')
  const end = /\r?\n\r?\n/.exec(text)
  try {
    if (end === null) throw new Error('there is no blank line behind its headers')
    const head = `${text.slice(0, end.index).replaceAll(/\r?\n/g, '\r\n')}\r\n\r\n`
    const raw = Buffer.from(head, 'latin1')
    const parsed = parseResponseHead(raw, 0, raw.length)
    const body = bytes.subarray(end.index + end[0].length)
    parsed.headers.deleteWhere((key) => ofOneConnection.has(key))
    const headers = HeaderList.from([['content-length', String(body.length)], ...parsed.headers])
    return { status: parsed.status, reason: parsed.reason, headers, body, silent: false }
  } catch (error) {
    const message = `'${file.text}' is not an HTTP response: ${errorMessage(error)}`
    diagnostics.error('ERR_PROXY_ERRORFILE', place, message)
    return undefined
  }
}
