import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { FrameSplitter } from '../bytes/frame-splitter.ts'
import type { Writer } from '../bytes/writer.ts'
import { monotonic } from '../base/clock.ts'
import { errorMessage, SluiceError } from '../base/errors.ts'
import { decodeDisconnect, encodeDisconnect, type DisconnectFrame } from '../spop/disconnect.ts'
import { SpopError, StatusCode, statusText } from '../spop/errors.ts'
import { FragmentAssembler } from '../spop/fragments.ts'
import { control } from '../spop/frame.ts'
import {
  createReader,
  FrameFlag,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
  SpopFraming,
} from '../spop/frame-head.ts'
import { decodeHaproxyHello, encodeAgentHello, type HaproxyHelloFrame } from '../spop/hello.ts'
import { acceptHaproxyHello } from '../spop/negotiation.ts'
import { stepAgent, type AgentEvent, type AgentState } from '../spop/state.ts'
import { encodeHeldAck } from './ack-assembly.ts'
import { Closing } from './closing.ts'
import type { ConnectionHost } from './connection-host.ts'
import {
  tellClosed,
  tellCut,
  tellDisconnect,
  tellFailed,
  tellGivenUp,
  tellNotReady,
  tellOpen,
  tellSuperseded,
} from './connection-log.ts'
import type { Carrier } from './dispatcher.ts'
import { Drain } from './drain.ts'
import { AgentError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { describeOpening } from './foreign.ts'
import { profileOf } from './haproxy-profile.ts'
import { HeldExchanges } from './held-exchanges.ts'
import { HeldInput } from './held-input.ts'
import { Outbox } from './outbox.ts'
import { Unfinished } from './unfinished.ts'

const nothing = Buffer.alloc(0)
/**
 * A peer has so long, in milliseconds, to take of what is over `maxPendingOutput`: hundreds of handlers may be done in one
 * turn, in which nobody can read.
 */
const overPatience = 500

/**
 * One connection from HAProxy: bytes in, frames to the dispatcher, bytes out. It owns the socket; what may come when is
 * the table of spop/state.ts, what is agreed is spop/negotiation.ts.
 *
 * All frames that are made in one turn of the event loop leave in one write, and a frame is never split over two.
 */
export class AgentConnection implements Carrier {
  readonly id: number
  readonly peer: string
  readonly certificate: X509Certificate | undefined
  engineId = ''
  /** Which versions of HAProxy it may be; empty before HELLO, and for health checks. */
  profile = ''
  maxFrameSize: number
  /** ACKs may leave on any connection of the same engine. */
  async = false
  /** When bytes came last, by the monotonic clock; until HELLO, when the connection came: bytes alone are no progress. */
  lastActivity: number

  readonly #socket: Duplex
  readonly #host: ConnectionHost<AgentConnection>
  readonly #outbox: Outbox
  readonly #closing: Closing
  readonly #framing: SpopFraming
  readonly #splitter: FrameSplitter
  readonly #reader = createReader()
  readonly #head = new FrameHead()
  readonly #exchanges = new HeldExchanges()
  readonly #input = new HeldInput()
  readonly #unfinished = new Unfinished()
  /** Nothing is read from the socket: see {@link AgentConnection.mayRead}. */
  #paused = false
  inFlight = 0
  #fragments: FragmentAssembler | undefined
  /** What the peer seems to speak instead of SPOP. */
  #foreign: string | undefined
  #state: AgentState = 'idle'
  /** The peer has sent FIN. */
  #readEnded = false
  #drain: Drain | undefined
  /** It was cut in the middle of a turn. */
  #doomed = false

  constructor(id: number, socket: Duplex, peer: string, host: ConnectionHost<AgentConnection>) {
    this.id = id
    this.peer = peer
    this.#socket = socket
    this.#host = host
    // Not before it was verified: with `rejectUnauthorized: false` anybody's would be there.
    this.certificate =
      socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined
    const { closeDelay } = host.options
    this.#outbox = new Outbox(socket, host.outboxes)
    this.#closing = new Closing(socket, closeDelay)
    this.maxFrameSize = host.options.maxFrameSize
    this.#framing = new SpopFraming(this.maxFrameSize)
    this.#splitter = new FrameSplitter(this.#framing)
    this.lastActivity = monotonic()
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    socket.on('close', () => this.#onClose())
    socket.on('drain', () => this.#onDrain())
  }

  get state(): AgentState {
    return this.#state
  }

  /** Whether it may carry ACKs of another connection of its engine: see `async`. */
  get takesForeignAcks(): boolean {
    return this.async && this.#state === 'open' && !this.#readEnded
  }

  // --- bytes in -----------------------------------------------------------------------------------------------------

  #onData(chunk: Buffer): void {
    const { metrics, dispatcher } = this.#host
    metrics.bytesReceived += chunk.length
    if (this.#state === 'leaving' || this.#state === 'closed') return
    const now = monotonic()
    if (this.#state !== 'idle') this.lastActivity = now
    else if (chunk[0] !== 0) this.#foreign ??= describeOpening(chunk)
    dispatcher.beginTurn(now)
    this.#splitter.push(chunk)
    this.#takeFrames(now)
  }

  /** Whether the peer may ask for more: not while it leaves answers unread, or handlers keep too much of what it sent. */
  get #mayRead(): boolean {
    return !this.#outbox.full && this.#input.size < this.#host.options.maxPendingInput
  }

  /** Takes the frames of the chunk, until it is used up or the peer may not ask for more. */
  #takeFrames(now: number): void {
    const outbox = this.#outbox
    const splitter = this.#splitter
    let taken = false
    outbox.inTurn = true
    try {
      while (this.#mayRead && splitter.next()) {
        taken = true
        this.#onFrame(splitter.bytes, splitter.start, splitter.end)
        if (this.#hasLeft() || this.#doomed) break
        outbox.flushIfLarge()
      }
    } catch (error) {
      this.#fail(error)
    }
    outbox.inTurn = false
    this.#unfinished.note(splitter.midFrame, taken, this.#fragments?.pending === true, now)
    if (!this.#mayRead && !this.#hasLeft()) this.#pause()
    // An idle connection must not keep the chunk that it has read last.
    this.#reader.reset(nothing)
    if (this.#doomed) return this.destroy()
    this.#leaveIfDrained()
    outbox.schedule(this.#host.dispatcher.now)
  }

  /** What the socket has read already waits in the splitter: a chunk at most. */
  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  /** Something that kept the peer from asking is gone. */
  #goOn(): void {
    if (!this.#paused) return
    if (!this.#hasLeft()) {
      if (!this.#mayRead) return
      const now = monotonic()
      this.#paused = false
      this.#unfinished.forgive(now)
      this.#host.dispatcher.beginTurn(now)
      this.#takeFrames(now)
      if (this.#isPaused()) return
    }
    this.#paused = false
    this.#socket.resume()
    if (this.#readEnded && !this.#hasLeft()) this.#onFin()
  }

  /** A function, for the compiler does not see that taking frames may pause. */
  #isPaused(): boolean {
    return this.#paused
  }

  #hasLeft(): boolean {
    return this.#state === 'leaving' || this.#state === 'closed'
  }

  #onFrame(bytes: Buffer, start: number, end: number): void {
    const { metrics, tracer } = this.#host
    metrics.framesReceived++
    if (tracer.active) tracer.trace('recv', this, bytes.subarray(start, end))
    const head = this.#head
    const reader = this.#reader.reset(bytes, start + lengthSize, end)
    readFrameHead(reader, head)
    switch (head.type) {
      case FrameType.Notify:
        return this.#onNotify(head)
      case FrameType.Unset:
        return this.#onUnset(head)
      case FrameType.HaproxyHello:
        return this.#onHello(decodeHaproxyHello(control(reader, head, 'HAPROXY-HELLO')))
      case FrameType.HaproxyDisconnect:
        return this.#onDisconnect(
          decodeDisconnect(control(reader, head, 'HAPROXY-DISCONNECT'), 'haproxy-disconnect'),
        )
      default:
        // SPOE.txt 3.2.2: unknown frames may be skipped silently. The agent's own types are not unknown.
        this.#step(isAgentFrame(head.type) ? undefined : 'recvUnknown', `frame of type ${head.type}`)
    }
  }

  /** Moves on in the state table; an event that is not in it is the peer's violation. */
  #step(event: AgentEvent | undefined, what: string): void {
    const next = event === undefined ? undefined : stepAgent(this.#state, event)
    if (next === undefined) {
      throw new SpopError('ERR_SPOP_INVALID_FRAME', `${what} on a connection in state '${this.#state}'`)
    }
    this.#state = next
  }

  #onNotify(head: FrameHead): void {
    if (this.#state !== 'open') this.#step('recvNotify', 'NOTIFY')
    if (this.#exchanges.size > 0) this.#supersede(head)
    if ((head.flags & (FrameFlag.Fin | FrameFlag.Abort)) === FrameFlag.Fin) {
      this.#fragments?.checkInterlaced(head.streamId, head.frameId)
      this.#host.dispatcher.dispatch(this, head, this.#reader)
    } else if (head.abort) {
      this.#fragments?.checkInterlaced(head.streamId, head.frameId)
      this.#host.metrics.aborted++
    } else {
      this.#beginFragments(head)
    }
  }

  /**
   * With `option continue-on-error` HAProxy up to 3.0 gives the message behind one that timed out the same ids, and takes the
   * first answer that comes for the later message's.
   */
  #supersede({ streamId, frameId }: FrameHead): void {
    const older = this.#exchanges.find(streamId, frameId)
    if (older === undefined) return
    this.#exchanges.remove(older)
    this.#letGo(older)
    const error = new AgentError('ERR_AGENT_SUPERSEDED', `stream ${streamId}, frame ${frameId}`)
    tellSuperseded(this.#host, this, error)
    this.#host.dispatcher.abandon(older, error)
  }

  #beginFragments(head: FrameHead): void {
    if (!this.#host.options.fragmentation) throw new SpopError('ERR_SPOP_FRAGMENTATION')
    this.#fragments ??= new FragmentAssembler(this.#host.options.maxPayloadSize)
    this.#fragments.begin(head.streamId, head.frameId, this.#reader.view(this.#reader.remaining))
    this.#unfinished.beginPayload(this.#host.dispatcher.now)
  }

  #onUnset(head: FrameHead): void {
    this.#step('recvUnset', 'UNSET')
    const { streamId, frameId, fin, abort } = head
    if (this.#fragments === undefined) {
      throw new SpopError('ERR_SPOP_FRAME_ID_NOT_FOUND', `UNSET ${streamId}/${frameId} continues nothing`)
    }
    const payload = this.#reader.view(this.#reader.remaining)
    const outcome = this.#fragments.append({ type: 'unset', streamId, frameId, fin, abort, payload })
    if (outcome === 'more') return
    if (outcome === 'aborted') {
      this.#host.metrics.aborted++
      return
    }
    this.#host.metrics.fragmented++
    this.#host.dispatcher.dispatch(this, head, this.#reader.reset(outcome))
  }

  // --- handshake ----------------------------------------------------------------------------------------------------

  #onHello(hello: HaproxyHelloFrame): void {
    const { options, metrics, capabilities } = this.#host
    const { reply, agreement } = acceptHaproxyHello(hello, {
      maxFrameSize: options.maxFrameSize,
      capabilities,
    })
    this.#step(hello.healthcheck ? 'recvHealthCheck' : 'recvHello', 'HAPROXY-HELLO')
    this.lastActivity = monotonic()
    if (!hello.healthcheck) {
      metrics.connectionsAccepted++
      this.profile = profileOf(hello)
    } else {
      metrics.healthChecks++
      if (!this.#host.isReady()) {
        tellNotReady(this.#host, this)
        return this.#leave(StatusCode.ResourceAllocation, 'not ready')
      }
    }
    this.maxFrameSize = agreement.maxFrameSize
    this.#framing.maxFrameSize = agreement.maxFrameSize
    this.engineId = hello.engineId ?? ''
    // Without an engine-id nobody knows which connections belong together.
    this.async = agreement.async && this.engineId !== ''
    const { writer } = this.#outbox
    const start = writer.at
    encodeAgentHello(writer, reply)
    this.#sent(start)
    if (hello.healthcheck) {
      this.#outbox.flush()
      return this.#closing.endSoon()
    }
    tellOpen(this.#host, this, this.async)
  }

  #onDisconnect(frame: DisconnectFrame): void {
    this.#step('recvDisconnect', 'HAPROXY-DISCONNECT')
    tellDisconnect(this.#host, this, frame)
    this.#handOver()
    this.#abandonAll()
    this.#writeDisconnect(StatusCode.Normal, statusText(StatusCode.Normal))
    this.#outbox.finish()
    this.#closing.end()
  }

  // --- answers ------------------------------------------------------------------------------------------------------

  outgoing(): Writer {
    return this.#outbox.writer
  }

  acknowledged(start: number): void {
    this.#host.metrics.acks++
    if (this.#host.tracer.active) this.#sent(start)
  }

  hold(exchange: Exchange): void {
    this.#keep(exchange, this.#reader.bytes)
  }

  #keep(exchange: Exchange, bytes: Buffer): void {
    exchange.input = this.#input.hold(bytes)
    this.#exchanges.push(exchange)
  }

  #letGo(exchange: Exchange): void {
    if (exchange.input !== undefined) this.#input.letGo(exchange.input)
    exchange.input = undefined
  }

  release(exchange: Exchange): void {
    this.#exchanges.remove(exchange)
    this.#letGo(exchange)
    const { writer } = this.#outbox
    const start = writer.at
    if (!encodeHeldAck(writer, exchange, this.maxFrameSize))
      this.#host.metrics.countError('ERR_AGENT_ACK_TOO_BIG')
    this.acknowledged(start)
    if (!this.#outbox.inTurn) {
      this.#outbox.flushIfLarge()
      this.#outbox.schedule(this.#host.dispatcher.now)
    }
    // Later: this was called by who has just finished one, in the middle of something.
    if (this.#paused) setImmediate(() => this.#goOn())
    this.#leaveIfDrained()
  }

  /** This connection is on its way out: with `async`, what is still worked on is answered on a sibling. */
  #handOver(): void {
    if (!this.async || this.#exchanges.size === 0) return
    const sibling = this.#host.findSibling(this)
    if (sibling === undefined) return
    for (const exchange of this.#exchanges.takeAll()) {
      const bytes = exchange.input?.bytes ?? nothing
      this.#letGo(exchange)
      sibling.#adopt(exchange, bytes)
    }
  }

  #adopt(exchange: Exchange, bytes: Buffer): void {
    exchange.carrier.inFlight -= exchange.pending
    this.inFlight += exchange.pending
    exchange.carrier = this
    this.#keep(exchange, bytes)
  }

  /** A frame that is not an ACK, or any frame while tracing, stands in the outgoing buffer. */
  #sent(start: number): void {
    const { tracer } = this.#host
    if (!tracer.active) return
    const { writer } = this.#outbox
    tracer.trace('send', this, Buffer.from(writer.bytes.subarray(start, writer.at)))
  }

  #onDrain(): void {
    this.#outbox.drained()
    this.#goOn()
    this.#leaveIfDrained()
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  #fail(error: unknown): void {
    const coded =
      error instanceof SluiceError
        ? error
        : new AgentError('ERR_AGENT_INTERNAL', errorMessage(error), { cause: error })
    tellGivenUp(this.#host, this, coded, this.#foreign)
    // Whoever waits for an answer gets one before the connection goes.
    for (let exchange = this.#exchanges.first, next; exchange !== undefined; exchange = next) {
      next = exchange.next
      this.#host.dispatcher.answerNow(exchange, coded)
    }
    this.#leave(statusOf(coded), coded.message)
  }

  /** Sends DISCONNECT and closes, a little later: HAProxy 3.5 loses the status of a connection that ends at once. */
  #leave(status: number, message: string): void {
    const next = stepAgent(this.#state, this.#state === 'draining' ? 'drained' : 'fail')
    if (next === undefined) return
    this.#state = next
    this.#writeDisconnect(status, message)
    this.#outbox.finish()
    this.#closing.endSoon()
  }

  #writeDisconnect(statusCode: number, message: string): void {
    const { writer } = this.#outbox
    const start = writer.at
    encodeDisconnect(writer, { type: 'agent-disconnect', statusCode, message })
    this.#sent(start)
  }

  /** Stops taking part as soon as everything is answered: ACKs first, then DISCONNECT 0. */
  drain(): void {
    const next = stepAgent(this.#state, 'drain')
    if (next === undefined) return
    const before = this.#state
    this.#state = next
    if (before === 'idle') return void this.#socket.destroy()
    this.#drain ??= new Drain(() => {
      this.#leaveIfDrained()
      return this.#state === 'draining'
    })
  }

  #leaveIfDrained(): void {
    if (this.#state !== 'draining' || this.#outbox.inTurn || this.#paused) return
    if (this.#exchanges.size > 0 || this.#fragments?.pending === true || this.#splitter.midFrame) return
    if (this.#readEnded || this.#drain?.isOver(this.lastActivity) === true) {
      this.#leave(StatusCode.Normal, statusText(StatusCode.Normal))
    }
  }

  /** Called now and then by the agent, which owns the timer. */
  checkTimeouts(now: number): void {
    const { handshakeTimeout, idleTimeout, maxPendingOutput, receiveTimeout, stallTimeout } =
      this.#host.options
    const stalled = this.#outbox.stalledFor(now)
    if (stalled > stallTimeout && stallTimeout > 0) {
      return this.#cut(new AgentError('ERR_AGENT_STALLED', `for ${stallTimeout} ms`))
    }
    if (stalled > overPatience && this.#outbox.over) {
      return this.#cut(new AgentError('ERR_AGENT_STALLED', `more than ${maxPendingOutput} bytes wait for it`))
    }
    if (
      !this.#paused &&
      !this.#hasLeft() &&
      this.#unfinished.age(now) > receiveTimeout &&
      receiveTimeout > 0
    ) {
      return this.#fail(new AgentError('ERR_AGENT_RECEIVE_TIMEOUT', `after ${receiveTimeout} ms`))
    }
    const silent = now - this.lastActivity
    if (this.#state === 'idle' && handshakeTimeout > 0 && silent > handshakeTimeout) {
      this.#fail(new AgentError('ERR_AGENT_HANDSHAKE_TIMEOUT', `after ${handshakeTimeout} ms`))
    } else if (
      this.#state === 'open' &&
      idleTimeout > 0 &&
      silent > idleTimeout &&
      this.#exchanges.size === 0
    ) {
      this.#host.metrics.countError('ERR_AGENT_IDLE_TIMEOUT')
      this.drain()
    }
  }

  /** A DISCONNECT would only queue behind what the peer does not read. */
  #cut(error: AgentError): void {
    if (this.#socket.destroyed) return
    tellCut(this.#host, this, error)
    this.#socket.destroy()
  }

  #onEnd(): void {
    this.#readEnded = true
    // A socket tells of FIN although it is paused: what came before it is read before it.
    if (!this.#paused || this.#splitter.drained) this.#onFin()
  }

  #onFin(): void {
    if ((this.#splitter.midFrame || this.#fragments?.pending === true) && !this.#hasLeft()) {
      return this.#fail(
        new SpopError('ERR_SPOP_TRUNCATED', 'the peer closed inside a frame, or between fragments'),
      )
    }
    // The peer sends no more; what it asked for is still answered.
    this.#handOver()
    if (this.#exchanges.size === 0) {
      this.#outbox.finish()
      this.#closing.end()
    } else if (this.#state === 'open') this.#state = stepAgent(this.#state, 'drain') ?? this.#state
  }

  #onError(error: NodeJS.ErrnoException): void {
    // Since 3.1 HAProxy leaves by a reset, and always does so after a health check.
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
      if (this.#state !== 'checked') this.#host.metrics.connectionsReset++
      return
    }
    tellFailed(this.#host, this, error)
  }

  #onClose(): void {
    this.#closing.clear()
    tellClosed(this.#host, this)
    this.#state = 'closed'
    this.#handOver()
    this.#abandonAll()
    this.#outbox.drop()
    this.#host.onClose(this)
  }

  #abandonAll(): void {
    if (this.#exchanges.size === 0) return
    const reason = new AgentError('ERR_AGENT_CLOSED', `connection ${this.id} from ${this.peer}`)
    for (const exchange of this.#exchanges.takeAll()) {
      this.#letGo(exchange)
      this.#host.dispatcher.abandon(exchange, reason)
    }
  }

  /** Cuts the connection; in the middle of a turn, by the word of a handler, at its end: an answer is half made. */
  destroy(): void {
    if (this.#outbox.inTurn) {
      this.#doomed = true
      return
    }
    this.#outbox.finish()
    this.#socket.destroy()
  }
}

const timeouts: readonly string[] = ['ERR_AGENT_HANDSHAKE_TIMEOUT', 'ERR_AGENT_RECEIVE_TIMEOUT']

function statusOf(error: SluiceError): number {
  if (error instanceof SpopError) return error.status
  return timeouts.includes(error.code) ? StatusCode.Timeout : StatusCode.Unknown
}

function isAgentFrame(type: number): boolean {
  return type === FrameType.AgentHello || type === FrameType.AgentDisconnect || type === FrameType.Ack
}
