/** The options of an engine, and how they are checked. */
import { isEndpointLike, toEndpoint, type Endpoint } from '../net/endpoint.ts'
import { UsageError } from '../base/errors.ts'
import { loggerOption } from '../base/logger-option.ts'
import type { Logger } from '../base/logger.ts'
import {
  integer,
  oneOf,
  resolveOptions,
  type OptionSpec,
  type Resolved,
  type Specs,
} from '../base/options.ts'
import { defaultMaxFrameSize, leastMaxFrameSize } from '../spop/frame-head.ts'
import type { EngineError } from './errors.ts'
import { profileNames, type ProfileName } from './profile.ts'
import { maxTimeout } from './request.ts'
import { connectTo, type ConnectTo, type RemoteEndpoint } from './socket.ts'

/** What an engine may announce. It never takes fragmented ACKs, and neither does HAProxy. */
export type EngineCapability = 'pipelining' | 'async'

/** An agent did something wrong that costs no exchange, or that ends a connection. */
export interface AgentFault {
  /** The server's endpoint as text. */
  readonly server: string
  /** Counts the connections of the engine from 1. */
  readonly connection: number
  /** What it was; HAProxy ignores those whose `status` is 0. */
  readonly error: EngineError
}

/** Milliseconds and bytes. */
export interface EngineOptions {
  /** Where the agents are: endpoints as text (`host:port`, `unix@/path`, …) or parsed. At least one. */
  readonly servers: readonly (string | Endpoint)[]
  /**
   * Whose ids, limits and manners to use: `2.6` (HAProxy 1.8 to 3.0), `3.x` (HAProxy 3.1 and later), or `default`, which
   * takes the best of both: docs/engine.md has the table. @default 'default'
   */
  readonly profile?: ProfileName
  /**
   * What HELLO announces. `async` lets an agent answer on any connection, but then a lost connection fails nothing at
   * once: its exchanges wait for their timeout, as with HAProxy. So it is never announced unless asked for.
   * @default ['pipelining']
   */
  readonly capabilities?: readonly EngineCapability[]
  /** Sent in HELLO. @default a random UUID per engine, as HAProxy does */
  readonly engineId?: string
  /** The largest frame, without its length field. @default 16380, HAProxy's `tune.bufsize` less 4 */
  readonly maxFrameSize?: number
  /**
   * The largest payload that is cut into fragments when the agent takes them; more is status 3.
   * @default 1048576: room for a large body, and a bound for what a connection holds
   */
  readonly maxPayloadSize?: number
  /** From the call to the outcome, connecting included, where a call names no other. @default 1000 */
  readonly processingTimeout?: number
  /** For TCP's or the unix socket's own handshake. @default 2000: longer than one lost SYN */
  readonly connectTimeout?: number
  /** From connected to AGENT-HELLO. @default 2000, as in the example of SPOE.txt */
  readonly helloTimeout?: number
  /**
   * A connection without exchanges is closed after this long; 0 keeps it. It must be lower than the agent's own.
   * @default 120000, as in the example of SPOE.txt
   */
  readonly idleTimeout?: number
  /** How long our DISCONNECT may stay unanswered before the socket is destroyed. @default 1000: it is a courtesy */
  readonly closeTimeout?: number
  /** NOTIFYs in flight per connection; profile `3.x` has 20 always. @default 20, as HAProxy */
  readonly maxWaitingFrames?: number
  /** Connections per server, those being made included. @default 100: what an agent of one process bears */
  readonly maxConnections?: number
  /** Exchanges that wait for a connection; more is status 2 at once. @default 10000: bounds memory in a stall */
  readonly maxQueue?: number
  /** Bytes of encoded messages that wait so; more is status 2 as well. @default 67108864: 64 MiB */
  readonly maxQueueSize?: number
  /** Failures in a row after which a server is left alone for a while. @default 3: one may be an accident */
  readonly maxFailures?: number
  /** The first wait after that; it doubles with each failed trial. @default 100: a restart is over soon */
  readonly minBackoff?: number
  /** The longest wait. @default 5000: nobody waits longer for an agent that is back */
  readonly maxBackoff?: number
  /** Makes the streams to the servers: for tests in memory, or a transport of your own. @default TCP and unix sockets */
  readonly connect?: ConnectTo
  /** Told about servers going down and up, and about agents' faults. @default silent */
  readonly logger?: Logger
  /** Told about everything that HAProxy ignores silently, and about broken connections: for strict tests and metrics. */
  readonly onAgentFault?: (fault: AgentFault) => void
}

