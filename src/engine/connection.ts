/**
 * One connection to an agent: connects, greets, carries NOTIFYs out and ACKs in, and leaves. It judges what the agent
 * says; which connection is used, and what a failure means for its server, is the pool's business (server.ts, pool.ts).
 */
import type { Socket } from 'node:net'
import { FrameSplitter } from '../bytes/frame-splitter.ts'
import { Writer } from '../bytes/writer.ts'
import { monotonic } from '../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import { errorMessage } from '../errors.ts'
import { decodeActions, type Action } from '../spop/ack.ts'
import { decodeDisconnect, encodeDisconnect } from '../spop/disconnect.ts'
import { SpopError, StatusCode, statusText } from '../spop/errors.ts'
import { control } from '../spop/frame.ts'
import {
  createReader,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
  SpopFraming,
} from '../spop/frame-head.ts'
import { decodeAgentHello, encodeHaproxyHello } from '../spop/hello.ts'
import { acceptAgentHello, spopVersion, type Agreement } from '../spop/negotiation.ts'
import type { MessageInput } from '../spop/notify.ts'
import { stepEngine, type EngineEvent, type EngineState } from '../spop/state.ts'
import { EngineError } from './errors.ts'
import { ExchangeList, type Exchange, type ExchangeCarrier } from './exchange.ts'
import { NotifyEncoder } from './notify-encoder.ts'
import type { EngineSettings } from './options.ts'
import { IdSequence, type Profile } from './profile.ts'
import { connectTo, resetSocket } from './socket.ts'

/** What a connection tells, always when its own bookkeeping is done. */
export interface ConnectionHost {
  /** The handshake is done. */
  opened(connection: Connection): void
  /** Exchanges may be given to it again. */
  freed(connection: Connection): void
  /** It has bytes to be flushed at the end of the turn. */
  dirty(connection: Connection): void
  /** The agent has answered, in time or not. */
  proved(connection: Connection): void
  acknowledged(exchange: Exchange, actions: readonly Action[], now: number): void
  failed(exchange: Exchange, error: EngineError, now: number): void
  late(): void
  /** An exchange of another connection of this server, where the agent may answer on any. */
  findElsewhere(connection: Connection, head: FrameHead): Exchange | undefined
  fault(connection: Connection, error: EngineError): void
  /** It carries nothing any more. `exchanges` were under way; `error` is undefined when it ended in peace. */
  ended(connection: Connection, exchanges: Exchange[], error: EngineError | undefined): void
  /** Its socket is gone. */
  closed(connection: Connection): void
}

/** What all connections of an engine share. */
export interface ConnectionSettings {
  readonly options: EngineSettings
  readonly profile: Profile
  readonly engineId: string
  /** Ids for profiles whose ids are not the connection's own. */
  readonly ids: IdSequence
}

/** See the head of this file. */
export class Connection implements ExchangeCarrier {
  /** Counts the connections of the engine from 1. */
  readonly number: number
  /** Sent and not acknowledged, the timed-out ones included. */
  readonly waiting = new ExchangeList()
  /** How many of {@link waiting} nobody waits for any more. */
  expired = 0
  /** Whether an ACK that matched has come. */
  proven = false
  /** An exchange timed out and nothing was answered since: to be avoided. */
  suspect = false

