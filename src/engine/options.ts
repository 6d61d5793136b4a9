/** The options of an engine, and how they are checked. */
import { plainAlgorithms, type PlainAlgorithm } from '../net/balance/create.ts'
import { UsageError } from '../base/errors.ts'
import { loggerOption, resolveLogging, type Logging } from '../base/logger-option.ts'
import type { Logger } from '../base/logger.ts'
import { integer, milliseconds, oneOf, type OptionSpec, type Specs } from '../base/options.ts'
import { defaultMaxFrameSize, leastMaxFrameSize } from '../spop/frame-head.ts'
import { tracingOption, type TracingOptions } from '../base/tracing.ts'
import type { WhenDown } from './downtime.ts'
import type { EngineError } from './errors.ts'
import { profileNames, type ProfileName } from './profile.ts'
import { connectTo, type ConnectTo } from './socket.ts'
import { isServerLike, isSource, type AgentSource, type ServerInput } from './source.ts'
import { complaintOfTls, tlsConnector, type EngineTls } from './tls.ts'

/** What an engine may announce. It never takes fragmented ACKs, and neither does HAProxy. */
export type EngineCapability = 'pipelining' | 'async'

/** `fail`: an agent may have acted on it. `resend`: once, and elsewhere if there is an elsewhere. */
export type WhenLost = 'fail' | 'resend'

/** `spread`: over the connections of a server. `share`: on one of them as long as that has room. */
export type TurnSharing = 'spread' | 'share'

/** An agent did something wrong that costs no exchange, or that ends a connection. */
export interface AgentFault {
  /** The server's name: of one given by its address, the endpoint as text. */
  readonly server: string
  /** Counts the connections of the engine from 1. */
  readonly connection: number
  /** What it was; HAProxy ignores those whose `status` is 0. */
  readonly error: EngineError
}

/** Milliseconds and bytes. */
export interface EngineOptions {
  /**
   * Where the agents are: at least one endpoint, as text (`host:port`, `unix@/path`, …), parsed, or with a weight and the
   * like; or a source of servers that come and go.
   */
  readonly servers: readonly ServerInput[] | AgentSource
  /**
   * Which of several servers an exchange goes to: each in turn, the one with the fewest under way, the first that has room,
   * the better of some drawn by chance. @default 'roundrobin'
   */
  readonly balance?: PlainAlgorithm | undefined
  /** How many are drawn for `balance: 'random'`. @default 2, as HAProxy */
  readonly balanceDraws?: number | undefined
  /**
   * What becomes of an exchange that finds no agent: it waits for one within its time, or fails at once. One that is refused
   * by an agent that is there fails at once in any case. @default 'wait', as HAProxy
   */
  readonly whenDown?: WhenDown | undefined
  /**
   * What becomes of an exchange that was sent, and whose connection is lost: it fails, or is sent once again, which an agent
   * that has acted on it already does not know. @default 'fail', as HAProxy
   */
  readonly whenLost?: WhenLost | undefined
  /**
   * Where the exchanges of one turn of the event loop go: spread over the connections with the fewest under way; or together on
   * one, in one write, as long as that has room, which is cheaper where a turn has much else to do, as in a proxy.
   * @default 'spread'
   */
  readonly turn?: TurnSharing | undefined
  /**
   * Whose ids, limits and manners to use: `2.6` (HAProxy 1.8 to 3.0), `3.x` (HAProxy 3.1 and later), or `default`, which
   * takes the best of both: docs/engine.md has the table. @default 'default'
   */
  readonly profile?: ProfileName | undefined
  /**
   * What HELLO announces. `async` lets an agent answer on any connection, but then what was in flight on a lost connection waits
   * for another one to that server, as long as there is one. So it is never announced unless asked for.
   * @default ['pipelining']
   */
  readonly capabilities?: readonly EngineCapability[] | undefined
  /** Sent in HELLO. @default a random UUID per engine, as HAProxy does */
  readonly engineId?: string | undefined
  /** The largest frame, without its length field. @default 16380, HAProxy's `tune.bufsize` less 4 */
  readonly maxFrameSize?: number | undefined
  /**
   * The largest payload that is cut into fragments when the agent takes them; more is status 3.
   * @default 1048576: room for a large body, and a bound for what a connection holds
   */
  readonly maxPayloadSize?: number | undefined
  /** From the call to the outcome, connecting included, where a call names no other. @default 1000 */
  readonly processingTimeout?: number | undefined
  /** For TCP's or the unix socket's own handshake. @default 2000: longer than one lost SYN */
  readonly connectTimeout?: number | undefined
  /** From connected to AGENT-HELLO. @default 2000, as in the example of SPOE.txt */
  readonly helloTimeout?: number | undefined
  /**
   * A connection without exchanges is closed after this long; 0 keeps it. It must be lower than the agent's own.
   * @default 120000, as in the example of SPOE.txt
   */
  readonly idleTimeout?: number | undefined
  /** How long our DISCONNECT may stay unanswered before the socket is destroyed. @default 1000: it is a courtesy */
  readonly closeTimeout?: number | undefined
  /** NOTIFYs in flight per connection; profile `3.x` has 20 always, an agent in the process 128. @default 20, as HAProxy */
  readonly maxWaitingFrames?: number | undefined
  /** Connections per server, those being made included; 0: no limit. @default 0: as many as there are exchanges, at most */
  readonly maxConnections?: number | undefined
  /** Connections begun in a second, to all servers together; 0: no limit. @default 0, as HAProxy's `maxconnrate` */
  readonly maxConnectionRate?: number | undefined
  /** Exchanges that wait for a connection; more is status 2 at once. @default 10000: bounds memory in a stall */
  readonly maxQueue?: number | undefined
  /** Bytes of encoded messages that wait so; more is status 2 as well. @default 67108864: 64 MiB */
  readonly maxQueueSize?: number | undefined
  /** How long an exchange may wait so; then it is status 1. 0: within its own time, as long as it takes. @default 0 */
  readonly queueTimeout?: number | undefined
  /** Failures in a row after which a server is down: the log says so, backups are asked. @default 3: one may be an accident */
  readonly maxFailures?: number | undefined
  /** The wait after a failed attempt to connect; it doubles with each, and is cut by chance to between half and all of it. @default 40: a restart is over soon */
  readonly minBackoff?: number | undefined
  /** The longest wait. @default 60: what waits finds an agent that is back within a tenth of a second */
  readonly maxBackoff?: number | undefined
  /**
   * Speak TLS with the agents: options of `tls.connect`, contents of files and not their names. `{}` trusts whom Node.js
   * trusts. `connectTimeout` counts until the agent has shown its certificate. Not together with `connect`. @default none
   */
  readonly tls?: EngineTls | undefined
  /** Spans of OpenTelemetry: one for each exchange, its context in an argument of each message. @default none */
  readonly tracing?: TracingOptions | undefined
  /** Makes the streams to the servers: for tests in memory, or a transport of your own. @default TCP and unix sockets */
  readonly connect?: ConnectTo | undefined
  /** Told about servers going down and up, and about agents' faults. @default silent */
  readonly logger?: Logger | false | undefined
  /** Told about everything that HAProxy ignores silently, and about broken connections: for strict tests and metrics. */
  readonly onAgentFault?: ((fault: AgentFault) => void) | undefined
}

