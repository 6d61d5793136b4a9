/** One connection to an application. */
import type { Socket } from 'node:net'
import type { Lane, Timed } from '../../base/deadlines.ts'
import { keep, lookAt } from '../../base/lent.ts'
import type { Seated } from '../../base/roster.ts'
import type { Liveness } from '../../http1/index.ts'
import { LingeringSocket } from '../../net/lingering-socket.ts'
import { encodeBeginRequest } from '../codec/begin-request.ts'
import { decodeEndRequest, ProtocolStatus } from '../codec/end-request.ts'
import { encodeParams } from '../codec/params.ts'
import type { Param } from '../codec/params.ts'
import {
  encodeRecordHeader,
  managementId,
  RecordReader,
  RecordType,
  recordTypeName,
} from '../codec/record.ts'
import { stepConnection } from '../codec/state.ts'
import type { ConnectionEvent, ConnectionState } from '../codec/state.ts'
import { FcgiError } from '../errors.ts'
import { RecordSender } from '../record-sender.ts'
import type { SentHead } from '../record-sender.ts'
import type { ConnectionOwner, ConnectionStream } from './connection-roles.ts'
import { Negotiation } from './negotiation.ts'
import type { ConnectionOptions } from './options.ts'
import { StreamTable } from './stream-table.ts'

interface Entry extends SentHead {
  readonly id: number
  readonly stream: ConnectionStream
  /** Whether the application had answered anything when it began. */
  readonly reused: boolean
}

const maxId = 32_767
/** How long ABORT_REQUEST, and what was written before it, may take to leave, in milliseconds. */
const flushTime = 1000

/**
 * One connection to an application: a socket that stands, the records on it, and which request each of them belongs to.
 * It decides nothing about requests; {@link ConnectionStream} and {@link ConnectionOwner} do.
 *
 * Ids are odd, rise, and are never used again, as HAProxy's: what an aborted request still brings is known by its id. At
 * 32767 a connection takes no more requests.
 */
export class FcgiConnection implements Timed<FcgiConnection>, Seated {
  seat = -1
  /** How many requests were begun. */
  served = 0
  /** Whether the application has sent a record yet: before, it may not even have accepted the connection. */
  answered = false
  /** One deadline, the owner's: for a connection without a request, for example. */
  deadline = 0
  lane: Lane<FcgiConnection> | undefined
  earlier: FcgiConnection | undefined
  later: FcgiConnection | undefined

  #state: ConnectionState = 'open'
  #nextId = 1
  #pumping = false
  #flushTimer: NodeJS.Timeout | undefined
  readonly #name: string
  readonly #socket: Socket
  readonly #sender: RecordSender
  readonly #negotiation: Negotiation
  readonly #reader = new RecordReader()
  readonly #streams = new StreamTable<Entry>()
  /** Ids that were aborted and whose END_REQUEST has not come: the application still counts them. */
  readonly #aborted = new Set<number>()
  readonly #paused = new Set<ConnectionStream>()
  readonly #waiting = new Set<ConnectionStream>()
  readonly #options: ConnectionOptions
  readonly #owner: ConnectionOwner<FcgiConnection>