  readonly #host: ConnectionHost
  readonly #settings: ConnectionSettings
  readonly #socket: Socket
  readonly #framing: SpopFraming
  readonly #splitter: FrameSplitter
  readonly #reader = createReader()
  readonly #head = new FrameHead()
  readonly #encoder: NotifyEncoder
  #writer = new Writer()
  #state: EngineState = 'connecting'
  #agreement: Agreement | undefined
  #window = 0
  #blocked = false
  #ended = false
  #broken = false
  #scheduled = false
  #freed = false
  #suspectSince = 0
  #lastAckAt = 0
  #idleSince = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    number: number,
    endpoint: Exclude<Endpoint, { type: 'fd' }>,
    settings: ConnectionSettings,
    host: ConnectionHost,
  ) {
    this.number = number
    this.#host = host
    this.#settings = settings
    this.#framing = new SpopFraming(settings.options.maxFrameSize)
    this.#splitter = new FrameSplitter(this.#framing)
    const ids = settings.profile.ids === 'engine' ? settings.ids : new IdSequence(settings.profile.firstId, 2)
    this.#encoder = new NotifyEncoder(ids, settings)
    this.#socket = this.#listen(connectTo(endpoint))
    this.#arm(settings.options.connectTimeout)
  }

  #listen(socket: Socket): Socket {
    socket.on('connect', () => this.#onConnect())
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#onLost(undefined))
    socket.on('error', (error) => this.#onLost(error))
    socket.on('close', () => this.#onClose())
    return socket
  }

  /** NOTIFYs that may be in flight. */
  get window(): number {
    return this.#window
  }

  get async(): boolean {
    return this.#agreement?.async ?? false
  }

  /** Whether it can take an exchange now. */
  get available(): boolean {
    return this.#state === 'open' && !this.#blocked && this.waiting.size < this.#window
  }

  // Out

  /**
   * Writes the NOTIFY of an exchange, which leaves with all others of this turn. Answers why it cannot be sent, if so.
   * @throws SpopError `ERR_SPOP_VALUE`, with nothing written.
   */
  notify(exchange: Exchange, messages: readonly MessageInput[], now: number): EngineError | undefined {
    const error = this.#encoder.encode(this.#writer, exchange, messages)
    if (error !== undefined) return error
    exchange.carrier = this
    exchange.sentAt = now
    this.waiting.push(exchange)
    this.#schedule()
    return undefined
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#host.dirty(this)
  }

  /** One write for all that was gathered. */
  flush(): void {
    this.#scheduled = false
    const writer = this.#writer
    const socket = this.#socket
    if (writer.at === 0 || !socket.writable) return
    const whole = socket.write(writer.view())
    // The runtime writes at once when it can, and only what it could not write is still ours to keep.
    if (socket.writableLength > 0 || writer.bytes.length > keptWriterSize) this.#writer = new Writer()
    else writer.reset()
    this.#blocked = !whole && socket.writableLength > 0
  }

  #onDrain(): void {
    if (!this.#blocked) return
    this.#blocked = false
    if (this.#state === 'open') this.#host.freed(this)
  }

  // In

  #onConnect(): void {
    this.#step('connected')
    this.#arm(this.#settings.options.helloTimeout)
    const { options, engineId } = this.#settings
    encodeHaproxyHello(this.#writer, {
      type: 'haproxy-hello',
      supportedVersions: spopVersion,
      maxFrameSize: options.maxFrameSize,
      capabilities: options.capabilities.join(','),
      healthcheck: false,
      engineId,
    })
    this.flush()
  }

  #onData(chunk: Buffer): void {
    if (this.#broken) return
    try {
      this.#splitter.push(chunk)
      while (this.#state !== 'closed' && this.#splitter.next()) this.#onFrame()
    } catch (error) {
      this.#onWrongFrame(error)
    }
    if (!this.#freed) return
    this.#freed = false
    if (this.#state === 'open') this.#host.freed(this)
  }

  #onFrame(): void {
    const splitter = this.#splitter
    const head = this.#head
    readFrameHead(this.#reader.reset(splitter.bytes, splitter.start + lengthSize, splitter.end), head)
    switch (this.#state) {
      case 'open':
        if (head.type === FrameType.Ack) return this.#onAck(head)
        if (head.type === FrameType.AgentDisconnect) return this.#onDisconnect(head)
        return this.#onUnknown(head)
      case 'greeting':
        return this.#onGreeting(head)
      case 'leaving':
        // Whatever else comes is ignored (SPOE.txt 3.2.8).
        if (head.type === FrameType.AgentDisconnect) this.#socket.destroySoon()
        return
      default:
        return
    }
  }

  #onGreeting(head: FrameHead): void {
    if (head.type === FrameType.AgentDisconnect) return this.#onDisconnect(head)
    if (head.type !== FrameType.AgentHello) {
      throw new SpopError('ERR_SPOP_INVALID_FRAME', `a frame of type ${head.type} instead of AGENT-HELLO`)
    }
    const { options, profile } = this.#settings
    const hello = decodeAgentHello(control(this.#reader, head, 'AGENT-HELLO'))
    const maxFrameSize = hello.maxFrameSize ?? (profile.sizeOptional ? options.maxFrameSize : undefined)
    this.#open(acceptAgentHello({ ...hello, maxFrameSize }, options))
  }

  #open(agreement: Agreement): void {
    const { options, profile } = this.#settings
    this.#step('recvHello')
    this.#agreement = agreement
    this.#framing.maxFrameSize = agreement.maxFrameSize
    this.#encoder.agree(agreement)
    const most = profile.window === 0 ? options.maxWaitingFrames : profile.window
    this.#window = agreement.pipelining || agreement.async ? most : 1
    this.#idleSince = monotonic()
    if (options.idleTimeout > 0) this.#arm(options.idleTimeout)
    else this.#disarm()
    this.#host.opened(this)
  }

  #onAck(head: FrameHead): void {
    this.#step('recvAck')
    if (!head.fin) throw new SpopError('ERR_SPOP_FRAGMENTATION', 'an ACK without FIN')
    const exchange = this.#find(head)
    if (exchange === undefined) return this.#onUnknownAck(head)
    const now = monotonic()
    ;(exchange.carrier as Connection).#release(exchange, now) // find() answers with what was sent only
    this.#lastAckAt = now
    this.suspect = false
    if (!this.proven) {
      this.proven = true
      this.#host.proved(this)
    }
    if (exchange.callback === undefined) this.#host.late()
    else this.#answer(exchange, head, now)
  }

  #find(head: FrameHead): Exchange | undefined {
    const exchange = this.waiting.find(head.streamId, head.frameId)
    return exchange === undefined && this.async ? this.#host.findElsewhere(this, head) : exchange
  }

  /** A slot is free again. */
  #release(exchange: Exchange, now: number): void {
    this.waiting.remove(exchange)
    exchange.carrier = undefined
    if (exchange.callback === undefined) this.expired--
    if (this.waiting.size === 0) this.#idleSince = now
    this.#freed = true
  }

  #answer(exchange: Exchange, head: FrameHead, now: number): void {
    if (head.abort && exchange.fragmented) {
      this.#host.failed(exchange, new EngineError('ERR_ENGINE_FRAGMENT_ABORTED'), now)
      return
    }
    this.#host.acknowledged(exchange, decodeActions(this.#reader, this.#onWrongAction), now)
  }

  readonly #onWrongAction = (cause: SpopError): void => {
    this.#host.fault(this, new EngineError('ERR_ENGINE_BAD_ACTION', { detail: cause.message, cause }))
  }

  /** HAProxy ignores it when agents may answer in any order, and gives up the connection when they may not. */
  #onUnknownAck({ streamId, frameId }: FrameHead): void {
    const detail = `${streamId}/${frameId}`
    if (this.#window === 1 && this.waiting.size > this.expired) {
      throw new SpopError('ERR_SPOP_FRAME_ID_NOT_FOUND', `an ACK of ${detail}`)
    }
    this.#host.fault(this, new EngineError('ERR_ENGINE_UNKNOWN_ACK', { detail }))
  }

  #onUnknown({ type }: FrameHead): void {
    this.#step('recvUnknown')
    this.#host.fault(this, new EngineError('ERR_ENGINE_UNKNOWN_FRAME', { detail: `type ${type}` }))
  }

  #onDisconnect(head: FrameHead): void {
    const greeting = this.#state === 'greeting'
    const { statusCode, message } = decodeDisconnect(
      control(this.#reader, head, 'AGENT-DISCONNECT'),
      'agent-disconnect',
    )
    const code = this.#settings.profile.clampsCodes && statusCode > mostCode ? mostCode : statusCode
    const detail = `${greeting ? 'instead of HELLO, ' : ''}status ${statusCode}, '${message}'`
    const peaceful = statusCode === StatusCode.Normal && !greeting && this.waiting.size === this.expired
    this.#step('recvDisconnect')
    this.#arm(this.#settings.options.closeTimeout)
    this.#socket.destroySoon()
    this.#end(
      peaceful ? undefined : new EngineError('ERR_ENGINE_DISCONNECTED', { detail, status: 256 + code }),
    )
  }

  #onWrongFrame(cause: unknown): void {
    this.#broken = true // the stream has no boundaries any more
    if (cause instanceof SpopError) {
      const { message, status } = cause
      return this.#fail(
        new EngineError('ERR_ENGINE_PROTOCOL', { detail: message, status: 256 + status, cause }),
        status,
      )
    }
    this.#fail(
      new EngineError('ERR_ENGINE_INTERNAL', { detail: errorMessage(cause), cause }),
      StatusCode.Unknown,
    )
  }

  // The end

  /** Says goodbye in peace. */
  leave(): void {
    this.#depart(StatusCode.Normal, undefined)
  }

  /** Gives up because of `error`. */
  #fail(error: EngineError, status: number): void {
    this.#depart(status, error)
  }

  #depart(status: number, error: EngineError | undefined): void {
    if (this.#ended) return
    const mannered =
      (this.#state === 'open' || this.#state === 'greeting') && this.#settings.profile.disconnects
    if (!mannered) return this.destroy(error)
    if (error === undefined) this.#step('drain')
    else this.#step('fail')
    if (this.#state === 'draining') this.#step('drained')
    const message = error?.message ?? statusText(status)
    encodeDisconnect(this.#writer, { type: 'haproxy-disconnect', statusCode: status, message })
    this.flush()
    this.#arm(this.#settings.options.closeTimeout)
    this.#end(error)
  }

  /** At once, without a word. */
  destroy(error: EngineError | undefined): void {
    const reset = !this.#settings.profile.disconnects
    this.#state = 'closed'
    this.#disarm()
    if (reset) resetSocket(this.#socket)
    else this.#socket.destroy()
    this.#end(error)
  }

  /** Hands back what was under way, once. */
  #end(error: EngineError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    const exchanges = this.waiting.takeAll()
    this.expired = 0
    this.#host.ended(this, exchanges, error)
  }

  /** FIN (without `cause`) or an error of the socket. */
  #onLost(cause: Error | undefined): void {
    if (!this.#ended) this.destroy(this.#lossOf(cause))
    else if (this.#state !== 'closed') this.destroy(undefined)
  }

  #lossOf(cause: Error | undefined): EngineError | undefined {
    const detail = cause === undefined ? 'the agent closed it' : cause.message
    if (this.#state === 'connecting') return new EngineError('ERR_ENGINE_CONNECT', { detail, cause })
    if (this.#state === 'greeting') {
      return new EngineError('ERR_ENGINE_CONNECTION_LOST', { detail: `${detail} before AGENT-HELLO`, cause })
    }
    if (this.waiting.size === this.expired && !this.#splitter.midFrame) return undefined
    return new EngineError('ERR_ENGINE_CONNECTION_LOST', { detail, cause })
  }

  #onClose(): void {
    this.#onLost(undefined)
    this.#disarm()
    this.#host.closed(this)
  }

  // Time

  abandon(exchange: Exchange, now: number, timedOut: boolean): void {
    this.expired++
    const silent = timedOut && exchange.sentAt >= this.#lastAckAt
    if (this.suspect || (!silent && this.expired < this.#window)) return
    this.suspect = true
    this.#suspectSince = now
    this.#arm(this.#settings.options.processingTimeout)
  }

  /** Takes over an exchange from a connection that was lost, where agents may answer on any. */
  adopt(exchange: Exchange): void {
    exchange.carrier = this
    this.waiting.push(exchange)
  }

  #arm(delay: number): void {
    this.#disarm()
    this.#timer = setTimeout(() => this.#onTimer(), delay)
    this.#timer.unref()
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #onTimer(): void {
    const { connectTimeout, helloTimeout } = this.#settings.options
    switch (this.#state) {
      case 'connecting':
        return this.destroy(
          new EngineError('ERR_ENGINE_CONNECT', { detail: `nothing after ${connectTimeout} ms` }),
        )
      case 'greeting':
        return this.#fail(
          new EngineError('ERR_ENGINE_HELLO_TIMEOUT', { detail: `${helloTimeout} ms` }),
          StatusCode.Timeout,
        )
      case 'open':
        return this.#checkOpen(monotonic())
      default:
        this.#socket.destroy()
    }
  }

  /** The timer of an open connection is not moved with each exchange; it looks when it comes. */
  #checkOpen(now: number): void {
    const { idleTimeout, processingTimeout } = this.#settings.options
    if (this.suspect) {
      const rest = this.#suspectSince + processingTimeout - now
      if (rest > timerSlack) return this.#arm(rest)
      // Somebody with a longer deadline still waits.
      if (this.waiting.size > this.expired) return this.#arm(processingTimeout)
      const detail = `${this.expired} timed-out exchanges hold its ${this.#window} slots`
      return this.#fail(new EngineError('ERR_ENGINE_UNRESPONSIVE', { detail }), StatusCode.Timeout)
    }
    if (idleTimeout === 0) return
    const rest = this.waiting.size > 0 ? idleTimeout : this.#idleSince + idleTimeout - now
    if (rest > timerSlack) this.#arm(rest)
    else this.leave()
  }

  #step(event: EngineEvent): void {
    const next = stepEngine(this.#state, event)
    if (next === undefined) throw new SpopError('ERR_SPOP_INVALID_FRAME', `${event} while ${this.#state}`)
    this.#state = next
  }
}

/** A larger write buffer is not kept. */
const keptWriterSize = 65_536
/** Timers may be early by less than a millisecond. */
const timerSlack = 1
/** HAProxy up to 3.0 reports larger codes as this one. */
const mostCode = 99