const servers: OptionSpec<EngineOptions['servers']> = {
  fallback: [],
  check: (given) =>
    isSource(given) || (Array.isArray(given) && given.length > 0 && given.every(isServerLike))
      ? undefined
      : 'must be an array of at least one endpoint, or a source of servers',
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

const tls: OptionSpec<EngineTls | undefined> = { fallback: undefined, check: complaintOfTls }

const onAgentFault: OptionSpec<(fault: AgentFault) => void> = {
  fallback: () => {},
  check: (given) => (typeof given === 'function' ? undefined : 'must be a function'),
}

/** A frame of more would be taken whole into memory. */
const mostFrameSize = 0x100_0000

const specs: Specs<EngineOptions> = {
  servers,
  balance: oneOf('roundrobin', plainAlgorithms),
  balanceDraws: integer(2, { min: 1, max: 1_000_000 }),
  whenDown: oneOf('wait', ['wait', 'fail']),
  whenLost: oneOf('fail', ['fail', 'resend']),
  turn: oneOf('spread', ['spread', 'share']),
  profile: oneOf('default', profileNames),
  capabilities,
  engineId,
  maxFrameSize: integer(defaultMaxFrameSize, { min: leastMaxFrameSize, max: mostFrameSize }),
  maxPayloadSize: integer(1_048_576),
  processingTimeout: milliseconds(1000, { min: 1 }),
  connectTimeout: milliseconds(2000, { min: 1 }),
  helloTimeout: milliseconds(2000, { min: 1 }),
  idleTimeout: milliseconds(120_000),
  closeTimeout: milliseconds(1000, { min: 1 }),
  maxWaitingFrames: integer(20, { min: 1, max: 100_000 }),
  maxConnections: integer(0, { max: 100_000 }),
  maxConnectionRate: integer(0, { max: 1_000_000 }),
  maxQueue: integer(10_000),
  maxQueueSize: integer(67_108_864),
  queueTimeout: milliseconds(0),
  maxFailures: integer(3, { min: 1 }),
  minBackoff: milliseconds(40, { min: 1 }),
  maxBackoff: milliseconds(60, { min: 1 }),
  tls,
  tracing: tracingOption,
  connect,
  logger: loggerOption(),
  onAgentFault,
}

/** Every option with a value. */
export type EngineSettings = Logging<EngineOptions>

/**
 * Fills the gaps.
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`.
 */
export function resolveEngineOptions(given: EngineOptions): EngineSettings {
  const settings = resolveLogging(specs, given, 'createEngine')
  if (Array.isArray(settings.servers) && settings.servers.length === 0) {
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
  if (settings.tls === undefined) return settings
  if (settings.connect !== connectTo) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      "createEngine: option 'tls' is for the engine's own way to connect",
    )
  }
  return { ...settings, connect: tlsConnector(settings.tls) }
}
