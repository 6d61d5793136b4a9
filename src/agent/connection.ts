import { Buffer } from 'node:buffer'
import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Writer } from '../bytes/writer.ts'
import { monotonic } from '../base/clock.ts'
import { decodeDisconnect } from '../spop/disconnect.ts'
import { control } from '../spop/frame.ts'
import {
  createReader,
  FrameFlag,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
} from '../spop/frame-head.ts'
import {
  decodeHaproxyHello,
  encodeAgentHello,
  type AgentHelloFrame,
  type HaproxyHelloFrame,
} from '../spop/hello.ts'
import { acceptHaproxyHello, type Agreement } from '../spop/negotiation.ts'
import type { AgentState } from '../spop/state.ts'
import { encodeHeldAck } from './ack-assembly.ts'
import type { ConnectionHost } from './connection-host.ts'
import { tellOpen, tellSuperseded } from './connection-log.ts'
import type { Carrier } from './dispatcher.ts'
import { AgentError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { describeOpening } from './foreign.ts'
import { profileOf } from './haproxy-profile.ts'
import { HeldExchanges } from './held-exchanges.ts'
import { Intake, type IntakeOwner } from './intake.ts'
import { Life, type Living } from './life.ts'
import { Outbox } from './outbox.ts'
import { Payloads } from './payloads.ts'

const nothing = Buffer.alloc(0)

/**
 * One connection from HAProxy: frames in, to the dispatcher, frames out. What is agreed is spop/negotiation.ts. Its parts share
 * the socket: intake.ts reads it, outbox.ts writes to it, life.ts ends it, and has the state.
 *
 * All frames that are made in one turn of the event loop leave in one write, and a frame is never split over two.
 */
export class AgentConnection implements Carrier, IntakeOwner, Living {
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

  readonly #host: ConnectionHost<AgentConnection>
  readonly #outbox: Outbox
  readonly #intake: Intake
  readonly #payloads: Payloads
  readonly #life: Life
  readonly #reader = createReader()
  readonly #head = new FrameHead()
  readonly #exchanges = new HeldExchanges()
  inFlight = 0
  foreign: string | undefined

  constructor(id: number, socket: Duplex, peer: string, host: ConnectionHost<AgentConnection>) {
    this.id = id
    this.peer = peer
    this.#host = host
    // Not before it was verified: with `rejectUnauthorized: false` anybody's would be there.
    this.certificate =
      socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined
    this.#outbox = new Outbox(socket, host.outboxes)
    this.maxFrameSize = host.options.maxFrameSize
    this.#payloads = new Payloads(host.options, host.metrics)
    this.#intake = new Intake(socket, this, {
      maxFrameSize: this.maxFrameSize,
      maxPendingInput: host.options.maxPendingInput,
      outbox: this.#outbox,
      exchanges: this.#exchanges,
      dispatcher: host.dispatcher,
    })
    this.#life = new Life(this, {
      socket,
      host,
      outbox: this.#outbox,
      exchanges: this.#exchanges,
      intake: this.#intake,
      payloads: this.#payloads,
    })
    this.lastActivity = monotonic()
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#intake.end())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#life.failed(error))
    socket.on('close', () => this.#life.lost())
    socket.on('drain', () => this.#onDrain())
  }

  get state(): AgentState {
    return this.#life.state
  }

  /** Whether it may carry ACKs of another connection of its engine: see `async`. */
  get takesForeignAcks(): boolean {
    return this.async && this.#life.answers && !this.#intake.ended
  }

  // --- frames in ----------------------------------------------------------------------------------------------------

  #onData(chunk: Buffer): void {
    this.#host.metrics.bytesReceived += chunk.length
    if (!this.takesFrames) return
    const now = monotonic()
    if (this.#life.state !== 'idle') this.lastActivity = now
    else if (chunk[0] !== 0) this.foreign ??= describeOpening(chunk)
    this.#intake.take(chunk, now)
  }

  get takesFrames(): boolean {
    return this.#life.takesFrames
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
        return this.#life.goodbye(
          decodeDisconnect(control(reader, head, 'HAPROXY-DISCONNECT'), 'haproxy-disconnect'),
        )
      default:
        // SPOE.txt 3.2.2: unknown frames may be skipped silently. The agent's own types are not unknown.
        this.#life.step(isAgentFrame(head.type) ? undefined : 'recvUnknown', `frame of type ${head.type}`)
    }
  }

  #onNotify(head: FrameHead): void {
    if (this.#life.state !== 'open') this.#life.step('recvNotify', 'NOTIFY')
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
    this.#life.step('recvUnset', 'UNSET')
    const payload = this.#payloads.append(head, this.#reader)
    if (payload !== undefined) this.#host.dispatcher.dispatch(this, head, this.#reader.reset(payload))
  }

  onTaken(): void {
    // An idle connection must not keep the chunk that it has read last.
    this.#reader.reset(nothing)
    if (!this.#life.endTurn()) this.#outbox.schedule(this.#host.dispatcher.now)
  }

  // --- handshake ----------------------------------------------------------------------------------------------------

  #onHello(hello: HaproxyHelloFrame): void {
    const { options, metrics, capabilities } = this.#host
    const { reply, agreement } = acceptHaproxyHello(hello, {
      maxFrameSize: options.maxFrameSize,
      capabilities,
    })
    this.#life.step(hello.healthcheck ? 'recvHealthCheck' : 'recvHello', 'HAPROXY-HELLO')
    this.lastActivity = monotonic()
    if (hello.healthcheck) {
      metrics.healthChecks++
      if (!this.#host.isReady()) return this.#life.refuse()
    } else {
      metrics.connectionsAccepted++
      this.profile = profileOf(hello)
    }
    this.engineId = hello.engineId ?? ''
    this.#greet(reply, agreement)
    if (hello.healthcheck) this.#life.checked()
    else tellOpen(this.#host, this, this.async)
  }

  #greet(reply: AgentHelloFrame, agreement: Agreement): void {
    this.maxFrameSize = agreement.maxFrameSize
    this.#intake.agree(agreement.maxFrameSize)
    // Without an engine-id nobody knows which connections belong together.
    this.async = agreement.async && this.engineId !== ''
    const { writer } = this.#outbox
    const start = writer.at
    encodeAgentHello(writer, reply)
    this.sent(start)
  }

  // --- answers ------------------------------------------------------------------------------------------------------

  outgoing(): Writer {
    return this.#outbox.writer
  }

  acknowledged(start: number): void {
    this.#host.metrics.acks++
    if (this.#host.tracer.active) this.sent(start)
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
    this.#life.leaveIfDrained()
  }

  /** A frame that is not an ACK, or any frame while tracing, stands in the outgoing buffer. */
  sent(start: number): void {
    const { tracer } = this.#host
    if (!tracer.active) return
    const { writer } = this.#outbox
    tracer.trace('send', this, Buffer.from(writer.bytes.subarray(start, writer.at)))
  }

  #onDrain(): void {
    this.#outbox.drained()
    this.#intake.goOn()
    this.#life.leaveIfDrained()
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  onFault(error: unknown): void {
    this.#life.fault(error)
  }

  onFin(): void {
    this.#life.fin()
  }

  /** Stops taking part as soon as everything is answered: ACKs first, then DISCONNECT 0. */
  drain(): void {
    this.#life.drain()
  }

  /** Called now and then by the agent, which owns the timer. */
  checkTimeouts(now: number): void {
    this.#life.checkTimeouts(now)
  }

  /** Cuts the connection; in the middle of a turn, by the word of a handler, at its end: an answer is half made. */
  destroy(): void {
    this.#life.destroy()
  }

  handOver(): void {
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

  gone(): void {
    this.#host.onClose(this)
  }
}

function isAgentFrame(type: number): boolean {
  return type === FrameType.AgentHello || type === FrameType.AgentDisconnect || type === FrameType.Ack
}
