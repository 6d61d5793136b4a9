/**
 * Streams for tests of the sample language: from raw HTTP text, with every other value settable. Words and contexts to
 * compile with, too.
 */
import { Buffer } from 'node:buffer'
import { Diagnostics, formatDiagnostic } from '#src/config/text/diagnostics.js'
import type { Word } from '#src/config/text/word.js'
import {
  BodyDecoder,
  Framing,
  HeadBuffer,
  mayBecomeRequest,
  parseHeaderBlock,
  parseRequestHead,
} from '#src/http1/index.js'
import { VariableNames, VariableStore } from '#src/sample/index.js'
import type {
  CompileContext,
  RequestState,
  SampleRequest,
  SampleResponse,
  Stream,
  StreamLog,
  VariableScope,
} from '#src/sample/index.js'

/** Words as a configuration reader would give them: split at blanks, or as they are when given as a list. */
export function words(text: string | readonly string[], line = 1): Word[] {
  let column = 1
  const list = typeof text === 'string' ? text.split(' ') : text
  return list.map((each) => {
    const word = { text: each, place: { file: 'test.cfg', line, column }, quoted: false }
    column += each.length + 1
    return word
  })
}

/** One word at line 1, column 1. */
export function word(text: string): Word {
  return { text, place: { file: 'test.cfg', line: 1, column: 1 }, quoted: false }
}

/** A context for compiling, with files by name. */
export function compileContext(
  overrides: Partial<CompileContext> & { readonly files?: Readonly<Record<string, string>> } = {},
): CompileContext {
  const files = new Map(Object.entries(overrides.files ?? {}))
  return {
    diagnostics: new Diagnostics(),
    checkpoint: 'http-request',
    isBackend: false,
    mode: 'http',
    aclsByName: new Map(),
    variableNames: new VariableNames(),
    environment: new Map(),
    hostname: 'test-host',
    readPatternFile: (path) => {
      const text = files.get(path)
      return text === undefined ? undefined : Buffer.from(text, 'latin1')
    },
    ...overrides,
  }
}

/** Everything that a context collected, as text. */
export function complaints(context: CompileContext): string[] {
  return context.diagnostics.list.map(formatDiagnostic)
}

interface Head {
  readonly start: string
  readonly headers: [string, string][]
  readonly body: Buffer
}

function parseHead(raw: string): Head {
  const end = raw.indexOf('\r\n\r\n')
  const [start = '', ...lines] = raw.slice(0, end).split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')]
  })
  return { start, headers, body: Buffer.from(raw.slice(end + 4), 'latin1') }
}

/** A request from raw latin1 text. */
export function parseRequest(raw: string): SampleRequest {
  const { start, headers, body } = parseHead(raw)
  const [method = '', target = '', version = ''] = start.split(' ')
  return {
    method,
    receivedMethod: method,
    target,
    version: version.slice(5),
    headers,
    body,
    bodySize: body.length,
  }
}

/** What a stream knows of the body of a message of which `raw` has come: chunks are decoded. */
export function readBody(raw: string): Pick<SampleRequest, 'body' | 'bodySize'> {
  const bytes = Buffer.from(raw, 'latin1')
  const end = bytes.indexOf('\r\n\r\n') + 4
  const headers = parseHeaderBlock(bytes, bytes.indexOf('\r\n') + 2, end)
  const length = headers.get('content-length')
  const chunked = headers.get('transfer-encoding') !== undefined
  const decoder = new BodyDecoder()
  decoder.reset(chunked ? Framing.Chunked : Number(length ?? 0))
  decoder.push(bytes.subarray(end))
  const pieces: Buffer[] = []
  for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) pieces.push(piece)
  const body = Buffer.concat(pieces)
  return {
    body: body.length === 0 ? undefined : body,
    bodySize: chunked ? body.length + decoder.left : Number(length ?? 0),
  }
}

