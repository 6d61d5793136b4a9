/** Where the servers of an engine come from: a list, or whoever knows servers that come and go. */
import { UsageError } from '../base/errors.ts'
import { hasMethods, isPlainObject, show } from '../base/options.ts'
import { formatEndpoint, isEndpointLike, toEndpoint, type Endpoint } from '../net/endpoint.ts'
import { connectInProcess, isAcceptor, type Acceptor } from '../net/memory-socket.ts'
import type { ConnectTo, RemoteEndpoint, Transport } from './socket.ts'

/** A server, as its source knows it. The engine reads the fields each time it chooses: they may change at any time. */
export interface AgentServer {
  /** What stats, faults and the log call it. */
  readonly name: string
  /** Its share among the others; more than 0. */
  readonly weight: number
  /** Whether it is asked only when no other server can be. */
  readonly backup: boolean
  /** Whether it may be given exchanges: a server that is disabled, or that checks have found dead, may not. */
  readonly usable: boolean
  /** Whether it may have no more connections for now. */
  readonly full: boolean
  /** Whether it is in this process: a connection then carries 128 NOTIFYs at least, for others would bring nothing. @default false */
  readonly inProcess?: boolean
  /**
   * Begins to connect; what it throws is a connection that cannot be made. `connectTo` is the engine's own way, the
   * option `connect`.
   */
  connect(connectTo: ConnectTo): Transport
}

/** Servers that may change while the engine runs: {@link createServerList}, or one of your own. */
export interface AgentSource {
  /** All that there are now: the same array for as long as it is the same servers. */
  readonly servers: readonly AgentServer[]
  /** Calls `changed` whenever a server has come, has become usable, or is full no longer. Answers how to end that. */
  watch(changed: () => void): () => void
}

/** A server with more to say than its address. */
export interface AgentServerOptions {
  /** An endpoint; or an agent of this process, which is then asked without a socket. */
  readonly address: string | Endpoint | Acceptor
  /** Its share among the others, from 0 (nothing is sent there) to 256. @default 1 */
  readonly weight?: number | undefined
  /** Asked only when no other server is up. @default false */
  readonly backup?: boolean | undefined
  /** Connections to it, those being made included; 0: no limit of its own. @default 0 */
  readonly maxConnections?: number | undefined
}

/** A server in a list: an endpoint as text (`host:port`, `unix@/path`, …) or parsed, an agent of this process, or one of them with options. */
export type ServerInput = string | Endpoint | Acceptor | AgentServerOptions

/** An {@link AgentSource} whose list is replaced as a whole. */
export interface ServerList extends AgentSource {
  /**
   * From now on these. Those that were there stay, with their connections, when nothing was changed of them; connections to
   * others are closed when what is in flight on them has been answered.
   * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`.
   */
  replace(servers: readonly ServerInput[]): void
}

/** @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`. */
export function createServerList(servers: readonly ServerInput[]): ServerList {
  return new List(servers)
}

/** What the option `servers` may be. @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`. */
export function toSource(servers: readonly ServerInput[] | AgentSource): AgentSource {
  return isSource(servers) ? servers : createServerList(servers)
}

/** Whether it is meant to be a server; what is wrong with it in detail {@link createServerList} says. */
export function isServerLike(given: unknown): given is ServerInput {
  return typeof given === 'string' || isPlainObject(given) || isAcceptor(given)
}

/** Whether it has what a source has. */
export function isSource(given: unknown): given is AgentSource {
  return hasMethods(given, 'watch') && Array.isArray((given as Partial<AgentSource>).servers)
}

class List implements ServerList {
  #servers: readonly ListedServer[]
  readonly #watchers = new Set<() => void>()

  constructor(servers: readonly ServerInput[]) {
    this.#servers = this.#read(servers)
  }

  get servers(): readonly AgentServer[] {
    return this.#servers
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  replace(servers: readonly ServerInput[]): void {
    const known = [...this.#servers]
    this.#servers = this.#read(servers).map((server) => {
      const at = known.findIndex((each) => each.key === server.key)
      return at < 0 ? server : (known.splice(at, 1)[0] ?? server)
    })
    this.#tell()
  }

