/**
 * The model of a configuration: what the readers produce and what the proxy runs. Values are resolved: environment
 * variables are expanded, `defaults` sections are folded into each proxy, times are milliseconds (`undefined` when not
 * set: no limit). Nothing was read from disk: file names stay words. Expressions, log formats and conditions stay
 * words too, with their places, and are compiled by `sample/`.
 */
import type { Endpoint } from '../endpoint.ts'
import type { Place } from './diagnostics.ts'
import type { Word } from './word.ts'

/** Everything that one or several configuration files say. */
export interface Config {
  readonly global: Global
  /** Every `frontend`, `backend` and `listen` in the order of the files, disabled ones included. */
  readonly proxies: readonly Proxy[]
  readonly fcgiApps: readonly FcgiApp[]
}

/** The `global` sections, taken together. */
export interface Global {
  readonly logs: readonly LogTarget[]
  readonly logTag: string | undefined
  /** `log-send-hostname`: the name to put into syslog headers, '' for the host's own; undefined when it is not set. */
  readonly logSendHostname: string | undefined
  /** Connections in the whole process. */
  readonly maxconn: number | undefined
  readonly nbthread: number | undefined
  readonly description: string | undefined
  readonly node: string | undefined
}

/** How a proxy treats its bytes. HAProxy's default is `tcp`. */
export type ProxyMode = 'tcp' | 'http'

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
  readonly uniqueIdFormat: Word | undefined
  readonly uniqueIdHeader: string | undefined

  /** Backend side; empty for a frontend. */
  readonly servers: readonly Server[]
  readonly balance: Balance
  /** Connection attempts after the first one that failed. @default 3 */
  readonly retries: number
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
  readonly errorFiles: readonly ErrorFile[]
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

/** One `server` line, with what it inherits from `default-server`. */
export interface Server {
  readonly place: Place
  readonly name: string
  readonly address: Endpoint
  /** `proto`: what is spoken instead of the proxy's own protocol. */
  readonly proto: 'fcgi' | undefined
  readonly check: HealthCheck | undefined
  /** 0 to 256. @default 1 */
  readonly weight: number
  readonly backup: boolean
  /** Starts in maintenance. */
  readonly disabled: boolean
  /** Concurrent requests (HTTP) or connections (TCP); beyond it they queue. Undefined: no limit. */
  readonly maxconn: number | undefined
  /** Requests that may wait for this server. Undefined: no limit. */
  readonly maxqueue: number | undefined
  /** Idle connections kept. Undefined: no limit. */
  readonly poolMaxConn: number | undefined
  readonly id: number | undefined
}

/** `check` and its numbers. */
export interface HealthCheck {
  /** Milliseconds between checks. @default 2000 */
  readonly inter: number
  /** While the state is changing. @default inter */
  readonly fastInter: number | undefined
  /** While the server is down. @default inter */
  readonly downInter: number | undefined
  /** Checks that must pass to come up. @default 2 */
  readonly rise: number
  /** Checks that must fail to go down. @default 3 */
  readonly fall: number
  /** `port`: where to check, when it is not the server's own port. */
  readonly port: number | undefined
  /** `addr`: where to check, when it is not the server's own address. */
  readonly address: Word | undefined
}

/** `balance`: only `roundrobin` (the default) is implemented; others are reported, and kept here. */
export interface Balance {
  readonly algorithm: string
  readonly args: readonly Word[]
}

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
  /** `dontlognull`: connections that carried nothing are not logged. */
  readonly dontLogNull: boolean
  readonly logHealthChecks: boolean
  readonly forwardFor: ForwardFor | undefined
  /** `spop-check`: health checks are SPOP handshakes. */
  readonly spopCheck: boolean
  readonly redispatch: Redispatch | undefined
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

/** `option redispatch [interval]`: another server at every `interval`-th retry; negative counts from the last one. */
export interface Redispatch {
  /** @default -1: the last retry only */
  readonly interval: number
}

/** `log-format`, `option httplog`, `option tcplog`: the last one given counts. */
export type LogFormat =
  | { readonly kind: 'tcplog' | 'httplog' | 'clf' }
  | { readonly kind: 'custom'; readonly format: Word }

/** One `log` line. */
export type LogTarget =
  | { readonly kind: 'global'; readonly place: Place }
  | {
      readonly kind: 'target'
      readonly place: Place
      /** Where lines go: `stdout`, `stderr`, or a datagram address (UDP or a unix socket such as /dev/log). */
      readonly to: LogAddress
      /** Longer lines are cut. @default 1024 */
      readonly length: number
      /** `format`: how the header of each line is written. */
      readonly format: string | undefined
      readonly facility: string
      /** Lines less urgent than this are dropped. @default 'debug' */
      readonly level: string
      /** Lines more urgent than this are sent as if they were this urgent. @default 'emerg' */
      readonly minLevel: string
    }

