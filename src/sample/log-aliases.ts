/** The aliases of log-format strings: `%ci`, `%HM`, `%Tr` and so on (configuration.txt 8.2.6). */
import { formatAddress } from './address.ts'
import { pathOf } from './http-text.ts'
import type { LogFlags } from './log-encoding.ts'
import { encodeCapture, encodeRequest, quoted, writeLogText } from './log-encoding.ts'
import type { SampleEndpoint, Stream } from './stream.ts'
import { formatClfDate, formatLogDate } from './strftime.ts'

/** What an alias is written with. */
export interface AliasOptions {
  readonly flags: LogFlags
  readonly hostname: string
}

/** One alias. */
export interface LogAlias {
  readonly name: string
  /** Whether it exists in sections of `mode http` only. */
  readonly httpOnly: boolean
  /** One line for the documentation. */
  readonly doc: string
  /** Undefined for captures when nothing is to be captured: only then do the spaces around it merge. */
  write(stream: Stream, options: AliasOptions): string | undefined
}

type Write = LogAlias['write']

const badRequest = '<BADREQ>'

function text(pick: (stream: Stream) => string | undefined): Write {
  return (stream, { flags }) => writeLogText(pick(stream), flags)
}

function number(pick: (stream: Stream) => number): Write {
  return (stream) => String(pick(stream))
}

function hexOrNumber(pick: (stream: Stream) => number, width: number): Write {
  return (stream, { flags }) => {
    const value = pick(stream)
    return flags.hex ? value.toString(16).toUpperCase().padStart(width, '0') : String(value)
  }
}

/** Totals are marked with a plus sign while they still grow. */
function total(pick: (stream: Stream) => number): Write {
  return (stream) => `${stream.log.asap ? '+' : ''}${pick(stream)}`
}

