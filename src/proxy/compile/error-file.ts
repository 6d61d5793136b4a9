/** `errorfile`: a whole HTTP response in a file (`http_str_to_htx` in src/http_htx.c). */
import { Buffer } from 'node:buffer'
import type { ErrorFile } from '../../config/index.ts'
import { errorMessage } from '../../base/errors.ts'
import {
  ConnectionOption,
  Framing,
  HeaderList,
  parseResponseHead,
  responseFraming,
} from '../../http1/index.ts'
import type { ResponseHead } from '../../http1/index.ts'
import type { ErrorReply, FileWords } from '../plan/reply.ts'
import type { CompileEnvironment } from './scope.ts'

const ofOneConnection = new Set(['connection', 'keep-alive', 'proxy-connection'])

/** Undefined after complaints. Lines may end with LF alone. */
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
  try {
    return parseErrorFile(bytes)
  } catch (error) {
    const message = `'${file.text}' is not an HTTP response: ${errorMessage(error)}`
    diagnostics.error('ERR_PROXY_ERRORFILE', place, message)
    return undefined
  }
}

function parseErrorFile(bytes: Buffer): ErrorReply {
  const text = bytes.toString('latin1')
  const end = /\r?\n\r?\n/.exec(text)
  if (end === null) throw new Error('there is no blank line behind its headers')
  const raw = Buffer.from(`${text.slice(0, end.index).replaceAll(/\r?\n/g, '\r\n')}\r\n\r\n`, 'latin1')
  const head = parseResponseHead(raw, 0, raw.length)
  const body = bytes.subarray(end.index + end[0].length)
  const framing = responseFraming(head, 'GET')
  checkFraming(head.status, framing, body.length)
  const file = { ...connectionWords(head), framing }
  head.headers.deleteWhere((key) => ofOneConnection.has(key))
  return { status: head.status, reason: head.reason, headers: head.headers, body, silent: false, file }
}

/** What the file says of its length must be so. */
function checkFraming(status: number, framing: Framing, length: number): void {
  if (status < 200) throw new Error(`a response with status ${status} is none`)
  if (framing === Framing.Chunked) throw new Error('its body is in chunks')
  if (framing === 0 && length > 0) throw new Error('nothing may stand behind its headers')
  if (framing > 0 && framing !== length)
    throw new Error(`its Content-Length is ${framing}, and not ${length}`)
}

function connectionWords({ minor, connection, headers }: ResponseHead): Omit<FileWords, 'framing'> {
  const words = headers.all('connection')
  return {
    minor,
    close: (connection & ConnectionOption.Close) !== 0,
    uncounted: words.reduce((sum, word) => sum + 'connection'.length + word.length, 0),
  }
}