export type LogAddress =
  | { readonly type: 'stdout' | 'stderr' }
  | { readonly type: 'udp'; readonly host: string; readonly port: number }
  | { readonly type: 'unix'; readonly path: string }
  | { readonly type: 'fd'; readonly fd: number }

/** `errorfile`: the raw response for one status. */
export interface ErrorFile {
  readonly place: Place
  readonly status: number
  readonly file: Word
}

/** `acl <name> <criterion> [flags] [operator] <value>...` */
export interface AclDeclaration {
  readonly place: Place
  readonly name: string
  /** Everything after the name. */
  readonly words: readonly Word[]
}

/** `if <words>` or `unless <words>`; the words are ACL names, `!`, `or`, `||` and `{ anonymous }` ones. */
export interface Condition {
  readonly kind: 'if' | 'unless'
  readonly place: Place
  readonly words: readonly Word[]
}

/** `use_backend <name> [condition]`; a name that holds `%[` is a log format. */
export interface UseBackend {
  readonly place: Place
  readonly backend: Word
  readonly condition: Condition | undefined
}

/** The rule sets, in the order in which a stream meets them. */
export const ruleSets = [
  'tcp-request connection',
  'tcp-request session',
  'tcp-request content',
  'http-request',
  'tcp-response content',
  'http-response',
  'http-after-response',
] as const

export type RuleSet = (typeof ruleSets)[number]

export type Rules = { readonly [Set in RuleSet]: readonly Rule[] }

/** One rule. */
export interface Rule {
  readonly place: Place
  readonly ruleSet: RuleSet
  readonly action: Action
  readonly condition: Condition | undefined
}

/** What a rule does. Formats are log formats, expressions are sample expressions. */
export type Action =
  | { readonly type: 'accept' }
  | { readonly type: 'reject' }
  | { readonly type: 'allow' }
  | { readonly type: 'deny'; readonly reply: HttpReply }
  | { readonly type: 'return'; readonly reply: HttpReply }
  | RedirectAction
  | { readonly type: 'set-header' | 'add-header'; readonly name: Word; readonly format: Word }
  | { readonly type: 'del-header'; readonly name: Word; readonly match: HeaderMatch }
  | { readonly type: 'set-path' | 'set-query'; readonly format: Word }
  | { readonly type: 'set-status'; readonly status: number; readonly reason: Word | undefined }
  | SetVarAction
  | { readonly type: 'unset-var'; readonly variable: VariableName }
  | { readonly type: 'send-spoe-group'; readonly engine: Word; readonly group: Word }

/** `del-header <name> [-m <method>]`. */
export type HeaderMatch = 'str' | 'beg' | 'end' | 'sub' | 'reg'

/** The answer of `return` and `deny`. */
export interface HttpReply {
  /** 200 to 599. Defaults: `return` 200, `http-request deny` 403, `http-response deny` 502. */
  readonly status: number
  readonly contentType: Word | undefined
  readonly body: HttpReplyBody | undefined
  readonly headers: readonly { readonly name: Word; readonly format: Word }[]
}

export type HttpReplyBody =
  | { readonly kind: 'string'; readonly text: Word }
  | { readonly kind: 'lf-string'; readonly format: Word }
  | { readonly kind: 'file'; readonly file: Word }
  | { readonly kind: 'lf-file'; readonly file: Word }

/** `redirect {location|prefix|scheme} <format> [code N] [drop-query] [append-slash] [set-cookie C] [clear-cookie C]` */
export interface RedirectAction {
  readonly type: 'redirect'
  readonly kind: 'location' | 'prefix' | 'scheme'
  readonly format: Word
  /** 301, 302, 303, 307 or 308. @default 302 */
  readonly status: number
  readonly dropQuery: boolean
  readonly appendSlash: boolean
  /** The value of a Set-Cookie header, ready to send but for the name of the header. */
  readonly setCookie: string | undefined
}

/** `set-var(name[,condition...]) <expression>` and `set-var-fmt(name[,condition...]) <format>`. */
export type SetVarAction = {
  readonly variable: VariableName
  readonly conditions: readonly SetVarCondition[]
} & (
  | { readonly type: 'set-var'; readonly expression: readonly Word[] }
  | { readonly type: 'set-var-fmt'; readonly format: Word }
)

/** The variable is left alone unless all of these hold. */
export type SetVarCondition =
  | 'ifempty'
  | 'ifexists'
  | 'ifgt'
  | 'iflt'
  | 'ifnotempty'
  | 'ifnotexists'
  | 'ifnotset'
  | 'ifset'