/** A response from raw latin1 text. */
export function parseResponse(raw: string): SampleResponse {
  const { start, headers, body } = parseHead(raw)
  const [version = '', status = '', ...reason] = start.split(' ')
  return {
    version: version.slice(5),
    status: Number(status),
    reason: reason.join(' '),
    headers,
    body,
    bodySize: body.length,
  }
}

/** Every value of a log record, so that a test only gives those it is about. */
export const emptyLog: StreamLog = {
  acceptDate: 0,
  requestDate: 0,
  handshakeTime: 0,
  idleTime: 0,
  requestTime: 0,
  requestEnd: 0,
  queueTime: 0,
  connectTime: 0,
  responseTime: 0,
  dataTime: 0,
  activeTime: 0,
  totalTime: 0,
  userTime: 0,
  asap: false,
  status: 200,
  bytesRead: 0,
  bytesUploaded: 0,
  termination: '--',
  cookieState: '--',
  requestCookie: undefined,
  responseCookie: undefined,
  connections: { process: 1, frontend: 1, backend: 0, server: 0 },
  retries: 0,
  redispatched: false,
  serverQueue: 0,
  backendQueue: 0,
  capturedRequest: [],
  capturedResponse: [],
  requestLine: undefined,
  requestCounter: 0,
  logCounter: 0,
  pid: 1,
  backendSource: undefined,
  serverAddress: undefined,
  noServer: '<NOSRV>',
}

/** A stream on 127.0.0.1 with variables in all scopes but that of the other direction. */
export function testStream(overrides: Partial<Stream> = {}): Stream {
  const stores = new Map<VariableScope, VariableStore>()
  const absent = overrides.direction === 'response' ? 'req' : 'res'
  return {
    now: 1_700_000_000_123.456,
    direction: 'request',
    final: true,
    source: { address: Uint8Array.of(127, 0, 0, 1), port: 40_000 },
    destination: { address: Uint8Array.of(127, 0, 0, 1), port: 8080 },
    sourceIsLocal: true,
    destinationIsLocal: true,
    frontend: { name: 'fe', id: 2 },
    backend: { name: 'fe', id: 2 },
    server: undefined,
    request: undefined,
    requestState: overrides.request === undefined ? 'partial' : 'complete',
    response: undefined,
    firstRequest: true,
    requestBuffer: undefined,
    responseBuffer: undefined,
    tls: undefined,
    fcgiApp: undefined,
    uniqueId: undefined,
    log: emptyLog,
    variables(scope) {
      if (scope === absent) return undefined
      let store = stores.get(scope)
      if (store === undefined) stores.set(scope, (store = new VariableStore()))
      return store
    },
    random: () => 0x8000_0000,
    ...overrides,
  }
}

/** A stream in TCP mode that holds what a client has sent, taken for a request where that can be. */
export function tcpStream(sent: Buffer, overrides: Partial<Stream> = {}): Stream {
  const head = new HeadBuffer({ maxHeadSize: 16_384 })
  let request: SampleRequest | undefined
  let requestState: RequestState = 'partial'
  try {
    if (head.push(sent, 0) >= 0) {
      const { method, target, minor, headers } = parseRequestHead(head.bytes, head.start, head.end)
      request = {
        method,
        receivedMethod: method,
        target,
        version: `1.${minor}`,
        headers: headers.pairs,
        body: undefined,
        bodySize: undefined,
      }
      requestState = 'complete'
    } else if (!mayBecomeRequest(sent)) requestState = 'invalid'
  } catch {
    requestState = 'invalid'
  }
  return testStream({
    requestBuffer: sent,
    responseBuffer: Buffer.alloc(0),
    request,
    requestState,
    ...overrides,
  })
}

/** A stream with a request from raw text. */
export function requestStream(raw: string, overrides: Partial<Stream> = {}): Stream {
  return testStream({ request: parseRequest(raw), ...overrides })
}
