import type { Socket } from 'node:net'
import { turnTime } from '../../base/clock.ts'
import { Deadline } from '../../base/deadline.ts'
import type { Deadlines } from '../../base/deadlines.ts'
import { isLent, keep, lookAt } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'
import { createChunkReader } from '../../net/chunk-reader.ts'
import { decodeBeginRequest, Role } from '../codec/begin-request.ts'
import { encodeEndRequest, ProtocolStatus } from '../codec/end-request.ts'
import {
  encodeRecordHeader,
  managementId,
  RecordReader,
  RecordType,
  recordTypeName,
} from '../codec/record.ts'
import { encodeUnknownType } from '../codec/unknown-type.ts'
import { decodeGetValues, encodeGetValuesResult } from '../codec/values.ts'
import { FcgiError } from '../errors.ts'
import { RecordSender } from '../record-sender.ts'
import type { ResolvedResponderOptions } from './options.ts'
import type { FcgiRole } from './context.ts'
import { ResponderRequest } from './request.ts'
import type { RequestLink } from './request.ts'
import { StallWatch } from './stall-watch.ts'

/** What a connection needs from the responder. */
export interface ConnectionHost {
  readonly options: ResolvedResponderOptions
  /** Of all requests that wait for their gateway. */
  readonly deadlines: Deadlines<ResponderRequest>
  /** Counts one more request; false when there are too many. */
  admit(): boolean
  /** One that was admitted is done. */
  release(): void
  closed(connection: ResponderConnection): void
}

const roleNames: ReadonlyMap<number, FcgiRole> = new Map([
  [Role.Responder, 'responder'],
  [Role.Authorizer, 'authorizer'],
  [Role.Filter, 'filter'],
])

/** How long a gateway may take to close after we did, and what it still sends meanwhile is skipped. */
const lingerTime = 2000

