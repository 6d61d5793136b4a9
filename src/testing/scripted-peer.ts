/**
 * HAProxy as an agent meets it on the wire, version by version, under the control of a script: the exact HELLO, the ids,
 * the fragments, what is refused and how it leaves. It is one connection and keeps no pool, no queue and no timeouts but
 * those of the script.
 */
import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { Writer } from '../bytes/writer.ts'
import { requireArgument } from '../base/options.ts'
import { StatusCode, statusText } from '../spop/errors.ts'
import { FrameType } from '../spop/frame-head.ts'
import { encodeMessages, messagesRule, type MessageInput } from '../spop/notify.ts'
import { isMessages } from './arguments.ts'
import { TestingError } from './errors.ts'
import { EventQueue } from './event-queue.ts'
import { haproxyDisconnectBytes, haproxyHelloBytes, healthCheckBytes } from './haproxy-bytes.ts'
import { isRefusal, judgeAck, judgeHealthReply, judgeHello, type PeerAgreement } from './peer-judge.ts'
import { peerManners, type PeerManners, type PeerVersion } from './peer-manners.ts'
import { NotifyFrames, type NotifyIds } from './peer-notify.ts'
import {
  parseHex,
  resolveNotifySettings,
  resolvePeerOptions,
  targetOf,
  type NotifySettings,
  type PeerAck,
  type PeerEnd,
  type ScriptedPeerOptions,
} from './peer-options.ts'
import { connectorOf, type Connect } from './target.ts'
import {
  formatEvent,
  formatReceived,
  Wire,
  type ReceivedFrame,
  type WireEvent,
  type WireLogEntry,
} from './wire.ts'

type Outcome =
  | { readonly kind: 'hello'; readonly agreement: PeerAgreement }
  | { readonly kind: 'health'; readonly wrong: string | undefined }
  | { readonly kind: 'ack'; readonly ack: PeerAck }
  | { readonly kind: 'end'; readonly end: PeerEnd }

type State = 'new' | 'checking' | 'greeting' | 'open' | 'leaving' | 'closed'

/** NOTIFYs in flight on a connection with pipelining: `max-waiting-frames`, and since 3.1 a constant. */
const maxInFlight = 20

/** A frame that HAProxy would ignore. */
export interface IgnoredFrame {
  /** The reason, in words. */
  readonly why: string
  /** The whole frame with its length field. */
  readonly bytes: Buffer
}

/** See {@link createScriptedPeer}. */
export class ScriptedPeer {
  /** What it behaves as. */
  readonly version: PeerVersion
  /** ACKs and frames that HAProxy ignores, each with the reason. */
  readonly ignored: IgnoredFrame[] = []
  readonly #manners: PeerManners
  readonly #connect: Connect
  readonly #engineId: string
  readonly #offered: { readonly maxFrameSize: number; readonly capabilities: string }
  readonly #timeout: number
  readonly #queue = new EventQueue<Outcome>()
  readonly #early: PeerAck[] = []
  readonly #inFlight = new Map<string, NotifyIds>()
  readonly #notifies: NotifyFrames
  #wire: Wire | undefined
  #state: State = 'new'
  #agreement: PeerAgreement | undefined
  #end: PeerEnd | undefined
  /** Since 3.1 an ACK for a stream that never was ends the connection when the stream of the script times out. */
  #poisoned = false