  /**
   * @param socket - connected, and with no listeners of anybody else. A {@link LingeringSocket} keeps the answer of an
   * application that closes without reading the whole request; any other loses it.
   * @param name - of the server, for messages.
   */
  constructor(
    socket: Socket,
    name: string,
    options: ConnectionOptions,
    owner: ConnectionOwner<FcgiConnection>,
  ) {
    this.#socket = socket
    this.#name = name
    this.#options = options
    this.#owner = owner
    this.#negotiation = new Negotiation(options)
    this.#sender = new RecordSender(socket, options.padding)
    socket.setNoDelay(true)
    const onChunk = (chunk: Buffer) => {
      this.#reader.push(chunk)
      this.#pump()
    }
    if (socket instanceof LingeringSocket) {
      socket.onChunk =
        owner.lends === true
          ? (chunk) => {
              onChunk(lookAt(chunk))
              this.#reader.keepRest()
            }
          : (chunk) => onChunk(keep(chunk))
    } else socket.on('data', onChunk)
    socket.on('drain', () => this.#drained())
    socket.on('error', (error) => this.#lost(this.#lostError(error), error))
    socket.on('end', () => this.#lost(this.#lostError(undefined)))
    socket.on('close', () => this.#lost(this.#lostError(undefined)))
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Requests in progress. */
  get active(): number {
    return this.#streams.size
  }

  /** How many more requests it takes now. */
  get room(): number {
    if (this.#state !== 'open') return 0
    return Math.max(0, this.#negotiation.limit - this.#streams.size - this.#aborted.size)
  }

  /**
   * What is known of the application's end of it. Without a request that is nothing, for as long as it lasts: what php-fpm 8.2
   * does is not told by how the connection ends (seen by a raw client, Linux 6.18, a unix socket):
   *
   * | what happened | the next request | its connection ends with |
   * |---|---|---|
   * | `pm.max_requests` is reached: EOF behind END_REQUEST, while the worker goes on for a moment | is never run | EOF |
   * | the worker is killed before it reads | is not read | ECONNRESET |
   * | the worker dies in the script, and the empty STDIN is not read, as nearly always | has run | ECONNRESET |
   * | the worker dies in the script, and all was read | has run | EOF |
   * | a reload | is answered by the old worker, which ends then | ECONNRESET behind END_REQUEST |
   *
   * On a new connection none of these ends comes before the request is run.
   */
  get liveness(): Liveness {
    return this.served === 0 || this.#streams.size > 0 ? 'open' : 'unknown'
  }

  /** Whether it was closed over GET_VALUES, as PHP did before version 5.3: who connects again should not ask. */
  get refusedValues(): boolean {
    return this.#state === 'closed' && this.#negotiation.probing && !this.answered
  }

  /** Lets the process end, or not, while nothing but this connection is open. */
  setIdle(idle: boolean): void {
    if (idle) this.#socket.unref()
    else this.#socket.ref()
  }

  /**
   * Sends BEGIN_REQUEST and PARAMS, and with `bodyless` the empty STDIN, in a write that has nothing behind them: whether it
   * was taken tells whether the request can have run. The connection must have room.
   * @throws FcgiError when the parameters cannot be sent; the connection is as it was then.
   */
  begin(stream: ConnectionStream, params: Iterable<Param>, bodyless: boolean): void {
    const writer = this.#sender.headWriter
    const id = this.#nextId
    const start = writer.at
    try {
      this.#negotiation.encode(writer)
      encodeBeginRequest(writer, id, stream.role, this.#options.keepConn)
      encodeParams(writer, id, params, this.#options.encoding)
    } catch (error) {
      writer.reset(start)
      throw error
    }
    if (bodyless) encodeRecordHeader(writer, RecordType.Stdin, id, 0)
    this.#negotiation.sent()
    const entry: Entry = { id, stream, reused: this.answered, written: false, sent: false }
    this.#streams.add(entry)
    stream.id = id
    this.#nextId += 2
    this.served++
    if (this.#nextId > maxId) this.#step('retire')
    this.#sender.head(entry)
  }

  /** Sends request body. False: wait for {@link ConnectionStream.writable}. */
  sendStdin(stream: ConnectionStream, chunk: Uint8Array): boolean {
    if (!this.#carries(stream)) return true
    const more = this.#sender.stream(RecordType.Stdin, stream.id, chunk)
    if (!more) this.#waiting.add(stream)
    return more
  }

  /** Sends the empty STDIN. */
  sendStdinEnd(stream: ConnectionStream): void {
    if (this.#carries(stream)) this.#sender.empty(RecordType.Stdin, stream.id)
  }

  /** Sends what a filter is given, and its end, behind the empty STDIN. */
  sendData(stream: ConnectionStream, data: Uint8Array): void {
    if (!this.#carries(stream)) return
    this.#sender.stream(RecordType.Data, stream.id, data)
    this.#sender.empty(RecordType.Data, stream.id)
  }

  #carries(stream: ConnectionStream): boolean {
    return this.#streams.get(stream.id)?.stream === stream
  }

  /**
   * Forgets a request and tells the application. One that does not multiplex reacts to nothing but the end of the
   * connection; one that does keeps it, and what it still sends for the id is skipped.
   */
  abort(stream: ConnectionStream): void {
    if (!this.#carries(stream)) return
    const { id } = stream
    this.#forget(stream)
    this.#sender.empty(RecordType.AbortRequest, id)
    if (this.#negotiation.limit > 1) {
      this.#aborted.add(id)
      this.#settle()
      return
    }
    this.#step('close')
    this.#sender.flush()
    this.#socket.destroySoon()
    // What the application does not read is never flushed.
    this.#flushTimer = setTimeout(() => this.#socket.destroy(), flushTime).unref()
  }

  /** Stops reading until {@link FcgiConnection.resume}: the protocol has no other way to slow an application down. */
  pause(stream: ConnectionStream): void {
    if (!this.#carries(stream)) return
    this.#paused.add(stream)
    this.#socket.pause()
  }

  resume(stream: ConnectionStream): void {
    if (!this.#paused.delete(stream) || this.#paused.size > 0) return
    // Not at once: the caller may be in the middle of a callback.
    process.nextTick(() => {
      if (this.#paused.size > 0 || this.#state === 'closed') return
      this.#pump()
      if (this.#paused.size === 0) this.#socket.resume()
    })
  }

  /** Takes no more requests, and closes when the last one has ended. The owner, who knows, is told of the end only. */
  close(): void {
    if (this.#step('retire')) this.#endWhenDrained()
  }

  /** Closes at once; requests fail with `error`. */
  destroy(error?: FcgiError): void {
    this.#lost(error ?? new FcgiError('ERR_FCGI_CONNECTION_LOST', 'it was closed', { fault: 'local' }))
  }

  #lostError(cause: Error | undefined): FcgiError {
    const where = `${this.#name}${this.#reader.midRecord ? ', within a record' : ''}`
    const detail = cause === undefined ? where : `${where}: ${cause.message}`
    return new FcgiError('ERR_FCGI_CONNECTION_LOST', detail, { cause })
  }

  /** All requests fail once, with the same cause. */
  #lost(error: FcgiError, cause?: NodeJS.ErrnoException): void {
    if (!this.#step('lost')) return
    // It would keep all of this in memory for nothing.
    clearTimeout(this.#flushTimer)
    const entries = this.#streams.takeAll()
    for (const { stream } of entries) stream.id = 0
    this.#paused.clear()
    this.#waiting.clear()
    this.#socket.destroy()
    this.#owner.closed(this, error)
    // EPIPE: the other end was closed before, so nothing of a head that was not taken has arrived.
    const refused = cause?.code === 'EPIPE'
    for (const { stream, written, sent, reused } of entries) {
      const isSent = sent || (written && !refused)
      stream.lost(error, { sent: isSent, reused: reused || this.#negotiation.probing })
    }
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#paused.size === 0 && this.#state !== 'closed' && this.#reader.next()) this.#recvRecord()
      if (this.#isAstray) this.close()
    } catch (error) {
      if (!(error instanceof FcgiError)) throw error
      this.#options.logger.warn(
        { err: error, server: this.#name },
        'fcgi: the application broke the protocol',
      )
      this.#lost(error)
    } finally {
      this.#pumping = false
    }
    this.#owner.read?.()
  }

  /** Half a record that no request waits for: the answer to the next one would be read as the rest of it. */
  get #isAstray(): boolean {
    return this.#reader.midRecord && this.#streams.size === 0 && this.#aborted.size === 0
  }

  #recvRecord(): void {
    const { type, id } = this.#reader
    this.answered = true
    if (type === RecordType.Stdout || type === RecordType.Stderr || type === RecordType.EndRequest) {
      if (id === managementId) throw new FcgiError('ERR_FCGI_PROTOCOL', `${recordTypeName(type)} with id 0`)
      this.#recvForRequest(type, id)
    } else if (type === RecordType.GetValuesResult || type === RecordType.UnknownType) {
      if (id === managementId) this.#recvManagement(type)
    } else if (type >= RecordType.BeginRequest && type <= RecordType.UnknownType) {
      throw new FcgiError('ERR_FCGI_PROTOCOL', `${recordTypeName(type)} from the application`)
    }
    // Other types are skipped: whoever defines them must expect that.
  }

  #recvForRequest(type: number, id: number): void {
    const stream = this.#streams.get(id)?.stream
    if (stream === undefined) {
      // An aborted request, or one that has ended twice, as in Go.
      if (type === RecordType.EndRequest && this.#aborted.delete(id)) this.#settle()
    } else if (type === RecordType.Stdout) {
      const { bytes, start, end } = this.#reader
      stream.recvStdout(bytes, start, end)
    } else if (type === RecordType.Stderr) stream.recvStderr(this.#reader.content())
    else this.#recvEnd(stream)
  }

  #recvEnd(stream: ConnectionStream): void {
    const { bytes, start, end } = this.#reader
    const ended = decodeEndRequest(bytes, start, end)
    const unsent = !stream.stdinEnded || this.#isUnflushed()
    this.#forget(stream)
    const { protocolStatus } = ended
    if (protocolStatus === ProtocolStatus.CantMpxConn) this.#negotiation.limit = 1
    const refused =
      protocolStatus === ProtocolStatus.Overloaded || protocolStatus === ProtocolStatus.UnknownRole
    // The rest of STDIN would be taken for the next request's by an application that reads no records ahead, and half a record
    // would take the beginning of the next answer for its own end.
    const isUsedUp = this.#negotiation.limit === 1 && (unsent || !this.#reader.endsWhole)
    if (refused || !this.#options.keepConn || isUsedUp) this.#step('retire')
    this.#settle()
    stream.recvEnd(ended)
  }

  /** Whether something of what was sent is still here, or was refused. */
  #isUnflushed(): boolean {
    return this.#sender.unsent || !this.#socket.writable
  }

  #recvManagement(type: number): void {
    const { bytes, start, end } = this.#reader
    const before = this.room
    if (type === RecordType.GetValuesResult) this.#negotiation.recvResult(bytes, start, end)
    else this.#negotiation.recvAnswer()
    this.#step(type === RecordType.GetValuesResult ? 'recvValues' : 'recvUnknownType')
    // What says nothing does not make a connection less idle.
    if (this.room !== before) this.#settle()
  }

  #forget(stream: ConnectionStream): void {
    this.#streams.remove(stream.id)
    stream.id = 0
    // Mostly nobody waits, and to look into a set is a call.
    if (this.#waiting.size > 0) this.#waiting.delete(stream)
    if (this.#paused.size > 0) this.resume(stream)
  }

  /** After a request: gone when it was the last of a connection that takes no more, else at the owner's disposal. */
  #settle(): void {
    this.#endWhenDrained()
    // One that is closing already is at nobody's disposal: an owner that closes would close it again, and for ever.
    if (this.#state === 'open' || this.#state === 'draining') this.#owner.released(this)
  }

  #endWhenDrained(): void {
    if (this.#state !== 'draining' || this.#streams.size > 0) return
    this.#step('drained')
    this.#socket.destroy()
  }

  #drained(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const stream of waiting) stream.writable()
  }

  /** False when the table does not have it, which is an event that came too late. */
  #step(event: ConnectionEvent): boolean {
    const next = stepConnection(this.#state, event)
    if (next !== undefined) this.#state = next
    return next !== undefined
  }
}
