/** The `bind` lines of a frontend. */
import { createServer } from 'node:net'
import type { Server as NetServer, Socket } from 'node:net'
import type { Bind } from '../../config/index.ts'
import { formatEndpoint } from '../../net/endpoint.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { errorMessage } from '../../base/errors.ts'
import { parseIp } from '../../net/ip.ts'
import { findObstacle, listenOn } from '../../net/listener.ts'
import { SocketFile } from '../../net/socket-file.ts'
import type { ProxyContext } from '../context.ts'
import { ProxyError } from '../errors.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import { localEndpoint, remoteEndpoint, sampleEndpoint, unixEndpoint } from '../wire/addresses.ts'
import { socketOptions } from '../wire/socket-options.ts'

/** All addresses of one section, bound one after the other. */
export class Listeners {
  readonly #plan: ProxyPlan
  readonly #context: ProxyContext
  readonly #onSocket: (socket: Socket) => void
  readonly #servers: NetServer[] = []
  readonly #endpoints: Endpoint[] = []
  readonly #files = new Map<SocketFile, Bind>()
  /** Of both ends of connections to unix sockets. */
  readonly #unix = new WeakMap<Socket, SampleEndpoint>()
  /** Our end of every connection, when all come to one address that is no wildcard: the system need not be asked. */
  #only: SampleEndpoint | undefined

  constructor(plan: ProxyPlan, context: ProxyContext, onSocket: (socket: Socket) => void) {
    this.#plan = plan
    this.#context = context
    this.#onSocket = onSocket
  }

  /** Ports that the kernel chose are filled in. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** The client's end of a connection. A unix socket has the id of its listener for a port, at both ends, as in HAProxy. */
  sourceOf(socket: Socket): SampleEndpoint | undefined {
    return this.#unix.get(socket) ?? remoteEndpoint(socket)
  }

  /** Our end. */
  destinationOf(socket: Socket): SampleEndpoint | undefined {
    return this.#only ?? this.#unix.get(socket) ?? localEndpoint(socket)
  }

  /** Sockets with a path are bound, and not to be found yet. @throws ProxyError `ERR_PROXY_LISTEN` naming the line and the address. */
  async listen(): Promise<void> {
    for (const bind of this.#plan.model.binds) {
      for (const endpoint of bind.endpoints) await this.#listen(bind, endpoint)
    }
    const [endpoint, ...others] = this.#endpoints
    if (endpoint?.type === 'tcp' && others.length === 0 && !isWildcard(endpoint.host)) {
      this.#only = sampleEndpoint(endpoint.host, endpoint.port)
    }
  }

  async #listen(bind: Bind, endpoint: Endpoint): Promise<void> {
    // Ids count the addresses of the section, whatever they are, from 1.
    const unix = endpoint.type === 'unix' ? unixEndpoint(this.#servers.length + 1) : undefined
    const server = createServer(socketOptions, (socket) => {
      if (unix !== undefined) this.#unix.set(socket, unix)
      this.#onSocket(socket)
    })
    this.#servers.push(server)
    const onAcceptError = (error: Error): void => {
      const frontend = this.#plan.model.name
      this.#context.settings.logger.warn({ err: error, frontend }, 'a listener failed to accept')
    }
    const { mode, backlog = 1024 } = bind
    try {
      const where = await this.#besideFile(bind, endpoint)
      const bound = await listenOn(server, where, { mode, backlog, remove: 'any', onAcceptError })
      this.#endpoints.push(endpoint.type === 'unix' ? endpoint : bound)
    } catch (error) {
      throw listenError(bind, formatEndpoint(endpoint), error)
    }
  }

  /** The socket of a predecessor stays where it is until all addresses of this process are bound. */
  async #besideFile(bind: Bind, endpoint: Endpoint): Promise<Endpoint> {
    if (endpoint.type !== 'unix' || endpoint.path.startsWith('\0')) return endpoint
    const obstacle = await findObstacle(endpoint.path)
    if (obstacle !== undefined) throw new Error(obstacle)
    const file = new SocketFile(endpoint.path)
    this.#files.set(file, bind)
    return { type: 'unix', path: file.beside }
  }

  /** Takes the place of the sockets of a predecessor. @throws ProxyError `ERR_PROXY_LISTEN` naming the line and the address. */
  publish(): void {
    for (const [file, bind] of this.#files) {
      try {
        file.publish()
      } catch (error) {
        throw listenError(bind, `unix@${file.path}`, error)
      }
    }
  }

  close(): void {
    for (const server of this.#servers) if (server.listening) server.close()
    for (const file of this.#files.keys()) file.remove()
  }
}

function listenError({ place }: Bind, address: string, error: unknown): ProxyError {
  const why = `${place.file}:${place.line}: bind ${address}: ${errorMessage(error)}`
  return new ProxyError('ERR_PROXY_LISTEN', why, { cause: error })
}

/** Whether connections to it come to other addresses. */
function isWildcard(host: string): boolean {
  const bytes = parseIp(host)
  return bytes === undefined || bytes.every((byte) => byte === 0)
}
