/** The servers of a backend as engines see them: a connection to an agent is what a stream is to other servers. */
import { Socket } from 'node:net'
import { connectInProcess } from '../../net/memory-socket.ts'
import type { AgentServer, AgentSource, ConnectTo, Transport } from '../../engine/index.ts'
import type { Backend } from './backend.ts'
import type { Server } from './server.ts'

/**
 * One for each engine that asks the agents of a backend. Checks, weights, backups and the administrator's word hold as they
 * do for streams; `maxconn` is for the connections of all that use the backend.
 */
export class BackendAgents implements AgentSource {
  readonly servers: readonly AgentServer[]
  readonly #backend: Backend

  constructor(backend: Backend) {
    this.#backend = backend
    this.servers = backend.servers.map((server) => new BackendAgent(backend, server))
  }

  watch(changed: () => void): () => void {
    return this.#backend.watch(changed)
  }
}

class BackendAgent implements AgentServer {
  readonly name: string
  readonly backup: boolean
  readonly #backend: Backend
  readonly #server: Server

  constructor(backend: Backend, server: Server) {
    this.#backend = backend
    this.#server = server
    this.name = `${backend.name}/${server.name}`
    this.backup = server.backup
  }

  get inProcess(): boolean {
    return this.#server.plan.agent !== undefined
  }

  get weight(): number {
    return this.#server.weight
  }

  get usable(): boolean {
    return this.#server.usable
  }

  get full(): boolean {
    return this.#server.full
  }

  connect(connectTo: ConnectTo): Transport {
    const socket = this.#dial(connectTo)
    const silence = this.#silence
    if (silence !== undefined && socket instanceof Socket) socket.setTimeout(silence)
    this.#server.served++
    this.#server.total++
    this.#backend.enter()
    socket.once('close', () => {
      this.#server.served--
      this.#backend.leave()
      this.#backend.serveQueue()
    })
    return socket
  }

  /** Up to 3.0 an agent's connection is a tunnel for HAProxy; since, it has streams. */
  get #silence(): number | undefined {
    const { model, timeouts } = this.#backend.plan
    return model.mode === 'spop' ? timeouts.server : (timeouts.tunnel ?? timeouts.server)
  }

  #dial(connectTo: ConnectTo): Transport {
    const { agent, model } = this.#server.plan
    if (agent !== undefined) return connectInProcess(agent, this.name)
    const { address } = model
    if (address.type === 'fd') throw new Error('a descriptor cannot be connected to')
    if (address.type === 'inproc') throw new Error('no agent is mounted') // then there is no plan
    return connectTo(address)
  }
}
