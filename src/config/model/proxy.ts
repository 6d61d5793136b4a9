/** The model of `frontend`, `backend` and `listen` sections. */
import type { Endpoint } from '../../net/endpoint.ts'
import type { Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'
import type { ErrorPage } from './error-pages.ts'
import type { HttpCheck } from './http-check.ts'
import type { LogTarget } from './log.ts'
import type { AclDeclaration, CaptureSlot, Rules, UseBackend } from './rules.ts'
import type { Balance, Server } from './server.ts'

/** How a proxy treats its bytes. HAProxy's default is `tcp`. */
export type ProxyMode = 'tcp' | 'http' | 'spop'

/** A `frontend`, a `backend` or a `listen` section, with what it inherits from its `defaults` section. */
export interface Proxy {
  readonly kind: 'frontend' | 'backend' | 'listen'
  readonly name: string
  /** Of the section's line. */
  readonly place: Place
  readonly mode: ProxyMode
  /** `disabled`: it is checked, and not started. */
  readonly disabled: boolean
  readonly description: string | undefined
  /** `id`: the number that the user gave, or undefined. */
  readonly id: number | undefined

  /** Frontend side; empty for a backend. */
  readonly binds: readonly Bind[]
  /** Connections that this frontend accepts at once. */
  readonly maxconn: number | undefined
  readonly monitorUri: string | undefined
  /** In order; the first whose condition holds wins. */
  readonly useBackends: readonly UseBackend[]
  readonly defaultBackend: Word | undefined
  /** What `%hr` and `%hs` show. */
  readonly captures: Captures
  readonly uniqueIdFormat: Word | undefined
  readonly uniqueIdHeader: string | undefined

  /** Backend side; empty for a frontend. */
  readonly servers: readonly Server[]
  readonly balance: Balance
  /** Connection attempts after the first one that failed. @default 3 */
  readonly retries: number
  /** What `retries` counts for: failures, and statuses of a response. @default conn-failure */
  readonly retryOn: ReadonlySet<RetryReason>
  /** `http-reuse`. @default 'safe' */
  readonly httpReuse: HttpReuse
  readonly fullconn: number | undefined
  /** `use-fcgi-app`: the name of the application that `proto fcgi` servers run. */
  readonly useFcgiApp: Word | undefined

  /** Both sides. */
  readonly timeouts: Timeouts
  readonly options: ProxyOptions
  /** In order; several declarations of one name are alternatives. */
  readonly acls: readonly AclDeclaration[]
  /** One list per rule set, each in the order of the file; those of a named `defaults` section come first. */
  readonly rules: Rules
  readonly inspectDelay: InspectDelay
  /** In order of declaration, which is the order in which they see the stream. */
  readonly filters: readonly Filter[]
  readonly logs: readonly LogTarget[]
  readonly logTag: string | undefined
  readonly logFormat: LogFormat | undefined
  /** `log-format-sd`: the structured-data part of RFC 5424 lines. */
  readonly logFormatSd: Word | undefined
  /** In order; a later one for a status replaces an earlier one. */
  readonly errorPages: readonly ErrorPage[]
}

/** The slots that a frontend declares, in order. */
export interface Captures {
  readonly request: readonly CaptureSlot[]
  readonly response: readonly CaptureSlot[]
}

/** Whether `proxy` accepts connections. */
export function isFrontend(proxy: Proxy): boolean {
  return proxy.kind !== 'backend'
}

/** Whether `proxy` has servers. */
export function isBackend(proxy: Proxy): boolean {
  return proxy.kind !== 'frontend'
}

/** One `bind` line. */
export interface Bind {
  readonly place: Place
  /** The comma-separated addresses of the line, port ranges spelt out. */
  readonly endpoints: readonly Endpoint[]
  readonly name: string | undefined
  /** Permissions of a unix socket, such as 0o660. */
  readonly mode: number | undefined
  /** Length of the kernel's queue of connections. */
  readonly backlog: number | undefined
}

/** Which requests may be sent on a connection that carried others: see `http-reuse` in HAProxy's manual. */
export type HttpReuse = 'never' | 'safe' | 'aggressive' | 'always'

/** Milliseconds each; undefined means that none was set. A missing one of these falls back as HAProxy's manual says. */
export interface Timeouts {
  readonly connect: number | undefined
  readonly client: number | undefined
  readonly server: number | undefined
  /** Time to receive a whole request head. Falls back to `client`. */
  readonly httpRequest: number | undefined
  /** Time to wait for the next request. Falls back to `httpRequest`, then `client`. */
  readonly httpKeepAlive: number | undefined
  /** Falls back to `connect`. */
  readonly queue: number | undefined
  /** Falls back to `connect`. */
  readonly tarpit: number | undefined
  /** Falls back to `inter` of the server. */
  readonly check: number | undefined
  readonly clientFin: number | undefined
  readonly serverFin: number | undefined
  readonly tunnel: number | undefined
}

/** What happens to connections after a response; the last option of the three given counts. */
export type ConnectionMode = 'keep-alive' | 'server-close' | 'close'

/** The `option` lines. */
export interface ProxyOptions {
  /** @default 'keep-alive' */
  readonly connectionMode: ConnectionMode
  /** `http-pretend-keepalive`: a server whose connection will be closed is not told. */
  readonly pretendKeepAlive: boolean
  /** `dontlognull`: connections that carried nothing are not logged. */
  readonly dontLogNull: boolean
  /** `dontlog-normal`: streams that went well are not logged. */
  readonly dontLogNormal: boolean
  /** `log-separate-errors`: others are logged with the level `err`. */
  readonly logSeparateErrors: boolean
  readonly logHealthChecks: boolean
  readonly forwardFor: ForwardFor | undefined
  /** `httpchk`: health checks are requests. */
  readonly httpCheck: HttpCheck | undefined
  /** `spop-check`: health checks are SPOP handshakes. */
  readonly spopCheck: boolean
  /** `redispatch`, whatever its interval: a request whose server refuses goes to another one. */
  readonly redispatch: boolean
  /** `abortonclose`: a request whose client has left the queue is dropped. */
  readonly abortOnClose: boolean
  /** `http-buffer-request`: wait for the body (or a full buffer) before the rules run. */
  readonly httpBufferRequest: boolean
}

/** `option forwardfor`. */
export interface ForwardFor {
  /** @default 'X-Forwarded-For' */
  readonly header: string
  /** Clients in this range get no header. */
  readonly except: Word | undefined
  /** Only when the request has no such header yet. */
  readonly ifNone: boolean
}

/** Of `retry-on`; a number is a status. */
export type RetryReason =
  | 'conn-failure'
  | 'empty-response'
  | 'junk-response'
  | 'response-timeout'
  | '0rtt-rejected'
  | number

/** `log-format`, `option httplog`, `option tcplog`: the last one given counts. */
export type LogFormat =
  | { readonly kind: 'tcplog' | 'httplog' | 'clf' }
  | { readonly kind: 'custom'; readonly format: Word }

/** How long content rules may wait for more data, in milliseconds. */
export interface InspectDelay {
  readonly request: number | undefined
  readonly response: number | undefined
}

/** `filter ...` */
export type Filter =
  | {
      readonly type: 'spoe'
      readonly place: Place
      /** The scope of the file to read; undefined: the file has none. */
      readonly engine: Word | undefined
      readonly config: Word
    }
  | { readonly type: 'fcgi-app'; readonly place: Place; readonly name: Word }
