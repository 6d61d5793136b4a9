import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Writer } from '../bytes/writer.ts'
import { monotonic } from '../base/clock.ts'
import type { SluiceError } from '../base/errors.ts'
import { decodeDisconnect, encodeDisconnect, type DisconnectFrame } from '../spop/disconnect.ts'
import { SpopError, StatusCode, statusText } from '../spop/errors.ts'
import { control } from '../spop/frame.ts'
import {
  createReader,
  FrameFlag,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
} from '../spop/frame-head.ts'
import { decodeHaproxyHello, encodeAgentHello, type HaproxyHelloFrame } from '../spop/hello.ts'
import { acceptHaproxyHello } from '../spop/negotiation.ts'
import { stepAgent, type AgentEvent, type AgentState } from '../spop/state.ts'
import { encodeHeldAck } from './ack-assembly.ts'
import { Closing } from './closing.ts'
import { describeFault, statusOf } from './connection-faults.ts'
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
import { endOf, type End, type EndEvent } from './ends.ts'
import { AgentError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { describeOpening } from './foreign.ts'
import { profileOf } from './haproxy-profile.ts'
import { HeldExchanges } from './held-exchanges.ts'
import { Intake, type IntakeOwner } from './intake.ts'
import { Outbox } from './outbox.ts'
import { overdue } from './overdue.ts'
import { Payloads } from './payloads.ts'

const nothing = Buffer.alloc(0)

/**
 * One connection from HAProxy: frames in, to the dispatcher, frames out. It owns the socket. What may come when is the table
 * of spop/state.ts, how it ends that of ends.ts, what is agreed spop/negotiation.ts; intake.ts reads, outbox.ts writes.
 *
 * All frames that are made in one turn of the event loop leave in one write, and a frame is never split over two.
 */
export class AgentConnection implements Carrier, IntakeOwner {
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
  readonly #intake: Intake
  readonly #payloads: Payloads
  readonly #reader = createReader()
  readonly #head = new FrameHead()
  readonly #exchanges = new HeldExchanges()
  inFlight = 0
  /** What the peer seems to speak instead of SPOP. */
  #foreign: string | undefined
  #state: AgentState = 'idle'
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
    this.#payloads = new Payloads(host.options, host.metrics)
    this.#intake = new Intake(socket, this, {
      maxFrameSize: this.maxFrameSize,
      maxPendingInput: host.options.maxPendingInput,
      outbox: this.#outbox,
      exchanges: this.#exchanges,
      dispatcher: host.dispatcher,
    })
    this.lastActivity = monotonic()
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#intake.end())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    socket.on('close', () => this.#onClose())
    socket.on('drain', () => this.#onDrain())
  }

  get state(): AgentState {
    return this.#state
  }

  /** Whether it may carry ACKs of another connection of its engine: see `async`. */
  get takesForeignAcks(): boolean {
    return this.async && this.#state === 'open' && !this.#intake.ended
  }

  // --- frames in ----------------------------------------------------------------------------------------------------

  #onData(chunk: Buffer): void {
    this.#host.metrics.bytesReceived += chunk.length
    if (!this.takesFrames) return
    const now = monotonic()
    if (this.#state !== 'idle') this.lastActivity = now
    else if (chunk[0] !== 0) this.#foreign ??= describeOpening(chunk)
    this.#intake.take(chunk, now)
  }

  get takesFrames(): boolean {
    return this.#state !== 'leaving' && this.#state !== 'closed' && !this.#doomed
  }

  get midPayload(): boolean {
    return this.#payloads.pending
  }

  onFrame(bytes: Buffer, start: number, end: number): void {
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
    if (next === undefined) throw misplaced(what, this.#state)
    this.#state = next
  }

  #onNotify(head: FrameHead): void {
    if (this.#state !== 'open') this.#step('recvNotify', 'NOTIFY')
    if (this.#exchanges.size > 0) this.#supersede(head)
    if ((head.flags & (FrameFlag.Fin | FrameFlag.Abort)) === FrameFlag.Fin) {
      this.#payloads.checkInterlaced(head)
      this.#host.dispatcher.dispatch(this, head, this.#reader)
    } else if (head.abort) {
      this.#payloads.checkInterlaced(head)
      this.#host.metrics.aborted++
    } else {
      this.#payloads.begin(head, this.#reader)
      this.#intake.beginPayload(this.#host.dispatcher.now)
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
    const error = new AgentError('ERR_AGENT_SUPERSEDED', `stream ${streamId}, frame ${frameId}`)
    tellSuperseded(this.#host, this, error)
    this.#host.dispatcher.abandon(older, error)
  }

  #onUnset(head: FrameHead): void {
    this.#step('recvUnset', 'UNSET')
    const payload = this.#payloads.append(head, this.#reader)
    if (payload !== undefined) this.#host.dispatcher.dispatch(this, head, this.#reader.reset(payload))
  }

  onTaken(): void {
    // An idle connection must not keep the chunk that it has read last.
    this.#reader.reset(nothing)
    if (this.#doomed) return this.destroy()
    this.#leaveIfDrained()
    this.#outbox.schedule(this.#host.dispatcher.now)
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
        return this.#end('fault', { statusCode: StatusCode.ResourceAllocation, message: 'not ready' })
      }
    }
    this.maxFrameSize = agreement.maxFrameSize
    this.#intake.agree(agreement.maxFrameSize)
    this.engineId = hello.engineId ?? ''
    // Without an engine-id nobody knows which connections belong together.
    this.async = agreement.async && this.engineId !== ''
    const { writer } = this.#outbox
    const start = writer.at
    encodeAgentHello(writer, reply)
    this.#sent(start)
    if (hello.healthcheck) return this.#end('checked')
    tellOpen(this.#host, this, this.async)
  }

  #onDisconnect(frame: DisconnectFrame): void {
    if (endOf(this.#state, 'goodbye') === undefined) throw misplaced('HAPROXY-DISCONNECT', this.#state)
    tellDisconnect(this.#host, this, frame)
    this.#end('goodbye')
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
    this.#exchanges.push(exchange, this.#reader.bytes)
  }

  release(exchange: Exchange): void {
    this.#exchanges.remove(exchange)
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
    if (this.#intake.paused) setImmediate(() => this.#intake.goOn())
    this.#leaveIfDrained()
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
    this.#intake.goOn()
    this.#leaveIfDrained()
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /** Does what ends.ts says: `word` is what DISCONNECT says, `error` why those who wait are answered by their fallback. */
  #end(event: EndEvent, word: Word = normal, error?: SluiceError): void {
    const end = endOf(this.#state, event)
    if (end === undefined) return
    this.#state = end.next
    if (end.held === 'answer') this.#answerAll(error)
    else if (end.held === 'handOver') this.#abandonAll()
    if (end.word) this.#say(word)
    this.#endSocket(end.socket)
  }

  #answerAll(error: unknown): void {
    for (let exchange = this.#exchanges.first, next; exchange !== undefined; exchange = next) {
      next = exchange.next
      this.#host.dispatcher.answerNow(exchange, error)
    }
  }

  #abandonAll(): void {
    this.#handOver()
    if (this.#exchanges.size === 0) return
    const reason = new AgentError('ERR_AGENT_CLOSED', `connection ${this.id} from ${this.peer}`)
    for (const exchange of this.#exchanges.takeAll()) this.#host.dispatcher.abandon(exchange, reason)
  }

  /** With `async`, what is still worked on is answered on a sibling. */
  #handOver(): void {
    if (!this.async || this.#exchanges.size === 0) return
    const sibling = this.#host.findSibling(this)
    if (sibling === undefined) return
    for (const exchange of this.#exchanges.takeAll()) sibling.#adopt(exchange)
  }

  #adopt(exchange: Exchange): void {
    exchange.carrier.inFlight -= exchange.pending
    this.inFlight += exchange.pending
    exchange.carrier = this
    this.#exchanges.push(exchange, exchange.input?.bytes ?? nothing)
  }

  #say({ statusCode, message }: Word): void {
    const { writer } = this.#outbox
    const start = writer.at
    encodeDisconnect(writer, { type: 'agent-disconnect', statusCode, message })
    this.#sent(start)
  }

  #endSocket(how: End['socket']): void {
    if (how === 'keep') return
    if (how === 'cut') return void this.#socket.destroy()
    if (how === 'gone') {
      this.#closing.clear()
      this.#outbox.drop()
      return this.#host.onClose(this)
    }
    this.#outbox.finish()
    if (how === 'endSoon') this.#closing.endSoon()
    else if (how === 'end') this.#closing.end()
    else this.#socket.destroy()
  }

  onFault(thrown: unknown): void {
    if (endOf(this.#state, 'fault') === undefined) return
    const error = describeFault(thrown)
    tellGivenUp(this.#host, this, error, this.#foreign)
    this.#end('fault', { statusCode: statusOf(error), message: error.message }, error)
  }

  onFin(): void {
    if (this.takesFrames && (this.#intake.midFrame || this.midPayload)) {
      const detail = 'the peer closed inside a frame, or between fragments'
      return this.onFault(new SpopError('ERR_SPOP_TRUNCATED', detail))
    }
    // The peer sends no more; what it asked for is still answered.
    this.#handOver()
    this.#end(this.#exchanges.size === 0 ? 'fin' : 'finHeld')
  }

  /** Stops taking part as soon as everything is answered: ACKs first, then DISCONNECT 0. */
  drain(): void {
    this.#end('drain')
    if (this.#state !== 'draining') return
    this.#drain ??= new Drain(() => {
      this.#leaveIfDrained()
      return this.#state === 'draining'
    })
  }

  #leaveIfDrained(): void {
    if (this.#state !== 'draining' || this.#outbox.inTurn || this.#intake.paused) return
    if (this.#exchanges.size > 0 || this.midPayload || this.#intake.midFrame) return
    if (this.#intake.ended || this.#drain?.isOver(this.lastActivity) === true) this.#end('drained')
  }

  /** Called now and then by the agent, which owns the timer. */
  checkTimeouts(now: number): void {
    const due = overdue(
      {
        state: this.#state,
        stalled: this.#outbox.stalledFor(now),
        over: this.#outbox.over,
        owing: this.#intake.owing(now),
        silent: now - this.lastActivity,
        held: this.#exchanges.size,
      },
      this.#host.options,
    )
    if (due === undefined || this.#socket.destroyed) return
    if (due.event === 'fault') return this.onFault(due.error)
    if (due.event === 'stalled') {
      tellCut(this.#host, this, due.error)
      return this.#end('stalled')
    }
    this.#host.metrics.countError(due.error.code)
    this.drain()
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
    tellClosed(this.#host, this)
    this.#end('lost')
  }

  /** Cuts the connection; in the middle of a turn, by the word of a handler, at its end: an answer is half made. */
  destroy(): void {
    if (this.#outbox.inTurn) this.#doomed = true
    else this.#end('destroyed')
  }
}

/** What a DISCONNECT says. */
type Word = Pick<DisconnectFrame, 'statusCode' | 'message'>

const normal: Word = { statusCode: StatusCode.Normal, message: statusText(StatusCode.Normal) }

function misplaced(what: string, state: AgentState): SpopError {
  return new SpopError('ERR_SPOP_INVALID_FRAME', `${what} on a connection in state '${state}'`)
}

function isAgentFrame(type: number): boolean {
  return type === FrameType.AgentHello || type === FrameType.AgentDisconnect || type === FrameType.Ack
}
