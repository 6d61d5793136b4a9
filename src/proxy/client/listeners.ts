/** The `bind` lines of a frontend. */
import { createServer } from 'node:net'
import type { Server as NetServer, Socket } from 'node:net'
import type { Bind } from '../../config/index.ts'
import { formatEndpoint } from '../../endpoint.ts'
import type { Endpoint } from '../../endpoint.ts'
import { errorMessage } from '../../errors.ts'
import { listenOn } from '../../net/listener.ts'
import type { ProxyContext } from '../context.ts'
import { ProxyError } from '../errors.ts'
import type { ProxyPlan } from '../plan/plan.ts'
import { socketOptions } from '../wire/socket-options.ts'

/** All addresses of one section, bound one after the other. */
export class Listeners {
  readonly #plan: ProxyPlan
  readonly #context: ProxyContext
  readonly #onSocket: (socket: Socket) => void
  readonly #servers: NetServer[] = []
  readonly #endpoints: Endpoint[] = []
  /** Of the connections to unix sockets. */
  readonly #ids = new WeakMap<Socket, number>()

  constructor(plan: ProxyPlan, context: ProxyContext, onSocket: (socket: Socket) => void) {
    this.#plan = plan
    this.#context = context
    this.#onSocket = onSocket
  }

  /** Ports that the kernel chose are filled in. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** Which unix socket a connection came to: 1 for the first address of the section, whatever it is. */
  unixListenerOf(socket: Socket): number | undefined {
    return this.#ids.get(socket)
  }

  /** @throws ProxyError `ERR_PROXY_LISTEN` naming the line and the address. */
  async listen(): Promise<void> {
    for (const bind of this.#plan.model.binds) {
      for (const endpoint of bind.endpoints) await this.#listen(bind, endpoint)
    }
  }

  async #listen(bind: Bind, endpoint: Endpoint): Promise<void> {
    const id = this.#servers.length + 1
    const server = createServer(socketOptions, (socket) => {
      if (endpoint.type === 'unix') this.#ids.set(socket, id)
      this.#onSocket(socket)
    })
    this.#servers.push(server)
    const onAcceptError = (error: Error): void => {
      const frontend = this.#plan.model.name
      this.#context.settings.logger.warn({ err: error, frontend }, 'a listener failed to accept')
    }
    const { mode, backlog = 1024 } = bind
    try {
      this.#endpoints.push(await listenOn(server, endpoint, { mode, backlog, remove: 'any', onAcceptError }))
    } catch (error) {
      const { file, line } = bind.place
      const why = `${file}:${line}: bind ${formatEndpoint(endpoint)}: ${errorMessage(error)}`
      throw new ProxyError('ERR_PROXY_LISTEN', why, { cause: error })
    }
  }

  close(): void {
    for (const server of this.#servers) if (server.listening) server.close()
  }
}