export type VariableScope = 'proc' | 'sess' | 'txn' | 'req' | 'res'

/** `txn.iprep.score` is scope `txn` and name `iprep.score`. */
export interface VariableName {
  readonly scope: VariableScope
  readonly name: string
}

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

/** A `fcgi-app` section. */
export interface FcgiApp {
  readonly name: string
  readonly place: Place
  /** DOCUMENT_ROOT, and what SCRIPT_FILENAME begins with. */
  readonly docroot: Word | undefined
  /** Appended to a script name that ends in `/`. */
  readonly index: Word | undefined
  /** A regular expression on the decoded path: capture 1 is the script, 2 the path info. */
  readonly pathInfo: Word | undefined
  /** Where STDERR goes; empty: nowhere. */
  readonly logStderr: readonly LogTarget[]
  readonly acls: readonly AclDeclaration[]
  /** `set-param` and `pass-header`, in order. */
  readonly rules: readonly FcgiRule[]
  /** @default true */
  readonly keepConn: boolean
  /** Ask the application for its limits. @default false */
  readonly getValues: boolean
  /** Requests in one connection at a time. @default 1 */
  readonly maxReqs: number
  /** The application can multiplex. @default false */
  readonly mpxsConns: boolean
}

export type FcgiRule =
  | {
      readonly type: 'set-param'
      readonly place: Place
      readonly name: Word
      readonly format: Word
      readonly condition: Condition | undefined
    }
  | {
      readonly type: 'pass-header'
      readonly place: Place
      readonly name: Word
      readonly condition: Condition | undefined
    }

/** One scope of a SPOE file: one agent, its messages and its groups. */
export interface SpoeConfig {
  /** The name of the scope, or undefined for a file without scopes. */
  readonly engine: string | undefined
  readonly agent: SpoeAgent
  /** Those that the agent uses, by event or through a group; in the order in which the agent lists them. */
  readonly messages: readonly SpoeMessage[]
  /** Those that the agent lists. */
  readonly groups: readonly SpoeGroup[]
}

/** `spoe-agent`, SPOE.txt 2.2. */
export interface SpoeAgent {
  readonly name: string
  readonly place: Place
  /** What variable names begin with. @default the agent's name */
  readonly varPrefix: string
  /** `messages`: those sent when their event occurs. */
  readonly messages: readonly Word[]
  readonly groups: readonly Word[]
  readonly useBackend: Word | undefined
  /** Bytes, 256 to 16380. @default 16380 */
  readonly maxFrameSize: number
  /** NOTIFY frames in flight on one connection. @default 20 */
  readonly maxWaitingFrames: number
  /** New connections per second; undefined: no limit. */
  readonly maxConnRate: number | undefined
  /** Errors per second after which processing stops; undefined: no limit. */
  readonly maxErrRate: number | undefined
  /** @default true */
  readonly pipelining: boolean
  /** @default true */
  readonly async: boolean
  /** @default true */
  readonly sendFragPayload: boolean
  readonly continueOnError: boolean
  readonly dontLogNormal: boolean
  readonly forceSetVar: boolean
  /** Variable name without scope and prefix. */
  readonly setOnError: string | undefined
  readonly setProcessTime: string | undefined
  readonly setTotalTime: string | undefined
  /** Names without scope and prefix. */
  readonly registerVarNames: readonly string[]
  readonly timeouts: SpoeTimeouts
  readonly logs: readonly LogTarget[]
}

/** Milliseconds; undefined: no limit. */
export interface SpoeTimeouts {
  readonly hello: number | undefined
  readonly idle: number | undefined
  readonly processing: number | undefined
}

export const spoeEvents = [
  'on-client-session',
  'on-frontend-tcp-request',
  'on-frontend-http-request',
  'on-backend-tcp-request',
  'on-backend-http-request',
  'on-server-session',
  'on-tcp-response',
  'on-http-response',
] as const

export type SpoeEvent = (typeof spoeEvents)[number]

/** `spoe-message`, SPOE.txt 2.3. */
export interface SpoeMessage {
  readonly name: string
  readonly place: Place
  readonly acls: readonly AclDeclaration[]
  /** At most 255. */
  readonly args: readonly SpoeArg[]
  /** Undefined: sent through a group only. */
  readonly event:
    | { readonly name: SpoeEvent; readonly condition: Condition | undefined; readonly place: Place }
    | undefined
}

/** `name=expr` or `expr`. */
export interface SpoeArg {
  readonly name: string | undefined
  readonly expr: Word
}

/** `spoe-group`, SPOE.txt 2.4. */
export interface SpoeGroup {
  readonly name: string
  readonly place: Place
  readonly messages: readonly Word[]
}
