/** A stream in TCP mode: one client connection, piped to a server after the content rules have seen its first bytes. */
import type { Socket } from 'node:net'
import { monotonic } from '../../clock.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import { Connector } from '../server/connector.ts'
import type { ConnectorClient, Unavailable } from '../server/connector.ts'
import { Deadline } from '../deadline.ts'
import { Flow } from './flow.ts'
import type { ClientSide } from '../client/frontend.ts'
import type { Session } from '../client/session.ts'
import { sampleEndpoint } from '../client/session.ts'
import { StreamTimes } from './times.ts'
import { ProxyStream } from './stream.ts'
import type { Cause } from './stream.ts'

const nothing = Buffer.alloc(0)

/** See the head of this file. */
export class TcpStream extends ProxyStream implements ConnectorClient, ClientSide {
  readonly #client: Socket
  #server: Socket | undefined
  #connector: Connector | undefined
  readonly #clientDeadline: Deadline
  readonly #serverDeadline: Deadline
  /** What the client has sent, and what the server has sent, before it may be passed on. */
  #fromClient: Buffer | undefined
  #fromServer: Buffer | undefined
  /** Whether bytes flow to the server; to the client. */
  #open = false
  #responding = false
  #clientEnded = false
  #serverEnded = false

  constructor(session: Session) {
    super(
      session,
      new StreamTimes(session.accepted, session.acceptDate, session.accepted, session.acceptDate),
    )
    session.requests = 1
    const { socket } = session
    this.#client = socket
    this.#clientDeadline = new Deadline(() => this.#onTimeout('c'))
    this.#serverDeadline = new Deadline(() => this.#onTimeout('s'))
    socket.on('data', (chunk: Buffer) => this.#onClientData(chunk))
    socket.on('end', () => this.#onClientEnd())
    socket.on('drain', () => this.#server?.resume())
    socket.on('error', () => this.#lose('C'))
    socket.on('close', () => this.#lose('C'))
  }

  get request(): undefined {
    return undefined
  }

  get response(): undefined {
    return undefined
  }

  get requestBuffer(): Buffer {
    return this.#fromClient ?? nothing
  }

  get responseBuffer(): Buffer {
    return this.#fromServer ?? nothing
  }

  get requestLine(): undefined {
    return undefined
  }

  get serverAddress(): SampleEndpoint | undefined {
    return sampleEndpoint(this.#server?.remoteAddress, this.#server?.remotePort)
  }

  get backendSource(): SampleEndpoint | undefined {
    return sampleEndpoint(this.#server?.localAddress, this.#server?.localPort)
  }

  // Towards the server.

  start(): void {
    this.#clientDeadline.arm(this.frontend.plan.model.timeouts.client)
    if (this.frontend.steps.length === 0) return this.#chooseBackend()
    // Bytes that came with the connection are seen: a stream of HAProxy begins with a read. The socket is polled for the
    // first time between these two.
    setImmediate(() => setImmediate(() => this.#runFrontend()))
  }

  #runFrontend(): void {
    if (!this.over) this.runSteps(this.frontend.steps, this.#chooseBackend)
  }

  readonly #chooseBackend = (): void => {
    const backend = this.frontend.chooseBackend(this)
    if (backend === undefined) {
      this.stage = 'C'
      return this.#end('S')
    }
    this.chosenBackend = backend
    backend.streams++
    backend.total++
    this.runSteps(backend.routeFrom(this.frontend).request, this.#connect)
  }

  readonly #connect = (): void => {
    const backend = this.chosenBackend
    if (backend === undefined) return
    this.stage = 'C'
    this.#connector = new Connector(this, backend)
    this.#connector.start()
  }

  onServer(): boolean {
    return false
  }

  onConnected(socket: Socket): void {
    this.#server = socket
    this.stage = 'D'
    socket.on('data', (chunk: Buffer) => this.#onServerData(chunk))
    socket.on('end', () => this.#onServerEnd())
    socket.on('drain', () => this.#client.resume())
    socket.on('error', () => this.#lose('S'))
    socket.on('close', () => this.#lose('S'))
    this.#watch()
    this.#open = true
    const waiting = this.#fromClient
    this.#fromClient = undefined
    if (waiting !== undefined) this.#toServer(waiting)
    if (this.#client.isPaused() && !socket.writableNeedDrain) this.#client.resume()
    if (this.#clientEnded) socket.end()
    const route = this.chosenBackend?.routeFrom(this.frontend)
    this.direction = 'response'
    const steps = route?.server ?? []
    if (steps.length === 0) return this.#awaitResponse()
    socket.pause()
    this.runSteps(steps, () => this.#awaitResponse())
  }

  /** The response phase begins when the server has said something. */
  #awaitResponse(): void {
    const steps = this.chosenBackend?.routeFrom(this.frontend).response ?? []
    if (steps.length === 0) return this.#respond()
    this.#server?.resume()
    if (this.#fromServer !== undefined) this.#runResponse()
  }

  #runResponse(): void {
    const steps = this.chosenBackend?.routeFrom(this.frontend).response ?? []
    this.runSteps(steps, () => this.#respond())
  }

  #respond(): void {
    this.#responding = true
    const waiting = this.#fromServer
    this.#fromServer = undefined
    if (waiting !== undefined) this.#toClient(waiting)
    if (!this.#client.writableNeedDrain) this.#server?.resume()
    if (this.#serverEnded) this.#client.end()
  }

  onUnavailable(why: Unavailable): void {
    this.#connector = undefined
    if (this.stage !== 'Q') this.stage = 'C'
    this.#end(why === 'queue-timeout' || why === 'connect-timeout' ? 's' : 'S')
  }

  // Bytes.

  #onClientData(chunk: Buffer): void {
    this.#watch()
    if (this.#open) return this.#toServer(chunk)
    this.#fromClient = this.#fromClient === undefined ? chunk : Buffer.concat([this.#fromClient, chunk])
    // Rules may want more, and see what has come when they are run again; a full buffer is all that they get.
    if (this.#full(this.#fromClient)) this.#client.pause()
    if (this.direction === 'request') this.inspectAgain()
  }

  #toServer(chunk: Buffer): void {
    this.bytesUploaded += chunk.length
    if (this.#server?.write(chunk) === false) this.#client.pause()
  }

  #onServerData(chunk: Buffer): void {
    this.#watch()
    if (this.times.responded < 0) this.times.responded = monotonic()
    if (this.#responding) return this.#toClient(chunk)
    const first = this.#fromServer === undefined
    this.#fromServer = first ? chunk : Buffer.concat([this.#fromServer as Buffer, chunk]) // not first: it is there
    if (this.#full(this.#fromServer)) this.#server?.pause()
    if (first) this.#runResponse()
    else this.inspectAgain()
  }

  #toClient(chunk: Buffer): void {
    this.bytesRead += chunk.length
    if (!this.#client.write(chunk)) this.#server?.pause()
  }

  #onClientEnd(): void {
    this.#clientEnded = true
    if (this.direction === 'request') this.inspectAgain()
    if (this.over || !this.#open) return
    this.#server?.end()
    if (this.#serverEnded) this.#end('-')
    else this.#watch()
  }

  #onServerEnd(): void {
    this.#serverEnded = true
    if (!this.#responding) {
      // A server that has nothing to say: there is nothing to inspect.
      if (this.#fromServer === undefined) this.#responding = true
      else this.inspectAgain()
    }
    if (this.over || !this.#responding) return
    this.#client.end()
    if (this.#clientEnded) this.#end('-')
    else this.#watch()
  }

  // Waiting.

  get inputOver(): boolean {
    if (this.direction === 'request') return this.#clientEnded || this.#full(this.#fromClient)
    return this.#serverEnded || this.#full(this.#fromServer)
  }

  #full(bytes: Buffer | undefined): boolean {
    return bytes !== undefined && bytes.length >= this.frontend.proxy.settings.maxBufferSize
  }

  /** Any byte in either direction moves both deadlines. A side that has ended is waited for no longer than it may. */
  #watch(): void {
    const { client, clientFin, tunnel: frontTunnel } = this.frontend.plan.model.timeouts
    this.#clientDeadline.arm(
      this.#serverEnded ? (clientFin ?? client) : (this.#tunnelTimeout(frontTunnel) ?? client),
    )
    if (this.#server === undefined) return
    const { server, serverFin } = this.chosenBackend?.plan.model.timeouts ?? {}
    this.#serverDeadline.arm(
      this.#clientEnded ? (serverFin ?? server) : (this.#tunnelTimeout(undefined) ?? server),
    )
  }

  /** `timeout tunnel` takes over once both sides have said something. */
  #tunnelTimeout(front: number | undefined): number | undefined {
    if (this.bytesRead === 0 || this.bytesUploaded === 0) return undefined
    return this.chosenBackend?.plan.model.timeouts.tunnel ?? front
  }

  #onTimeout(cause: Cause): void {
    this.#end(cause)
  }

  // The end.

  reply(): Flow {
    this.#end('P')
    return Flow.Over
  }

  reject(cause: Cause): Flow {
    this.#end(cause)
    return Flow.Over
  }

  protected fault(): void {
    this.#end('I')
  }

  closeIfIdle(): void {}

  destroy(): void {
    this.#end('K')
  }

  #lose(side: 'C' | 'S'): void {
    if (this.over) return
    const finished = this.#clientEnded && this.#serverEnded
    this.#end(finished ? '-' : side)
  }

  #end(cause: Cause): void {
    if (this.over) return
    this.cause = cause
    this.#clientDeadline.stop()
    this.#serverDeadline.stop()
    this.times.ended = monotonic()
    const connector = this.#connector
    this.#connector = undefined
    if (this.#server === undefined) connector?.cancel()
    else connector?.done()
    if (this.chosenBackend !== undefined) this.chosenBackend.streams--
    this.frontend.logStream(this)
    this.finishOnce()
    if (cause === '-') this.#client.end()
    else this.#client.destroy()
    closeSocket(this.#server, cause === '-')
    this.frontend.closed(this.session, this)
  }
}

function closeSocket(socket: Socket | undefined, gracefully: boolean): void {
  if (socket === undefined) return
  if (gracefully) socket.end()
  else socket.destroy()
}