/** One connection of a gateway: records in, records out, and the requests that are open on it. */
export class ResponderConnection implements RequestLink {
  readonly options: ResolvedResponderOptions
  readonly #host: ConnectionHost
  readonly #socket: Socket
  readonly #sender: RecordSender
  readonly #stall: StallWatch
  readonly #reader = new RecordReader()
  readonly #requests = new Map<number, ResponderRequest>()
  readonly #paused = new Set<ResponderRequest>()
  #drainWaiters: (() => void)[] = []
  /** A request came without KEEP_CONN, or the responder is closing: the connection ends with its last request. */
  #closing = false
  #ended = false
  #gone = false
  #pumping = false
  /** More is unsent than there may be when a request is taken: none is until it has left. */
  #full = false
  /** For a connection without a request; and for one that is ended, to be closed by the gateway. */
  readonly #idle = new Deadline(() => this.#idleOver())

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket
    this.#host = host
    this.options = host.options
    this.#sender = new RecordSender(socket, host.options.padding)
    this.#stall = new StallWatch(socket, this.#sender, this.options.stallTimeout, () => {
      this.options.logger.warn({ peer: this.#peer }, 'fcgi: the gateway does not read')
      this.#lost('the gateway does not read')
    })
    socket.setNoDelay(true)
    createChunkReader((chunk) => this.#onChunk(chunk))(socket)
    socket.on('drain', () => this.#drained())
    socket.on('error', () => {})
    socket.on('end', () => this.#lost('the gateway closed the connection'))
    socket.on('close', () => this.#lost('the connection is gone'))
    this.#armIdle()
  }

  /** Requests that have not ended. */
  get active(): number {
    return this.#requests.size
  }

  /** Ends with the last request. */
  close(): void {
    this.#closing = true
    this.#settle()
  }

  /** Ends now. */
  destroy(): void {
    this.#lost('the responder was destroyed')
  }

  #lost(why: string): void {
    if (this.#gone) return
    this.#gone = true
    this.#idle.stop()
    this.#stall.stop()
    const requests = [...this.#requests.values()]
    this.#requests.clear()
    this.#paused.clear()
    this.#wakeWriters()
    this.#socket.destroy()
    this.#host.closed(this)
    const error = new FcgiError('ERR_FCGI_ABORTED', why, { fault: 'peer' })
    for (const request of requests) this.#host.deadlines.remove(request)
    for (const request of requests) request.lost(error)
  }

  #onChunk(chunk: Lent): void {
    this.#reader.push(lookAt(chunk))
    this.#pump()
    if (isLent(chunk)) this.#reader.keepRest()
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (!this.#isPaused() && !this.#gone && this.#reader.next()) this.#recvRecord()
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      this.options.logger.warn({ err: error, peer: this.#peer }, 'fcgi: the gateway broke the protocol')
      this.#lost(error.message)
    } finally {
      this.#pumping = false
    }
  }

  get #peer(): string {
    return this.#socket.remoteAddress ?? 'unix'
  }

  #isPaused(): boolean {
    return this.#full || this.#paused.size > 0
  }

  #recvRecord(): void {
    const { type, id } = this.#reader
    // After our end of the connection was closed nothing is answered any more.
    if (this.#ended) return
    if (id === managementId) return this.#recvManagement(type)
    if (type === RecordType.BeginRequest) return this.#recvBegin(id)
    const request = this.#requests.get(id)
    // Records for an id that is not active are ignored (section 3.3), and so are types that nobody knows.
    if (request === undefined) return
    if (type === RecordType.Params) request.recvParams(keep(this.#reader.content()))
    else if (type === RecordType.Stdin) request.recvStdin(keep(this.#reader.content()))
    else if (type === RecordType.Data) request.recvData(keep(this.#reader.content()))
    else if (type === RecordType.AbortRequest) request.recvAbort()
  }

  #recvManagement(type: number): void {
    const isKnown = type >= RecordType.BeginRequest && type <= RecordType.Data
    if (isKnown) throw new FcgiError('ERR_FCGI_PROTOCOL', `${recordTypeName(type)} with id 0`)
    const { writer } = this.#sender
    if (type === RecordType.GetValues) encodeGetValuesResult(writer, this.#values())
    else encodeUnknownType(writer, type)
    this.#stall.written()
    this.#checkFull()
  }

  /**
   * After a record that costs memory in the answer. STDIN is still read then: a gateway may have to write all of it
   * before it reads.
   */
  #checkFull(): void {
    const { writableLength, writableNeedDrain } = this.#socket
    if (writableLength <= this.options.maxPendingOutput || !writableNeedDrain || this.#gone) return
    this.#full = true
    this.#socket.pause()
  }

  #drained(): void {
    if (this.#full) {
      this.#full = false
      this.#resumeReading()
    }
    this.#wakeWriters()
  }

  #values(): [string, string][] {
    const { bytes, start, end } = this.#reader
    const asked = new Set(decodeGetValues(bytes, start, end))
    const { maxConnections, maxRequests, maxRequestsPerConnection } = this.options
    const known: [string, string][] = [
      ['FCGI_MAX_CONNS', String(maxConnections)],
      // What HAProxy takes for the limit of one connection.
      ['FCGI_MAX_REQS', String(Math.min(maxRequests, maxRequestsPerConnection))],
      ['FCGI_MPXS_CONNS', maxRequestsPerConnection > 1 ? '1' : '0'],
    ]
    return known.filter(([name]) => asked.has(name))
  }

  #recvBegin(id: number): void {
    const { bytes, start, end } = this.#reader
    const { role, keepConn } = decodeBeginRequest(bytes, start, end)
    if (this.#requests.has(id)) throw new FcgiError('ERR_FCGI_PROTOCOL', `BEGIN_REQUEST for active id ${id}`)
    if (!keepConn) this.#closing = true
    const refusal = this.#refusal(role)
    if (refusal !== ProtocolStatus.RequestComplete) {
      encodeEndRequest(this.#sender.writer, id, 0, refusal)
      this.#stall.written()
      this.#settle()
    } else {
      this.#idle.disarm()
      const request = new ResponderRequest(id, roleNames.get(role) ?? 'responder', this)
      this.#requests.set(id, request)
      this.await(request, this.options.paramsTimeout)
    }
    this.#checkFull()
  }

  #refusal(role: number): ProtocolStatus {
    const { roles, maxRequestsPerConnection } = this.options
    const name = roleNames.get(role)
    if (name === undefined || !roles.includes(name)) return ProtocolStatus.UnknownRole
    if (this.#requests.size >= maxRequestsPerConnection) {
      return maxRequestsPerConnection === 1 ? ProtocolStatus.CantMpxConn : ProtocolStatus.Overloaded
    }
    return this.#host.admit() ? ProtocolStatus.RequestComplete : ProtocolStatus.Overloaded
  }

  // For the requests.

  sendStdout(id: number, content: Uint8Array | string, head: string): boolean {
    if (this.#gone) return true
    const more = this.#sender.stream(RecordType.Stdout, id, content, head)
    this.#stall.written()
    return more
  }

  sendStderr(id: number, content: string): void {
    if (this.#gone) return
    this.#sender.stream(RecordType.Stderr, id, content)
    this.#stall.written()
  }

  sendEnd(request: ResponderRequest, appStatus: number, protocolStatus: ProtocolStatus): void {
    this.#requests.delete(request.id)
    this.#host.deadlines.remove(request)
    if (this.#gone) return
    const { writer } = this.#sender
    encodeRecordHeader(writer, RecordType.Stdout, request.id, 0)
    encodeEndRequest(writer, request.id, appStatus, protocolStatus)
    this.#stall.written()
    this.#settle()
  }

  pause(request: ResponderRequest): void {
    this.#paused.add(request)
    this.#socket.pause()
  }

  resume(request: ResponderRequest): void {
    if (this.#paused.delete(request) && this.#paused.size === 0) this.#resumeReading()
  }

  #resumeReading(): void {
    process.nextTick(() => {
      if (this.#isPaused() || this.#gone) return
      this.#pump()
      if (!this.#isPaused()) this.#socket.resume()
    })
  }

  await(request: ResponderRequest, timeout: number): void {
    const { deadlines } = this.#host
    deadlines.remove(request)
    if (timeout > 0 && !this.#gone) deadlines.add(request, timeout, turnTime())
  }

  paramsLate(): void {
    this.options.logger.warn({ peer: this.#peer }, 'fcgi: the parameters of a request did not arrive in time')
    this.#lost('its parameters did not arrive in time')
  }

  drained(): Promise<void> {
    if (this.#gone || !this.#socket.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drainWaiters.push(resolve)
    })
  }

  breakOff(request: ResponderRequest): boolean {
    const isAlone = this.#requests.size === 1 && this.#requests.has(request.id)
    if (isAlone) this.#lost('a response was broken off')
    return isAlone
  }

  settled(): void {
    this.#host.release()
  }

  #wakeWriters(): void {
    const waiters = this.#drainWaiters
    this.#drainWaiters = []
    for (const wake of waiters) wake()
  }

  /** After a request: the connection ends, or waits for the next one. */
  #settle(): void {
    if (this.#requests.size > 0 || this.#gone || this.#ended) return
    if (!this.#closing) return this.#armIdle()
    this.#ended = true
    this.#idle.disarm()
    this.#sender.flush()
    // Reading goes on: closing with data unread would take the response back (RST).
    this.#socket.end(() => {
      // Until here it was for the gateway to read.
      this.#idle.arm(lingerTime)
    })
  }

  #armIdle(): void {
    const { idleTimeout } = this.options
    if (idleTimeout > 0) this.#idle.arm(idleTimeout, turnTime())
  }

  #idleOver(): void {
    if (this.#ended) this.#socket.destroy()
    else this.#lost('it was idle')
  }
}