/** `unix` for a unix socket. */
function ip(pick: (stream: Stream) => SampleEndpoint | undefined): Write {
  return (stream, { flags }) => {
    const address = pick(stream)?.address
    if (address === undefined) return writeLogText(undefined, flags)
    if (address.length === 0) return writeLogText('unix', flags)
    if (!flags.hex) return writeLogText(formatAddress(address), flags)
    return Array.from(address, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('')
  }
}

function port(pick: (stream: Stream) => SampleEndpoint | undefined): Write {
  return (stream, { flags }) => {
    const endpoint = pick(stream)
    if (endpoint === undefined) return writeLogText(undefined, flags)
    const isId = endpoint.address.length === 0
    return flags.hex && !isId
      ? endpoint.port.toString(16).toUpperCase().padStart(4, '0')
      : String(endpoint.port)
  }
}

/** The request line's parts: method, target, version. */
function requestParts(stream: Stream): { method: string; target: string; version: string } | undefined {
  const line = stream.log.requestLine
  const match = /^([^ \t]*)[ \t]+([^ \t]*)[ \t]*(.*)$/s.exec(line ?? '')
  if (line === undefined || match === null) return undefined
  return { method: match[1] ?? '', target: match[2] ?? '', version: match[3] ?? '' }
}

function request(pick: (parts: { method: string; target: string; version: string }) => string): Write {
  return (stream, { flags }) => {
    const parts = requestParts(stream)
    return quoted(encodeRequest(parts === undefined ? badRequest : pick(parts), flags), flags)
  }
}

const upTo = (value: string, mark: string): string => value.split(mark, 1)[0] ?? ''

const queryOf = (target: string): string => (target.includes('?') ? target.slice(target.indexOf('?')) : '')

function captures(pick: (stream: Stream) => readonly (string | undefined)[]): Write {
  return (stream, { flags }) => {
    const values = pick(stream)
    if (values.length === 0) return undefined
    return quoted(`{${values.map((value) => encodeCapture(value ?? '', flags)).join('|')}}`, flags)
  }
}

function captureList(pick: (stream: Stream) => readonly (string | undefined)[]): Write {
  return (stream, { flags }) => {
    const values = pick(stream)
    if (values.length === 0) return undefined
    const shown = values.map((value) => {
      if (value === undefined) return quoted(flags.quote ? '' : '-', flags)
      return quoted(encodeCapture(value, flags), flags)
    })
    return shown.join(' ')
  }
}

type Row = readonly [name: string, doc: string, write: Write]

const anywhere: readonly Row[] = [
  ['B', 'bytes sent to the client', total((s) => s.log.bytesRead)],
  ['H', 'host name', (_, { flags, hostname }) => writeLogText(hostname, flags)],
  ['ID', 'unique id', text((s) => s.uniqueId)],
  ['ST', 'status code', number((s) => s.log.status)],
  ['T', 'date of acceptance, UTC', (s) => formatClfDate(s.log.acceptDate, true)],
  ['Tc', 'time to connect to the server', number((s) => s.log.connectTime)],
  ['Td', 'time to transfer data', number((s) => s.log.dataTime)],
  ['Th', 'time of handshakes', number((s) => s.log.handshakeTime)],
  ['Tl', 'date of acceptance, local time', (s) => formatClfDate(s.log.acceptDate, false)],
  [
    'Ts',
    'date of acceptance, seconds since 1970',
    hexOrNumber((s) => Math.floor(s.log.acceptDate / 1000), 4),
  ],
  ['Tt', 'total time', total((s) => s.log.totalTime)],
  ['Tu', 'total time as the user saw it', total((s) => s.log.userTime)],
  ['Tw', 'time in queues', number((s) => s.log.queueTime)],
  ['U', 'bytes received from the client', number((s) => s.log.bytesUploaded)],
  ['ac', 'connections of the process', number((s) => s.log.connections.process)],
  ['b', 'backend', text((s) => s.backend.name)],
  ['bc', 'connections of the backend', number((s) => s.log.connections.backend)],
  ['bi', 'own address towards the server', ip((s) => s.log.backendSource)],
  ['bp', 'own port towards the server', port((s) => s.log.backendSource)],
  ['bq', 'position in the backend queue', number((s) => s.log.backendQueue)],
  ['ci', 'client address', ip((s) => s.source)],
  ['cp', 'client port', port((s) => s.source)],
  ['f', 'frontend', text((s) => s.frontend.name)],
  ['fc', 'connections of the frontend', number((s) => s.log.connections.frontend)],
  ['fi', 'address that the client connected to', ip((s) => s.destination)],
  ['fp', 'port that the client connected to', port((s) => s.destination)],
  [
    'ft',
    'frontend, with ~ when encrypted',
    (s, { flags }) => quoted(`${s.frontend.name}${s.tls === undefined ? '' : '~'}`, flags),
  ],
  ['hr', 'captured request headers: {a|b}', captures((s) => s.log.capturedRequest)],
  ['hrl', 'captured request headers as a list', captureList((s) => s.log.capturedRequest)],
  ['hs', 'captured response headers: {a|b}', captures((s) => s.log.capturedResponse)],
  ['hsl', 'captured response headers as a list', captureList((s) => s.log.capturedResponse)],
  ['lc', 'log counter of the frontend', hexOrNumber((s) => s.log.logCounter, 4)],
  [
    'ms',
    'date of acceptance, milliseconds',
    (s, { flags }) => {
      const rest = Math.floor(s.log.acceptDate) % 1000
      return flags.hex ? rest.toString(16).toUpperCase().padStart(2, '0') : String(rest).padStart(3, '0')
    },
  ],
  ['pid', 'process id', hexOrNumber((s) => s.log.pid, 4)],
  [
    'rc',
    'retries, with + when sent to another server',
    (s) => `${s.log.redispatched ? '+' : ''}${s.log.retries}`,
  ],
  ['rt', 'request counter', hexOrNumber((s) => s.log.requestCounter, 4)],
  ['s', 'server', text((s) => s.server?.name ?? s.log.noServer)],
  ['sc', 'connections of the server', number((s) => s.log.connections.server)],
  ['si', 'server address', ip((s) => s.log.serverAddress)],
  ['sp', 'server port', port((s) => s.log.serverAddress)],
  ['sq', 'position in the server queue', number((s) => s.log.serverQueue)],
  ['sslc', 'TLS cipher', text((s) => s.tls?.cipher)],
  ['sslv', 'TLS version', text((s) => s.tls?.protocol)],
  ['t', 'date of acceptance, local time with milliseconds', (s) => formatLogDate(s.log.acceptDate)],
  ['ts', 'termination state', (s) => s.log.termination],
  ['tsc', 'termination state with cookie state', (s) => s.log.termination + s.log.cookieState],
]

const httpOnly: readonly Row[] = [
  ['CC', 'captured request cookie', text((s) => s.log.requestCookie)],
  ['CS', 'captured response cookie', text((s) => s.log.responseCookie)],
  ['HM', 'method', request((parts) => parts.method)],
  ['HP', 'request target without query', request((parts) => upTo(parts.target, '?'))],
  ['HPO', 'path', request((parts) => pathOf(parts.target) ?? '')],
  ['HQ', 'query with its question mark', request((parts) => queryOf(parts.target))],
  ['HU', 'request target', request((parts) => parts.target)],
  ['HV', 'HTTP version', request((parts) => (parts.version === '' ? 'HTTP/0.9' : parts.version))],
  ['Ta', 'time from the first byte of the request to the end', total((s) => s.log.activeTime)],
  ['Ti', 'idle time before the request', number((s) => s.log.idleTime)],
  ['TR', 'time to receive the request', number((s) => s.log.requestTime)],
  ['Tq', 'time to the end of the request', number((s) => s.log.requestEnd)],
  ['Tr', 'time to the response', number((s) => s.log.responseTime)],
  [
    'r',
    'request line',
    (s, { flags }) => quoted(encodeRequest(s.log.requestLine ?? badRequest, flags), flags),
  ],
  ['tr', 'date of the request, local time with milliseconds', (s) => formatLogDate(s.log.requestDate)],
  ['trg', 'date of the request, UTC', (s) => formatClfDate(s.log.requestDate, true)],
  ['trl', 'date of the request, local time', (s) => formatClfDate(s.log.requestDate, false)],
]

function rows(list: readonly Row[], isHttpOnly: boolean): LogAlias[] {
  return list.map(([name, doc, write]) => ({ name, httpOnly: isHttpOnly, doc, write }))
}

/** Every alias but `%o`, sorted by name. */
export const logAliases: readonly LogAlias[] = [...rows(anywhere, false), ...rows(httpOnly, true)].sort(
  (a, b) => (a.name < b.name ? -1 : 1),
)

/** Every alias but `%o` under its name. */
export const logAliasesByName: ReadonlyMap<string, LogAlias> = new Map(
  logAliases.map((alias) => [alias.name, alias]),
)
