import { monotonic } from '../base/clock.ts'
import { Deadline } from '../base/deadline.ts'
import { encodeDisconnect } from '../spop/disconnect.ts'
import { SpopError, StatusCode } from '../spop/errors.ts'
import { FrameType, type FrameHead } from '../spop/frame-head.ts'
import { encodeHaproxyHello } from '../spop/hello.ts'
import { acceptAgentHello, spopVersion, type Agreement } from '../spop/negotiation.ts'
import type { NotifyInput } from '../spop/notify.ts'
import { stepEngine, type EngineEvent, type EngineState } from '../spop/state.ts'
import { AckReceiver } from './ack-receiver.ts'
import { describeDisconnect, describeLoss, describeViolation, disconnectFor } from './connection-faults.ts'
import type { ConnectionHost, ConnectionSettings } from './connection-host.ts'
import { EngineError } from './errors.ts'
import type { Exchange, ExchangeCarrier } from './exchange.ts'
import { Inbox } from './inbox.ts'
import { NotifyEncoder } from './notify-encoder.ts'
import { ErrorStatus } from './outcome.ts'
import { Outbox } from './outbox.ts'
import { IdSequence } from './profile.ts'
import type { Server, ServerConnection } from './server.ts'
import { recall } from './recall.ts'
import { Slots } from './slots.ts'
import { openTransport, resetSocket, type Transport } from './socket.ts'
import { readyEvent } from './tls.ts'
import { watch } from './watch.ts'

/** A connection and its handshake that take longer than this are slow, in milliseconds: it is more than the way around the world and back. */
const patience = 200

/**
 * One connection to an agent: connects, greets, carries NOTIFYs out and ACKs in, and leaves. It judges what the agent
 * says; which connection is used, and what a failure means for its server, is the pool's business (server.ts, pool.ts).
 * The states are those of spop/state.ts.
 */
export class Connection implements ExchangeCarrier, ServerConnection {
  readonly server: Server<Connection>
  /** Counts the connections of the engine from 1. */
  readonly number: number
  readonly slots = new Slots()
  /** Whether the agent may answer on any connection. */
  async = false
  /** Whether it has something to write at the end of this turn. */
  gathering = false

  readonly #host: ConnectionHost<Connection>
  readonly #settings: ConnectionSettings
  readonly #socket: Transport
  readonly #inbox: Inbox
  readonly #acks: AckReceiver<Connection>
  readonly #outbox: Outbox
  readonly #encoder: NotifyEncoder
  #state: EngineState = 'connecting'
  #ended = false
  #freed = false
  /** What was to leave when the connection ended. */
  #unsent: Exchange[] = []
  /** When the current chunk came: all answers in it have come then, however long the callers before take. */
  #receivedAt = 0
  /** What the agent has done wrong, while its farewell is waited for. */
  #spoilt: EngineError | undefined
  /** Why we leave, while our DISCONNECT is being written. */
  #cause: EngineError | undefined
  /** What is left of the time to connect or to be greeted, in milliseconds, when {@link patience} is over. */
  #patienceOver = 0
  // The socket keeps the process alive, not its timer.
  readonly #deadline = new Deadline(() => this.#onTimer(), false)