const servers: OptionSpec<EngineOptions['servers']> = {
  fallback: [],
  check: (given) =>
    Array.isArray(given) && given.length > 0 && given.every(isEndpointLike)
      ? undefined
      : 'must be an array of at least one endpoint',
}

const capabilityNames: readonly unknown[] = ['pipelining', 'async']

const capabilities: OptionSpec<readonly EngineCapability[]> = {
  fallback: ['pipelining'],
  check: (given) =>
    Array.isArray(given) && given.every((each) => capabilityNames.includes(each))
      ? undefined
      : `must be an array of ${capabilityNames.join(', ')}`,
}

const engineId: OptionSpec<string> = {
  fallback: '',
  check: (given) =>
    typeof given === 'string' && given !== '' && given.length <= 64
      ? undefined
      : 'must be a string of 1 to 64 characters',
}

const connect: OptionSpec<ConnectTo> = {
  fallback: connectTo,
  check: (given) => (typeof given === 'function' ? undefined : 'must be a function'),
}

const onAgentFault: OptionSpec<(fault: AgentFault) => void> = {
  fallback: () => {},
  check: (given) => (typeof given === 'function' ? undefined : 'must be a function'),
}

const timeout = (fallback: number, min = 1) => integer(fallback, { min, max: maxTimeout })

/** A frame of more would be taken whole into memory. */
const mostFrameSize = 0x100_0000

const specs: Specs<EngineOptions> = {
  servers,
  profile: oneOf('default', profileNames),
  capabilities,
  engineId,
  maxFrameSize: integer(defaultMaxFrameSize, { min: leastMaxFrameSize, max: mostFrameSize }),
  maxPayloadSize: integer(1_048_576),
  processingTimeout: timeout(1000),
  connectTimeout: timeout(2000),
  helloTimeout: timeout(2000),
  idleTimeout: timeout(120_000, 0),
  closeTimeout: timeout(1000),
  maxWaitingFrames: integer(20, { min: 1, max: 100_000 }),
  maxConnections: integer(100, { min: 1, max: 100_000 }),
  maxQueue: integer(10_000),
  maxQueueSize: integer(67_108_864),
  maxFailures: integer(3, { min: 1 }),
  minBackoff: timeout(100),
  maxBackoff: timeout(5000),
  connect,
  logger: loggerOption(),
  onAgentFault,
}

/** Every option with a value. */
export type EngineSettings = Resolved<EngineOptions>

/**
 * Fills the gaps.
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`.
 */
export function resolveEngineOptions(given: EngineOptions): EngineSettings {
  const settings = resolveOptions(specs, given, 'createEngine')
  if (settings.servers.length === 0) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      "createEngine: option 'servers' must name at least one endpoint",
    )
  }
  if (settings.maxBackoff < settings.minBackoff) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `createEngine: option 'maxBackoff' must not be less than minBackoff, ${settings.minBackoff}`,
    )
  }
  return settings
}

/** @throws UsageError for what cannot be connected to. */
export function serverEndpoint(server: string | Endpoint): RemoteEndpoint {
  const endpoint = toEndpoint(server)
  if (endpoint.type === 'fd') {
    throw new UsageError(
      'ERR_SLUICE_ADDRESS',
      `'fd@${endpoint.fd}' is something to listen on, not to connect to`,
    )
  }
  return endpoint
}