  readonly #tell = (): void => {
    for (const changed of this.#watchers) changed()
  }

  #read(servers: readonly ServerInput[]): ListedServer[] {
    if (!Array.isArray(servers) || servers.length === 0) {
      throw new UsageError('ERR_SLUICE_OPTION', 'a list of servers must name at least one endpoint')
    }
    return servers.map((server: ServerInput) => new ListedServer(server, this.#tell))
  }
}

/** One that is counted by the connections that were made here. */
class ListedServer implements AgentServer {
  readonly name: string
  readonly weight: number
  readonly backup: boolean
  /** What makes two entries the same server. */
  readonly key: string
  readonly #address: RemoteEndpoint | Acceptor
  readonly #maxConnections: number
  readonly #onRoom: () => void
  #connections = 0

  constructor(input: ServerInput, onRoom: () => void) {
    const { address, weight = 1, backup = false, maxConnections = 0 } = toServerOptions(input)
    this.#address = isAcceptor(address) ? address : remoteEndpoint(address)
    this.#maxConnections = maxConnections
    this.#onRoom = onRoom
    this.name = isAcceptor(this.#address) ? inprocName(this.#address) : formatEndpoint(this.#address)
    this.weight = weight
    this.backup = backup
    this.key = JSON.stringify([this.name, weight, backup, maxConnections])
  }

  get inProcess(): boolean {
    return isAcceptor(this.#address)
  }

  get usable(): boolean {
    return this.weight > 0
  }

  get full(): boolean {
    return this.#maxConnections > 0 && this.#connections >= this.#maxConnections
  }

  connect(connectTo: ConnectTo): Transport {
    const address = this.#address
    const transport = isAcceptor(address) ? connectInProcess(address, this.name) : connectTo(address)
    if (this.#maxConnections === 0) return transport
    transport.once('close', () => {
      this.#connections--
      this.#onRoom()
    })
    this.#connections++
    return transport
  }
}

const knownKeys: readonly string[] = [
  'address',
  'weight',
  'backup',
  'maxConnections',
] satisfies (keyof AgentServerOptions)[]
const largestWeight = 256
const mostConnections = 100_000

const isInteger = (given: unknown, max: number): boolean =>
  given === undefined || (Number.isSafeInteger(given) && (given as number) >= 0 && (given as number) <= max)

function toServerOptions(input: ServerInput): AgentServerOptions {
  if (isEndpointLike(input) || isAcceptor(input)) return { address: input }
  const { address, weight, backup, maxConnections } = isPlainObject(input) ? input : { address: undefined }
  const isRight =
    (isEndpointLike(address) || isAcceptor(address)) &&
    Object.keys(input).every((key) => knownKeys.includes(key)) &&
    isInteger(weight, largestWeight) &&
    isInteger(maxConnections, mostConnections) &&
    (backup === undefined || typeof backup === 'boolean')
  if (isRight) return input as AgentServerOptions
  throw new UsageError(
    'ERR_SLUICE_OPTION',
    `a server must be an endpoint, an agent, or an object with ${knownKeys.join(', ')}, not ${show(input)}`,
  )
}

/** Numbers in place of addresses, in the order in which engines met them. */
const inprocNumbers = new WeakMap<Acceptor, number>()
let inprocCount = 0

function inprocName(agent: Acceptor): string {
  const number = inprocNumbers.get(agent) ?? ++inprocCount
  inprocNumbers.set(agent, number)
  return `inproc@${number}`
}

/** @throws UsageError for what cannot be connected to. */
function remoteEndpoint(address: string | Endpoint): RemoteEndpoint {
  const endpoint = toEndpoint(address)
  if (endpoint.type !== 'fd') return endpoint
  throw new UsageError(
    'ERR_SLUICE_ADDRESS',
    `'fd@${endpoint.fd}' is something to listen on, not to connect to`,
  )
}
