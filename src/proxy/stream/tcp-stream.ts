/** A stream in TCP mode: one client connection, piped to a server after the content rules have seen its first bytes. */
import type { Socket } from 'node:net'
import type { RequestState, SampleEndpoint, SampleRequest } from '../../sample/stream.ts'
import type { ProxyContext } from '../context.ts'
import { Flow } from '../plan/flow.ts'
import type { Cause } from '../plan/rule.ts'
import type { Backend } from '../server/backend.ts'
import { Connector } from '../server/connector.ts'
import type { SocketClient, Unavailable } from '../server/connector.ts'
import { localEndpoint, remoteEndpoint } from '../wire/addresses.ts'
import { Deadline } from '../../base/deadline.ts'
import { InspectedBytes } from './inspected-bytes.ts'
import { logBeginning } from './log-line.ts'
import { beginAt, StreamRecord } from './record.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'
import { ProxyStream } from './stream.ts'

/** Who owns a TCP stream: told when it is over, or when it has turned out to be HTTP. */
export interface TcpStreamHost {
  onStreamOver(): void
  /** Its backend speaks HTTP: the bytes so far are the beginning of a request. The stream is over. */
  onHttp(bytes: Buffer | undefined, backend: Backend): void
}

/** Of the client's socket, while the stream reads it. */
const socketEvents = ['data', 'end', 'drain', 'error', 'close'] as const

/**
 *   inspecting ──rules──▶ connecting ──connected──▶ open ──both ended──▶ over
 *
 * The response has rules of its own, which look at the first bytes of the server: until they are through,
 * `#responding` is false and these bytes wait.
 */
export class TcpStream extends ProxyStream implements SocketClient {
  readonly #client: Socket
  readonly #host: TcpStreamHost
  #server: Socket | undefined
  #peer: SampleEndpoint | undefined
  #local: SampleEndpoint | undefined
  #connector: Connector | undefined
  readonly #clientDeadline: Deadline
  readonly #serverDeadline: Deadline
  /** What the client has sent, and what the server has sent, before it may be passed on. */
  readonly #fromClient: InspectedBytes
  readonly #fromServer: InspectedBytes
  /** Whether bytes flow to the client. */
  #responding = false
  #clientEnded = false
  /** Its time-out ended its side while a server was connected to: the log blames it once there is a server. */
  #clientWasLate = false
  #serverEnded = false