  constructor(
    server: Server<Connection>,
    number: number,
    settings: ConnectionSettings,
    host: ConnectionHost<Connection>,
  ) {
    const { options, profile } = settings
    this.server = server
    this.number = number
    this.#settings = settings
    this.#host = host
    this.#inbox = new Inbox(options.maxFrameSize)
    this.#acks = new AckReceiver(this, this.#inbox, host)
    this.#encoder = new NotifyEncoder(
      profile.ids === 'engine' ? settings.ids : new IdSequence(profile.firstId, 2),
      settings,
    )
    this.#socket = this.#listen(openTransport(server.of, options.connect))
    this.#outbox = new Outbox(this.#socket, host.writers)
    this.#armPatiently(options.connectTimeout)
  }

  #listen(socket: Transport): Transport {
    socket.on(readyEvent(socket), () => this.#onConnect())
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('drain', () => this.#onDrain())
    socket.on('timeout', () => this.#onSilent())
    socket.on('end', () => this.#onLost(undefined))
    socket.on('error', (error) => this.#onLost(error))
    socket.on('close', () => this.#onClose())
    return socket
  }

  /** Whether an ACK that matched has come. */
  get proven(): boolean {
    return this.#acks.proven
  }

  /** Whether it can take an exchange now. */
  get available(): boolean {
    return this.#state === 'open' && !this.#outbox.blocked && this.slots.free
  }

  // Out

  /**
   * Writes the NOTIFY of an exchange, which leaves with all others of this turn. Answers why it cannot be sent, if so.
   * @throws SpopError `ERR_SPOP_VALUE`, with nothing written.
   */
  notify(exchange: Exchange, messages: NotifyInput, now: number): EngineError | undefined {
    const error = this.#encoder.encode(this.#outbox.writer, exchange, messages)
    if (error !== undefined) return error
    exchange.sentAt = now
    this.adopt(exchange)
    if (this.gathering) return undefined
    this.gathering = true
    this.#host.dirty(this, now)
    return undefined
  }

  /** From now on the exchange is this connection's. */
  adopt(exchange: Exchange): void {
    exchange.carrier = this
    this.slots.add(exchange)
  }

  /** Writes what was gathered. */
  flush(): void {
    this.gathering = false
    this.#outbox.flush()
  }

  #onDrain(): void {
    if (this.#outbox.drained() && this.#state === 'open') this.#host.freed(this)
  }

  #onConnect(): void {
    const { options, engineId } = this.#settings
    this.#step('connected')
    this.#armPatiently(options.helloTimeout)
    encodeHaproxyHello(this.#outbox.writer, {
      type: 'haproxy-hello',
      supportedVersions: spopVersion,
      maxFrameSize: options.maxFrameSize,
      capabilities: options.capabilities.join(','),
      healthcheck: false,
      engineId,
    })
    this.#outbox.flush()
  }

  // In

  #onData(chunk: Buffer): void {
    this.#inbox.push(chunk)
    this.#receivedAt = monotonic()
    while (!this.#drain()) {
      // What is behind a wrong frame may be the agent's farewell.
    }
    if (!this.#freed) return
    this.#freed = false
    if (this.#state === 'open') this.#host.freed(this)
  }

  /** Answers whether nothing more is to be read of the chunk. */
  #drain(): boolean {
    const inbox = this.#inbox
    try {
      while (this.#state !== 'closed' && inbox.next()) this.#onFrame(inbox.head)
      return true
    } catch (error) {
      this.#depart(describeViolation(error))
      if (this.#ended) inbox.shut()
      return this.#ended
    }
  }

  #onFrame(head: FrameHead): void {
    const disconnect = head.type === FrameType.AgentDisconnect
    if (this.#state === 'leaving') {
      // Whatever else comes is ignored (SPOE.txt 3.2.8).
      if (disconnect) this.#onFarewell()
    } else if (disconnect) this.#onDisconnect()
    else if (this.#state === 'greeting') this.#onGreeting(head)
    else if (head.type === FrameType.Ack) this.#onAck()
    else this.#onUnknown(head)
  }

  #onGreeting(head: FrameHead): void {
    if (head.type !== FrameType.AgentHello) {
      throw new SpopError('ERR_SPOP_INVALID_FRAME', `a frame of type ${head.type} instead of AGENT-HELLO`)
    }
    const { options, profile } = this.#settings
    const hello = this.#inbox.hello()
    const maxFrameSize = hello.maxFrameSize ?? (profile.sizeOptional ? options.maxFrameSize : undefined)
    this.#open(acceptAgentHello({ ...hello, maxFrameSize }, options))
  }

  #open(agreement: Agreement): void {
    const { idleTimeout } = this.#settings.options
    this.#step('recvHello')
    this.async = agreement.async
    this.#acks.agree(agreement)
    this.#inbox.limit(agreement.maxFrameSize)
    this.#encoder.agree(agreement)
    this.slots.window = agreement.pipelining || agreement.async ? this.server.maxWindow : 1
    this.slots.idleSince = monotonic()
    this.#patienceOver = 0
    if (idleTimeout > 0) this.#deadline.arm(idleTimeout)
    else this.#deadline.disarm()
    this.#host.opened(this)
  }

  #onAck(): void {
    if (this.#state !== 'open') this.#step('recvAck')
    this.#acks.receive(this.#receivedAt)
  }

  /** An exchange that it carries was answered: its slot is free again. */
  release(exchange: Exchange, now: number): void {
    this.slots.release(exchange, now)
    exchange.carrier = undefined
    this.#freed = true
  }

  /** Skipped, as HAProxy does whatever its type. */
  #onUnknown({ type }: FrameHead): void {
    this.#step('recvUnknown')
    this.#host.fault(this, new EngineError('ERR_ENGINE_UNKNOWN_FRAME', `type ${type}`))
  }

  #onDisconnect(): void {
    const frame = this.#inbox.disconnect()
    const instead = this.#state === 'greeting' ? 'instead of HELLO' : undefined
    this.#recall()
    const peaceful = frame.statusCode === StatusCode.Normal && instead === undefined && !this.#isBusy()
    this.#step('recvDisconnect')
    this.#deadline.arm(this.#settings.options.closeTimeout)
    this.#socket.destroySoon()
    this.#end(peaceful ? undefined : describeDisconnect(frame, instead))
  }

  /** Our own DISCONNECT is answered. */
  #onFarewell(): void {
    this.#socket.destroySoon()
    if (this.#ended) return
    this.#end(
      this.#spoilt === undefined ? this.#cause : describeDisconnect(this.#inbox.disconnect(), undefined),
    )
  }

  // The end

  /** From here on nothing leaves that waits for the end of the turn. */
  #recall(): void {
    if (this.gathering && this.#unsent.length === 0)
      this.#unsent = recall(this.#outbox.takeBack(), this.slots, monotonic())
  }

  /** Whether its end is a failure: something is under way, or would be, and nothing was ever answered. */
  #isBusy(): boolean {
    return this.slots.live > 0 || (this.#unsent.length > 0 && !this.proven)
  }

  /** Says goodbye in peace. */
  leave(): void {
    this.#depart(undefined)
  }

  /**
   * Leaves with a word, where the profile and the state allow one.
   * @param status what is said when nothing went wrong
   */
  #depart(error: EngineError | undefined, status: number = StatusCode.Normal): void {
    if (this.#ended) return
    const greeted = this.#state === 'open' || this.#state === 'greeting'
    if (!greeted || !this.#settings.profile.disconnects) return this.destroy(error)
    this.#recall()
    this.#step(error === undefined ? 'drain' : 'fail')
    if (this.#state === 'draining') this.#step('drained')
    encodeDisconnect(this.#outbox.writer, disconnectFor(error, status))
    this.#deadline.arm(this.#settings.options.closeTimeout)
    this.#cause = error
    if (error !== undefined && this.#heedsFarewell(error)) this.#spoilt = error
    // An agent of this process answers before this returns.
    this.#outbox.flush()
    if (this.#spoilt === undefined) return this.#end(error)
    this.#host.fault(this, this.#spoilt)
  }

  /**
   * Whether what is under way waits for what the agent has to say: it can be heard as long as frames have boundaries.
   * Where the agent may answer on any connection, HAProxy does not listen either.
   */
  #heedsFarewell({ code, status }: EngineError): boolean {
    const boundless = status === ErrorStatus.Spop + StatusCode.FrameTooBig
    const { heedsFarewell } = this.#settings.profile
    return heedsFarewell && !this.async && this.slots.live > 0 && code === 'ERR_ENGINE_PROTOCOL' && !boundless
  }

  /** Leaves at once, without a word. */
  destroy(error: EngineError | undefined): void {
    if (!this.#ended) this.#recall()
    if (this.#state !== 'closed') this.#step('lost')
    this.#deadline.disarm()
    if (this.#settings.profile.disconnects) this.#socket.destroy()
    else resetSocket(this.#socket)
    this.#end(error)
  }

  /** Hands back what was under way, once. */
  #end(error: EngineError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#host.ended(this, this.slots.takeAll(), this.#unsent, error)
  }

  /** The socket has a time-out of its own, `timeout server` in the proxy: nothing was sent or received for so long. */
  #onSilent(): void {
    if (this.#state !== 'open' || this.#ended) return
    const detail = 'nothing was heard of it'
    if (this.slots.live === 0) this.#depart(undefined, StatusCode.Io)
    else this.#depart(new EngineError('ERR_ENGINE_CONNECTION_LOST', detail))
  }

  /** FIN (without `cause`) or an error of the socket. */
  #onLost(cause: Error | undefined): void {
    if (!this.#ended) this.#recall()
    const underWay = this.#isBusy() || this.#inbox.midFrame
    if (!this.#ended) this.destroy(describeLoss(this.#state, underWay, cause))
    else if (this.#state !== 'closed') this.destroy(undefined)
  }

  #onClose(): void {
    this.#onLost(undefined)
    this.#deadline.stop()
    this.#host.closed(this)
  }

  // Time

  abandon(exchange: Exchange, now: number, timedOut: boolean): void {
    if (this.slots.abandon(exchange, now, timedOut) && this.#state === 'open')
      this.#deadline.arm(this.#settings.options.processingTimeout)
  }

  /** For as long as `timeout`, but for a word to the host when it takes long. */
  #armPatiently(timeout: number): void {
    this.#patienceOver = timeout > patience ? timeout - patience : 0
    this.#deadline.arm(Math.min(timeout, patience))
  }

  #onTimer(): void {
    if (this.#patienceOver > 0 && this.#underWay()) {
      this.#deadline.arm(this.#patienceOver)
      this.#patienceOver = 0
      // It may be ready, and this process have been slow itself: what has come is looked at first.
      setImmediate(() => {
        if (this.#underWay()) this.#host.slow(this)
      })
    } else this.#onDeadline()
  }

  /** Whether it is still being made or greeted. */
  #underWay(): boolean {
    return this.#state === 'connecting' || this.#state === 'greeting'
  }

  #onDeadline(): void {
    const { connectTimeout, helloTimeout } = this.#settings.options
    if (this.#state === 'connecting') {
      this.destroy(new EngineError('ERR_ENGINE_CONNECT', `nothing after ${connectTimeout} ms`))
    } else if (this.#state === 'greeting') {
      this.#depart(new EngineError('ERR_ENGINE_HELLO_TIMEOUT', `${helloTimeout} ms`))
    } else if (this.#state === 'open') this.#checkOpen()
    else this.destroy(this.#spoilt)
  }

  #checkOpen(): void {
    const { slots } = this
    const verdict = watch(slots, this.#settings.options, monotonic())
    if (verdict === 'leave') this.#depart(undefined, StatusCode.Timeout)
    else if (verdict === 'unresponsive') {
      const detail = `${slots.expired} timed-out exchanges hold its ${slots.window} slots`
      this.#depart(new EngineError('ERR_ENGINE_UNRESPONSIVE', detail))
    } else if (verdict !== undefined) this.#deadline.arm(verdict)
  }

  #step(event: EngineEvent): void {
    const next = stepEngine(this.#state, event)
    if (next === undefined) throw new SpopError('ERR_SPOP_INVALID_FRAME', `${event} while ${this.#state}`)
    this.#state = next
  }
}
