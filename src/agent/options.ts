/** The options of an agent: each limit and each wait, with its default and the reason for it. */
import type { TlsOptions } from 'node:tls'
import { UsageError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { loggerOption } from '../base/logger-option.ts'
import { stderrLogger } from '../base/stderr-logger.ts'
import {
  boolean,
  integer,
  milliseconds,
  oneOf,
  optional,
  resolveOptions,
  strings,
  type Resolved,
  type Specs,
} from '../base/options.ts'
import { defaultMaxFrameSize, leastMaxFrameSize } from '../spop/frame-head.ts'
import { tracingOption, type TracingOptions } from '../base/tracing.ts'
import type { Capability } from '../spop/negotiation.ts'
import type { Actions } from './actions.ts'
import type { Context } from './context.ts'
import { complaintOfTls } from './tls-options.ts'
import { complaintOfPrefix } from './variable-names.ts'

/** Why a fallback answers instead of a handler. */
export type FallbackReason = 'error' | 'deadline' | 'overload' | 'oversized'

/**
 * Sets the actions of a message whose handler could not: fail-closed agents set their verdict here. Without one, the
 * answer has no action (fail-open: HAProxy goes on as if nothing had been said). It must be synchronous: what it sets
 * after an `await` is not sent.
 */
export type Fallback = (actions: Actions, reason: FallbackReason, context: Context) => void

/** See each key. Sizes are bytes, times milliseconds. */
export interface AgentOptions {
  /**
   * Largest frame accepted or sent, without its length field. HAProxy cannot send more than its `tune.bufsize` less
   * 4; announcing less than HAProxy does makes 2.6 reconnect in a storm and 3.1 fail with error 259, so lower
   * it only together with HAProxy's `max-frame-size`.
   * @default 16380
   */
  maxFrameSize?: number | undefined
  /** Largest payload joined from fragments. @default 1048576 */
  maxPayloadSize?: number | undefined
  /** Announce `fragmentation`: HAProxy up to 3.0 then sends long payloads in pieces. @default true */
  fragmentation?: boolean | undefined
  /** Announce `pipelining`. @default true */
  pipelining?: boolean | undefined
  /**
   * Announce `async`: an ACK may then leave on any connection of the same engine. Off, because HAProxy up to 3.0
   * then waits for the whole processing timeout when an agent goes away, instead of failing at once; 3.1 removed it.
   * @default false
   */
  async?: boolean | undefined
  /**
   * How long a handler may take before its {@link AgentOptions.fallback} answers. Keep it below HAProxy's
   * `timeout processing`: an answer that comes later is ignored there. 0 is no limit.
   * @default 1000
   */
  deadline?: number | undefined
  /** Messages that may wait for asynchronous handlers, over all connections; more are answered by the fallback. @default 10000 */
  maxInFlight?: number | undefined
  /** The same for one connection. HAProxy has at most 20 in flight unless told otherwise. @default 1000 */
  maxInFlightPerConnection?: number | undefined
  /**
   * Connections that may be open. At the limit the listeners close until some are gone, so that HAProxy sees
   * "connection refused", and not a storm of connections that end without an answer.
   * @default 16384
   */
  maxConnections?: number | undefined
  /** How long a new connection may take to say HELLO; 0 is forever. @default 5000 */
  handshakeTimeout?: number | undefined
  /**
   * How long a connection with nothing in flight may stay silent; 0 is forever. HAProxy closes idle
   * connections itself, and an agent that is faster than it makes requests fail: stay above its `timeout idle`.
   * @default 0
   */
  idleTimeout?: number | undefined
  /**
   * How long a peer may take for a frame, or for a payload in fragments, from its first byte to its last; 0 is forever.
   * HAProxy sends each in one go. @default 10000
   */
  receiveTimeout?: number | undefined
  /** How long a peer may read nothing of what waits for it before it is cut off; 0 is forever. @default 30000 */
  stallTimeout?: number | undefined
  /**
   * Memory, in bytes, that may wait on one connection for a peer that does not read. At half of it nothing more is read
   * from the peer; when the answers to what it has asked before exceed it, and it takes none of them for half a second, the
   * connection is cut. HAProxy, with 20 messages in flight, never comes near. Less than four frames count as four frames.
   * @default 1048576
   */
  maxPendingOutput?: number | undefined
  /**
   * Memory, in bytes, that handlers which are not done may keep of one connection's input: each keeps the chunk that its
   * message came in. At the limit nothing more is read from the peer until some are done.
   * @default 4194304
   */
  maxPendingInput?: number | undefined
  /** How long `close()` waits for handlers before it cuts connections. @default 5000 */
  closeTimeout?: number | undefined
  /**
   * How long a connection stays half open after our DISCONNECT: HAProxy 3.5 otherwise loses the status. @default 250
   */
  closeDelay?: number | undefined
  /** Addresses and CIDR ranges that may connect by TCP; all may when it is empty. @default [] */
  allowedPeers?: readonly string[] | undefined
  /** Whether a health check succeeds; a draining agent fails it anyway. @default always */
  ready?: (() => boolean) | undefined
  /** Sets the actions when a handler could not. @default none, which is fail-open */
  fallback?: Fallback | undefined
  /**
   * When the actions do not fit a frame: `drop` leaves out those that do not, `fallback` answers with
   * {@link AgentOptions.fallback} instead of a part.
   * @default 'drop'
   */
  tooManyActions?: 'drop' | 'fallback' | undefined
  /**
   * What HAProxy's `option var-prefix` says, which it puts between scope and name; without it, HAProxy takes the name of its
   * `spoe-agent` section. The three have 63 characters and two dots count: a longer name throws in `setVar`.
   * @default none told: the prefix is taken to have three characters
   */
  varPrefix?: string | undefined
  /**
   * TLS, with the options of `tls.createServer`: a certificate (`cert` and `key`, `pfx`, `SNICallback`, or `pskCallback`
   * instead) must be among them. `requestCert` with `ca` is mutual TLS; without `ca` it takes what any public authority
   * has signed.
   * @default none
   */
  tls?: TlsOptions | undefined
  /** Spans of OpenTelemetry: one for each message, with the context that an argument carries. @default none */
  tracing?: TracingOptions | undefined
  /**
   * Anything shaped like pino, or a console; `false` is silence.
   * @default warnings and errors as lines on standard error
   */
  logger?: Logger | false | undefined
}

const specs: Specs<AgentOptions> = {
  maxFrameSize: integer(defaultMaxFrameSize, { min: leastMaxFrameSize, max: 0x7fff_ffff }),
  maxPayloadSize: integer(1_048_576, { min: leastMaxFrameSize }),
  fragmentation: boolean(true),
  pipelining: boolean(true),
  async: boolean(false),
  deadline: milliseconds(1000),
  maxInFlight: integer(10_000, { min: 1 }),
  maxInFlightPerConnection: integer(1000, { min: 1 }),
  maxConnections: integer(16_384, { min: 1 }),
  handshakeTimeout: milliseconds(5000),
  idleTimeout: milliseconds(0),
  receiveTimeout: milliseconds(10_000),
  stallTimeout: milliseconds(30_000),
  maxPendingOutput: integer(1_048_576, { min: 1 }),
  maxPendingInput: integer(4_194_304, { min: 1 }),
  closeTimeout: milliseconds(5000),
  closeDelay: milliseconds(250),
  allowedPeers: strings([]),
  ready: optional('function'),
  fallback: optional('function'),
  tooManyActions: oneOf('drop', ['drop', 'fallback']),
  varPrefix: {
    fallback: undefined,
    check: (given) => (typeof given === 'string' ? complaintOfPrefix(given) : 'must be a string'),
  },
  // complaintOfTls() does more, and never shows the value: there may be a key in it.
  tls: { fallback: undefined, check: () => undefined },
  tracing: tracingOption,
  logger: loggerOption(stderrLogger),
}

/** Options with every gap filled. */
export type ResolvedAgentOptions = Resolved<
  Omit<AgentOptions, 'ready' | 'fallback' | 'varPrefix' | 'tls' | 'tracing' | 'logger'>
> & {
  readonly ready: (() => boolean) | undefined
  readonly fallback: Fallback | undefined
  readonly varPrefix: string | undefined
  readonly tls: TlsOptions | undefined
  readonly tracing: TracingOptions | undefined
  readonly logger: Logger
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
export function resolveAgentOptions(given: AgentOptions): ResolvedAgentOptions {
  const resolved = resolveOptions(specs, given, 'createAgent') as ResolvedAgentOptions
  const complaint = resolved.tls === undefined ? undefined : complaintOfTls(resolved.tls)
  if (complaint !== undefined)
    throw new UsageError('ERR_SLUICE_OPTION', `createAgent: option 'tls' ${complaint}`)
  return resolved
}

/** What AGENT-HELLO announces (SPOE.txt 3.2.5). */
export function announcedCapabilities(options: ResolvedAgentOptions): Capability[] {
  const capabilities: Capability[] = []
  if (options.pipelining) capabilities.push('pipelining')
  if (options.fragmentation) capabilities.push('fragmentation')
  if (options.async) capabilities.push('async')
  return capabilities
}