  constructor(
    context: ProxyContext,
    session: Session,
    frontend: Router,
    socket: Socket,
    host: TcpStreamHost,
  ) {
    super(context, session, frontend, new StreamRecord(beginAt(session.accepted, session.acceptDate), 0))
    session.requests = 1
    this.#client = socket
    this.#host = host
    this.#fromClient = new InspectedBytes(context.settings)
    this.#fromServer = new InspectedBytes(context.settings)
    this.#clientDeadline = new Deadline(() => this.#onClientTimeout())
    this.#serverDeadline = new Deadline(() => this.#end('s'))
    socket.on('data', (chunk: Buffer) => this.#onClientData(chunk))
    socket.on('end', () => this.#onClientEnd())
    socket.on('drain', () => this.#server?.resume())
    socket.on('error', () => this.#lose('C'))
    socket.on('close', () => this.#lose('C'))
  }

  override get request(): SampleRequest | undefined {
    return this.#fromClient.request
  }

  override get requestState(): RequestState {
    return this.#fromClient.requestState
  }

  override get requestBuffer(): Buffer {
    return this.#fromClient.bytes
  }

  override get responseBuffer(): Buffer {
    return this.#fromServer.bytes
  }

  override get serverAddress(): SampleEndpoint | undefined {
    return this.#peer
  }

  override get backendSource(): SampleEndpoint | undefined {
    return this.#local
  }

  // Towards the server.

  start(): void {
    logBeginning(this)
    this.#clientDeadline.arm(this.frontend.plan.timeouts.client)
    const { switches, defaultBackend } = this.frontend.plan
    if (this.frontend.steps.length === 0 && switches.length === 0 && defaultBackend !== undefined)
      return this.#chooseBackend()
    // Bytes that came with the connection are seen: a stream of HAProxy begins with a read. The socket is polled for the
    // first time between these two.
    setImmediate(() => setImmediate(() => this.#runFrontend()))
  }

  #runFrontend(): void {
    if (!this.over) this.runSteps(this.frontend.steps, () => this.#chooseBackend())
  }

  #chooseBackend(): void {
    const backend = this.frontend.chooseBackend(this)
    if (backend === undefined) {
      this.record.unassigned()
      return this.#end('S')
    }
    if (backend.plan.model.mode === 'http') return this.#becomeHttp(backend)
    this.runSteps(this.enter(backend).request, () => this.#connect(backend))
  }

  /** The same connection, and the same variables; from here on an HTTP client reads it. */
  #becomeHttp(backend: Backend): void {
    const bytes = this.#fromClient.take()
    this.#clientDeadline.stop()
    this.#serverDeadline.stop()
    for (const event of socketEvents) this.#client.removeAllListeners(event)
    this.endSteps()
    this.#host.onHttp(bytes, backend)
  }

  #connect(backend: Backend): void {
    this.#connector = new Connector(this, backend)
    this.#connector.start()
  }

  onConnected(socket: Socket): void {
    this.#server = socket
    // For the log: a socket that has ended knows them no more.
    this.#peer = this.server?.unix ?? remoteEndpoint(socket)
    this.#local = this.server?.unix ?? localEndpoint(socket)
    this.record.answering()
    // What a TCP stream waits for is data in either direction, from here on.
    this.record.responded()
    if (this.#clientWasLate) this.record.blame('c')
    socket.on('data', (chunk: Buffer) => this.#onServerData(chunk))
    socket.on('end', () => this.#onServerEnd())
    socket.on('drain', () => this.#client.resume())
    socket.on('error', () => this.#lose('S'))
    socket.on('close', () => this.#lose('S'))
    this.#watch()
    const waiting = this.#fromClient.take()
    if (waiting !== undefined) this.#toServer(waiting)
    if (this.#client.isPaused() && !socket.writableNeedDrain) this.#client.resume()
    if (this.#clientEnded) socket.end()
    this.direction = 'response'
    this.runSteps(this.route?.server ?? [], () => this.#inspectResponse())
  }

  /** Its events are fired at once, also for a server that says nothing; its rules wait for bytes as they wish. */
  #inspectResponse(): void {
    this.runSteps(this.route?.response ?? [], () => this.#respond())
  }

  #respond(): void {
    this.#responding = true
    this.#watch()
    const waiting = this.#fromServer.take()
    if (waiting !== undefined) this.#toClient(waiting)
    if (!this.#client.writableNeedDrain) this.#server?.resume()
    if (this.#serverEnded) this.#endClient()
  }

  onUnavailable(why: Unavailable): void {
    this.#connector = undefined
    this.record.unassigned()
    this.#end(why === 'queue-timeout' || why === 'connect-timeout' ? 's' : 'S')
  }

  // Bytes.

  #onClientData(chunk: Buffer): void {
    this.record.bytesUploaded += chunk.length
    this.#watch()
    if (this.#server !== undefined) return this.#toServer(chunk)
    // Rules may want more, and see what has come when they are run again; a full buffer is all that they get.
    if (this.#fromClient.add(chunk)) this.#client.pause()
    if (this.direction === 'request') this.inspectAgain()
  }

  #toServer(chunk: Buffer): void {
    if (this.#server?.write(chunk) === false) this.#client.pause()
  }

  #onServerData(chunk: Buffer): void {
    this.record.bytesRead += chunk.length
    this.#watch()
    if (this.#responding) return this.#toClient(chunk)
    if (this.#fromServer.add(chunk)) this.#server?.pause()
    this.inspectAgain()
  }

  #toClient(chunk: Buffer): void {
    if (!this.#client.write(chunk)) this.#server?.pause()
  }

  #onClientEnd(): void {
    this.#clientEnded = true
    this.#watch()
    if (this.direction === 'request') this.inspectAgain()
    if (this.over || this.#server === undefined) return
    this.#server.end()
    if (this.#serverEnded) this.#end('-')
    else this.#watch()
  }

  #onServerEnd(): void {
    this.#serverEnded = true
    this.inspectAgain()
    if (!this.over && this.#responding) this.#endClient()
  }

  #endClient(): void {
    this.#client.end()
    if (this.#clientEnded) this.#end('-')
    else this.#watch()
  }

  get inputOver(): boolean {
    if (this.direction === 'request') return this.#clientEnded || this.#fromClient.full
    return (this.#serverEnded && !this.#fromServer.concealed) || this.#fromServer.full
  }

  /** HAProxy reads nothing from a server meanwhile: rules that do not wait for bytes decide without those that come now. */
  override eventAsked(): void {
    if (this.direction === 'response') this.#fromServer.conceal()
  }

  override awaitBytes(): Flow {
    const flow = super.awaitBytes()
    if (this.direction === 'response' && this.#fromServer.reveal()) this.inspectAgain()
    return flow
  }

  // Deadlines.

  /** Any byte in either direction moves both deadlines. A side that has ended is waited for no longer than it may. */
  #watch(): void {
    const { client, clientFin, tunnel: frontTunnel } = this.frontend.plan.timeouts
    const tunnel = this.#tunnelTimeout(frontTunnel)
    // A client that has ended its side is waited for only to take what the server says.
    const reading = this.#clientEnded ? undefined : (tunnel ?? client)
    this.#clientDeadline.arm(this.#serverEnded ? clientFin : reading)
    if (this.#server === undefined) return
    const { server, serverFin } = this.chosenBackend?.plan.timeouts ?? {}
    this.#serverDeadline.arm(this.#clientEnded ? serverFin : (tunnel ?? server))
  }

  /** `timeout tunnel` takes over once the rules of both directions are through, whether anybody has said something or not. */
  #tunnelTimeout(front: number | undefined): number | undefined {
    if (!this.#responding) return undefined
    return this.chosenBackend?.plan.timeouts.tunnel ?? front
  }

  /**
   * The client has said nothing for too long. Only its sending side is ended: it may be waiting for a server that takes
   * its time (`stream_int_shutr` of HAProxy). The log has the blame.
   */
  #onClientTimeout(): void {
    // Before a server is connected to, it is the rules' and the server's time that counts.
    if (this.#server === undefined && !this.#clientEnded) {
      this.#clientWasLate = true
      return this.#onClientEnd()
    }
    if (this.#server === undefined || this.#clientEnded || this.#client.writableNeedDrain)
      return this.#end('c')
    this.record.blame('c')
    this.#onClientEnd()
  }

  // The end.

  reply(): Flow {
    return this.reject('P')
  }

  reject(cause: Cause): Flow {
    this.#end(cause)
    return Flow.Over
  }

  protected fault(): void {
    this.#end('I')
  }

  destroy(): void {
    this.#end('K')
  }

  /** It was to become HTTP, and no request has come. */
  forget(): void {
    this.clearVariables()
  }

  protected releaseServer(): void {
    this.#connector?.release()
  }

  #lose(side: 'C' | 'S'): void {
    if (this.over) return
    // One that leaves while a server is connected to breaks off its data, as HAProxy counts it.
    if (side === 'C' && this.record.stage === 'C') this.record.answering()
    this.#end(this.#clientEnded && this.#serverEnded ? '-' : side)
  }

  #end(cause: Cause): void {
    if (this.over) return
    this.record.blame(cause)
    this.#clientDeadline.stop()
    this.#serverDeadline.stop()
    this.finishOnce(false)
    const connector = this.#connector
    this.#connector = undefined
    if (cause === '-') this.#client.end()
    else this.#client.destroy()
    if (cause === '-') this.#server?.end()
    else this.#server?.destroy()
    this.#host.onStreamOver()
    connector?.passOn()
  }
}