  constructor(options: ScriptedPeerOptions) {
    const settings = resolvePeerOptions(options)
    this.version = settings.version
    this.#manners = peerManners(settings.version)
    this.#connect = connectorOf(targetOf(settings))
    this.#engineId = settings.engineId ?? randomUUID()
    this.#timeout = settings.timeout
    this.#notifies = new NotifyFrames(this.#manners)
    this.#offered = {
      maxFrameSize: settings.maxFrameSize,
      capabilities: settings.capabilities ?? this.#manners.capabilities,
    }
  }

  /** What the handshake agreed on; undefined before it. */
  get agreement(): PeerAgreement | undefined {
    return this.#agreement
  }

  /** How the connection ended; undefined while it is there. */
  get end(): PeerEnd | undefined {
    return this.#end
  }

  /** The conversation so far. */
  get log(): readonly WireLogEntry[] {
    return this.#wire?.log ?? []
  }

  // The script's verbs

  /** Connects; the other verbs do so when they have to. @throws TestingError `ERR_TESTING_CLOSED`. */
  async connect(): Promise<this> {
    if (this.#end !== undefined) throw this.#closedError()
    if (this.#wire !== undefined) return this
    const stream = await this.#connect()
    this.#wire = new Wire(stream, (event) => this.#onEvent(event))
    return this
  }

  /**
   * Shakes hands: HAPROXY-HELLO as this version sends it, and its judgement of the answer.
   * @throws TestingError `ERR_TESTING_REFUSED` with the status that HAProxy sends, `ERR_TESTING_DISCONNECTED`,
   * `ERR_TESTING_TIMEOUT`.
   */
  async hello(): Promise<PeerAgreement> {
    const wire = (await this.connect()).#open()
    this.#state = 'greeting'
    wire.send(haproxyHelloBytes({ ...this.#offered, engineId: this.#engineId }))
    const outcome = await this.#next('AGENT-HELLO')
    if (outcome.kind === 'hello') return outcome.agreement
    throw this.#unexpected(outcome, 'AGENT-HELLO')
  }

  /**
   * One health check on a connection of its own: 82 bytes, the answer judged, then a reset, as HAProxy does it.
   * Answers whether the server is up.
   */
  async healthCheck(): Promise<{ readonly up: boolean; readonly why: string }> {
    const wire = (await this.connect()).#open()
    this.#state = 'checking'
    wire.send(healthCheckBytes)
    const outcome = await this.#queue.next(this.#timeout)
    if (this.#end === undefined)
      this.#close({ by: 'haproxy', how: 'reset', status: undefined, why: 'the check is done' })
    if (outcome?.kind === 'health') return { up: outcome.wrong === undefined, why: outcome.wrong ?? '' }
    const why = outcome?.kind === 'end' ? outcome.end.why : `no answer within ${this.#timeout} ms`
    return { up: false, why }
  }

  /**
   * Sends a NOTIFY with the next ids of this version, in fragments where this version would.
   * @throws TestingError `ERR_TESTING_REFUSED` when HAProxy would not send it: status 10 up to 3.0, which costs the
   * connection, 259 since; `ERR_TESTING_SCRIPT` when its window is full; UsageError `ERR_SLUICE_OPTION`.
   */
  async notify(messages: readonly MessageInput[], settings: NotifySettings = {}): Promise<NotifyIds> {
    requireArgument(isMessages(messages), 'notify: the messages', messagesRule, messages)
    const { stream } = resolveNotifySettings(settings)
    const wire = this.#open()
    const agreement = this.#agreement
    if (agreement === undefined) throw new TestingError('ERR_TESTING_SCRIPT', 'notify() before hello()')
    const window = agreement.pipelining || agreement.async ? maxInFlight : 1
    if (this.#inFlight.size >= window) {
      throw new TestingError(
        'ERR_TESTING_SCRIPT',
        `${window} NOTIFYs are in flight: HAProxy would use another connection`,
      )
    }
    const payload = new Writer()
    encodeMessages(payload, messages)
    const room = this.#notifies.roomOf(agreement)
    if (payload.at > room && !agreement.fragmentation) throw this.#tooBig(payload.at, room)
    const { bytes, ids } = this.#notifies.encode(payload.view(), room, stream)
    this.#inFlight.set(`${ids.streamId}/${ids.frameId}`, ids)
    wire.send(bytes)
    return ids
  }

  /** Sends bytes as they are: a Buffer, or hexadecimal digits with blanks between them as you like. */
  async sendRaw(bytes: Buffer | string, cuts: readonly number[] = []): Promise<void> {
    const whole = Buffer.isBuffer(bytes) ? bytes : parseHex(bytes)
    const areCuts = Array.isArray(cuts) && cuts.every((cut) => Number.isSafeInteger(cut) && cut >= 0)
    requireArgument(areCuts, 'sendRaw: the cuts', 'must be an array of offsets', cuts)
    const wire = (await this.connect()).#open()
    await wire.sendPieces(whole, cuts)
  }

  /**
   * The ACK of a NOTIFY, or, without `ids`, the next one that HAProxy takes.
   * @throws TestingError `ERR_TESTING_TIMEOUT`, `ERR_TESTING_DISCONNECTED`, `ERR_TESTING_REFUSED` (the agent sent
   * something that HAProxy ends the connection for), `ERR_TESTING_CLOSED`.
   */
  async expectAck(ids?: NotifyIds): Promise<PeerAck> {
    const isRight = ids === undefined || (typeof ids === 'object' && ids !== null && 'streamId' in ids)
    requireArgument(isRight, 'expectAck: the ids', 'must be what notify() gave', ids)
    const wanted = (ack: PeerAck) =>
      ids === undefined || (ack.streamId === ids.streamId && ack.frameId === ids.frameId)
    const found = this.#early.findIndex(wanted)
    if (found >= 0) return this.#early.splice(found, 1)[0] as PeerAck // findIndex() has found it
    const what = ids === undefined ? 'an ACK' : `the ACK of ${ids.streamId}/${ids.frameId}`
    for (;;) {
      const outcome = await this.#next(what)
      if (outcome.kind !== 'ack') throw this.#unexpected(outcome, what)
      if (wanted(outcome.ack)) return outcome.ack
      this.#early.push(outcome.ack)
    }
  }

  /** {@link notify} and {@link expectAck} in one. */
  async ask(messages: readonly MessageInput[], settings: NotifySettings = {}): Promise<PeerAck> {
    return this.expectAck(await this.notify(messages, settings))
  }

  /** Waits for the end of the connection. @throws TestingError `ERR_TESTING_TIMEOUT`, `ERR_TESTING_UNEXPECTED` (an ACK). */
  async expectEnd(): Promise<PeerEnd> {
    if (this.#end !== undefined) return this.#end
    const outcome = await this.#next('the end of the connection')
    if (outcome.kind === 'end') return outcome.end
    throw new TestingError('ERR_TESTING_UNEXPECTED', `${outcome.kind} instead of the end of the connection`)
  }

  /**
   * Leaves as this version does. Up to 3.0: HAPROXY-DISCONNECT, the agent's DISCONNECT in answer, and its close.
   * Since 3.1: a reset.
   * @throws TestingError `ERR_TESTING_TIMEOUT` when the agent does not close.
   */
  async leave(): Promise<PeerEnd> {
    if (this.#end !== undefined) return this.#end
    const wire = this.#open()
    if (this.#manners.teardown === 'reset') {
      return this.#close({ by: 'haproxy', how: 'reset', status: undefined, why: 'left' })
    }
    this.#state = 'leaving'
    wire.send(haproxyDisconnectBytes(StatusCode.Normal, statusText(StatusCode.Normal)))
    return this.expectEnd()
  }

  /** Ends at once with a reset, whatever the version. */
  reset(): void {
    this.#close({ by: 'haproxy', how: 'reset', status: undefined, why: 'the script has reset it' })
  }

  // What the agent says

  #onEvent(event: WireEvent): void {
    if (this.#state === 'closed') return
    if (event.kind === 'frame') return this.#onFrame(event.frame)
    if (event.kind === 'broken') {
      if (this.#state === 'checking') return this.#queue.push({ kind: 'health', wrong: event.error.message })
      return this.#refuse(StatusCode.InvalidFrame, event.error.message)
    }
    const how = event.kind === 'fin' ? 'fin' : 'reset'
    this.#close({ by: 'agent', how, status: undefined, why: formatEvent(event) })
  }

  #onFrame(received: ReceivedFrame): void {
    if (this.#state === 'checking') {
      return this.#queue.push({ kind: 'health', wrong: judgeHealthReply(received) })
    }
    if (received.type === FrameType.AgentDisconnect) return this.#onDisconnect(received)
    if (this.#state === 'greeting') return this.#onHello(received)
    const isAck = received.type === FrameType.Ack && received.payloadAt !== undefined
    if (this.#state === 'open' && isAck) return this.#onAck(received)
    this.ignored.push({ why: `${formatReceived(received)} while ${this.#state}`, bytes: received.bytes })
  }

  #onDisconnect(received: ReceivedFrame): void {
    const frame = received.frame
    const status = frame?.type === 'agent-disconnect' ? frame.statusCode : undefined
    const end: PeerEnd = { by: 'agent', how: 'disconnect', status, why: formatReceived(received) }
    if (this.#state === 'leaving') {
      // HAProxy now waits for the agent to close.
      this.#end ??= { ...end, by: 'haproxy' }
      return
    }
    this.#close(end)
  }

  #onHello(received: ReceivedFrame): void {
    const judged = judgeHello(received, this.#manners, this.#offered)
    if (isRefusal(judged)) return this.#refuse(judged.status, judged.why)
    this.#agreement = judged
    this.#state = 'open'
    this.#queue.push({ kind: 'hello', agreement: judged })
  }

  #onAck(received: ReceivedFrame): void {
    const agreement = this.#agreement
    if (agreement === undefined) return
    const judged = judgeAck(received, this.#manners, agreement)
    if (isRefusal(judged)) return this.#refuse(judged.status, judged.why)
    const { streamId, frameId, bytes } = received
    if (!this.#inFlight.delete(`${streamId}/${frameId}`)) return this.#onUnknownAck(received, agreement)
    this.#queue.push({ kind: 'ack', ack: { streamId, frameId, ...judged, bytes } })
  }

  /** Up to 3.0 only a connection that allows one NOTIFY at a time minds. */
  #onUnknownAck(received: ReceivedFrame, agreement: PeerAgreement): void {
    const why = `${formatReceived(received)} belongs to no NOTIFY`
    if (this.#manners.ids === 'stream' && !agreement.pipelining && !agreement.async) {
      return this.#refuse(StatusCode.FrameIdNotFound, why)
    }
    if (this.#manners.ids === 'connection' && !this.#notifies.hasSeen(received.streamId))
      this.#poisoned = true
    this.ignored.push({ why, bytes: received.bytes })
  }

  /** Refuses with DISCONNECT, or with a reset when there is no status to tell. */
  #refuse(status: number | undefined, why: string): void {
    if (status !== undefined) this.#wire?.send(haproxyDisconnectBytes(status, statusText(status)))
    const how = status === undefined ? 'reset' : 'disconnect'
    this.#close({ by: 'haproxy', how, status, why })
  }

  #close(end: PeerEnd): PeerEnd {
    const first = this.#end ?? end
    if (first.how === 'reset' && first.by === 'haproxy') this.#wire?.reset()
    else this.#endGently()
    return this.#finish(first)
  }

  /** An agent that does not close must not keep the test's process. */
  #endGently(): void {
    const wire = this.#wire
    wire?.stream.end()
    setTimeout(() => wire?.destroy(), 1000).unref()
  }

  #finish(end: PeerEnd): PeerEnd {
    this.#end = end
    this.#state = 'closed'
    this.#queue.push({ kind: 'end', end })
    return end
  }

  #tooBig(size: number, room: number): TestingError {
    const detail = `a payload of ${size} bytes, ${room} fit, and the agent takes no fragments`
    if (this.#manners.ids === 'connection')
      return new TestingError('ERR_TESTING_REFUSED', detail, { status: 259 })
    this.#refuse(StatusCode.FragmentationNotSupported, detail)
    return new TestingError('ERR_TESTING_REFUSED', detail, { status: StatusCode.FragmentationNotSupported })
  }

  // Waiting

  #open(): Wire {
    if (this.#wire === undefined)
      throw new TestingError('ERR_TESTING_SCRIPT', 'connect() or hello() comes first')
    if (this.#end !== undefined) throw this.#closedError()
    return this.#wire
  }

  async #next(what: string): Promise<Outcome> {
    if (this.#end !== undefined && this.#queue.peek() === undefined) throw this.#closedError()
    const outcome = await this.#queue.next(this.#timeout)
    if (outcome !== undefined) return outcome
    if (this.#poisoned) {
      this.#close({
        by: 'haproxy',
        how: 'reset',
        status: undefined,
        why: 'an ACK of a stream that never was',
      })
    }
    const notes = this.ignored.map(({ why }) => `; ignored: ${why}`).join('')
    throw new TestingError('ERR_TESTING_TIMEOUT', `${what}, within ${this.#timeout} ms${notes}`)
  }

  #unexpected(outcome: Outcome, what: string): TestingError {
    if (outcome.kind === 'end') return this.#closedError()
    return new TestingError('ERR_TESTING_UNEXPECTED', `${outcome.kind} instead of ${what}`)
  }

  #closedError(): TestingError {
    const end = this.#end
    if (end === undefined) return new TestingError('ERR_TESTING_CLOSED', 'the connection')
    const code = end.by === 'haproxy' ? 'ERR_TESTING_REFUSED' : 'ERR_TESTING_DISCONNECTED'
    if (end.by === 'agent' && end.how !== 'disconnect') return new TestingError('ERR_TESTING_CLOSED', end.why)
    return new TestingError(code, end.why, { status: end.status })
  }
}

/**
 * A connection that speaks as HAProxy does, for tests that want to say every word themselves.
 *
 * @throws TestingError `ERR_TESTING_SCRIPT` when it is not said where the agent is; UsageError `ERR_SLUICE_OPTION`.
 * @example
 * ```ts
 * import { createScriptedPeer } from 'sluice/testing'
 *
 * const peer = createScriptedPeer({ version: '2.6', agent })
 * await peer.hello()
 * const first = await peer.notify([{ name: 'get-ip-reputation', args: [['ip', IpAddress.parse('192.0.2.1')]] }])
 * const { actions } = await peer.expectAck(first)
 * await peer.leave()
 * ```
 */
export function createScriptedPeer(options: ScriptedPeerOptions): ScriptedPeer {
  return new ScriptedPeer(options)
}
