/**
 * A connection to an agent, as HAProxy makes them: HELLO, NOTIFYs with ids as its version gives them, and the answers, which
 * are looked at where they lie. Made again when the agent closes it.
 */
import { Buffer } from 'node:buffer'
import { Writer } from '../bytes/writer.ts'
import { errorMessage } from '../base/errors.ts'
import { monotonic } from '../base/clock.ts'
import { encodeDisconnect } from '../spop/disconnect.ts'
import { SpopError } from '../spop/errors.ts'
import { decodeFrame } from '../spop/frame.ts'
import { defaultMaxFrameSize, FrameFlag, FrameType } from '../spop/frame-head.ts'
import { encodeHaproxyHello } from '../spop/hello.ts'
import { acceptAgentHello, type Agreement, type Capability } from '../spop/negotiation.ts'
import type { Expectations } from './expect.ts'
import type { Exchange, Lane, LaneHost } from './lane.ts'
import { Link, type LoadTarget } from './link.ts'
import type { WriteFaults } from './faulty-writer.ts'
import type { NotifyPayload } from './notify-source.ts'
import { NotifyWriter } from './notify-writer.ts'
import { Pending } from './pending.ts'
import { QuickAnswers } from './quick-answers.ts'
import { Reconnect } from './reconnect.ts'
import { ruinDue, ruins, type Ruin } from './ruin.ts'
import type { Manners } from './spop-manners.ts'
import { connectionLost, describeStatus, disconnectStatus, timedOut } from './status.ts'
import type { Turn } from './template.ts'

/** What all lanes to an agent share. */
export interface SpopSettings {
  readonly target: LoadTarget
  readonly manners: Manners
  /** The NOTIFYs of a stream. */
  readonly payloads: readonly NotifyPayload[]
  /** NOTIFYs in flight on each connection. */
  readonly inFlight: number
  /** The engine-id of the first lane; the others count on. */
  readonly engineIdOf: (lane: number) => string
  /** What answers must have. */
  readonly expectations: Expectations | undefined
  /** What templates are filled from. */
  readonly turn: Turn
  /** Of all lanes, where ids are those of streams. */
  readonly pending: Pending | undefined
  /** All of them, by their numbers: each adds itself. */
  readonly lanes: SpopLane[]
  readonly writeFaults: WriteFaults | undefined
  readonly ruin: Ruin
}

/** Ids stay below this: HAProxy keeps them in 32 bits, and V8 keeps numbers of 30 bits without an allocation. */
export const idLimit = 0x3fff_ffff

const farewellTimeout = 1000

/** `spoilt`: it was sent garbage, and the agent is to close it. */
type State = 'connecting' | 'greeting' | 'ready' | 'spoilt' | 'leaving' | 'away' | 'over'

/** See the head of this file. */
export class SpopLane implements Lane {
  readonly #index: number
  readonly #shared: SpopSettings
  readonly #host: LaneHost
  readonly #reconnect = new Reconnect(() => this.#connect())
  readonly #pending: Pending
  readonly #byStream: boolean
  readonly #exchange: Exchange = { scheduled: 0, sent: 0, stream: 0, step: 0 }
  #link: Link | undefined
  #state: State = 'away'
  #agreement: Agreement | undefined
  readonly #notifies: NotifyWriter
  #rest: Buffer | undefined
  #askedHere = 0
  #startedAt = 0
  /** Its first answer is one of a cold start. */
  #cold = true
  /** Keys of this connection begin here: what is below belongs to the one before. */
  #firstKey = 0
  #window: number
  readonly #isRuined: boolean
  /** Where all NOTIFYs are alike, and no connection is spoilt. */
  #quick: QuickAnswers | undefined
  #onGone: (() => void) | undefined
  #patience: NodeJS.Timeout | undefined

  inFlight = 0

  constructor(index: number, shared: SpopSettings, host: LaneHost) {
    this.#index = index
    this.#shared = shared
    this.#host = host
    shared.lanes[index] = this
    this.#pending = shared.pending ?? new Pending(shared.inFlight, idLimit / 2)
    this.#isRuined = ruins(shared.ruin)
    this.#byStream = shared.manners.ids === 'stream'
    this.#window = shared.inFlight
    const { payloads, inFlight, turn, expectations } = shared
    const onFatal = (error: Error): void => host.onFatal(error)
    this.#notifies = new NotifyWriter({ payloads, inFlight, turn, onFull: () => this.flush(), onFatal })
    const { batch } = this.#notifies
    if (batch !== undefined && !this.#isRuined) {
      const { meter } = host
      const byStream = this.#byStream
      this.#quick = new QuickAnswers({
        pending: this.#pending,
        batch,
        lane: index,
        byStream,
        expectations,
        meter,
      })
    }
    this.#connect()
  }

  get room(): number {
    return this.#state === 'ready' ? this.#window - this.inFlight : 0
  }

  #connect(): void {
    this.#state = 'connecting'
    this.#startedAt = monotonic()
    this.#askedHere = 0
    const link: Link = new Link(this.#shared.target, this.#shared.writeFaults, {
      onConnected: () => this.#greet(),
      onBytes: (bytes, end, now) => this.#onBytes(bytes, end, now),
      onClosed: (error) => this.#onClosed(error),
    })
    this.#link = link
  }

  #greet(): void {
    this.#state = 'greeting'
    const { manners, engineIdOf, target } = this.#shared
    this.#patience = setTimeout(() => this.#waitedInVain(), target.connectTimeout)
    const writer = new Writer()
    encodeHaproxyHello(writer, {
      type: 'haproxy-hello',
      supportedVersions: '2.0',
      maxFrameSize: defaultMaxFrameSize,
      capabilities: manners.capabilities,
      healthcheck: false,
      engineId: engineIdOf(manners.engineIdPerLane ? this.#index : 0),
    })
    this.#link?.write(writer.view())
  }

  /** Whoever listens there does not speak: HAProxy's `timeout hello` is over. */
  #waitedInVain(): void {
    this.#link?.reset()
    this.#rest = undefined
    this.#state = 'away'
    this.#host.meter.counts.refused++
    this.#reconnect.later(`no AGENT-HELLO within ${this.#shared.target.connectTimeout} ms`)
  }

  #onHello(bytes: Buffer, now: number): void {
    clearTimeout(this.#patience)
    const frame = decodeFrame(bytes)
    if (frame.type === 'agent-disconnect') return this.#lose(disconnectStatus(frame.statusCode), now)
    if (frame.type !== 'agent-hello') {
      throw new SpopError('ERR_SPOP_INVALID_FRAME', `a frame '${frame.type}' instead of AGENT-HELLO`)
    }
    const { manners } = this.#shared
    const capabilities = manners.capabilities.split(',') as Capability[]
    const size = frame.maxFrameSize ?? (manners.sizeOptional ? defaultMaxFrameSize : undefined)
    const agreement = acceptAgentHello(
      { ...frame, maxFrameSize: size },
      { maxFrameSize: defaultMaxFrameSize, capabilities },
    )
    this.#agreement = agreement
    this.#window = agreement.pipelining ? this.#shared.inFlight : 1
    if (!this.#notifies.agree(agreement.maxFrameSize, this.#byStream && agreement.fragmentation)) return
    if (this.#notifies.batch === undefined) this.#quick = undefined
    this.#state = 'ready'
    this.#firstKey = this.#pending.next
    this.#host.meter.counts.connections++
    this.#host.onReady(this, now)
    this.flush()
  }

  ask(scheduled: number, now: number, stream: number, step: number): void {
    const pending = this.#pending
    const key = this.#byStream && step > 0 && pending.canWait(stream) ? stream : pending.begin()
    const own = this.#byStream ? key : stream
    pending.wait(key, this.#index, own, step, scheduled, now)
    this.inFlight++
    this.#askedHere++
    this.#host.meter.begun(scheduled)
    const streamId = this.#byStream ? key : 2 * key + 1
    this.#notifies.add(streamId, this.#byStream ? step + 1 : 1, own, step)
  }

  flush(): void {
    if (this.#notifies.flush(this.#link) && this.#isRuined) this.#spoil()
  }

  /** Ends the connection, or sends what is no frame, where that was asked for. */
  #spoil(): void {
    const { ruin } = this.#shared
    const due = ruinDue(ruin, this.#askedHere)
    if (due === 'reset') {
      this.#cutOff()
      this.#startOver()
    } else if (due === 'garbage' && this.#state === 'ready') {
      this.#cutOff()
      this.#link?.write(ruin.garbage())
      this.#host.meter.counts.garbage++
      this.#state = 'spoilt'
      this.#patience = setTimeout(() => this.#startOver(), farewellTimeout)
    }
  }

  /** The connection is reset; the agent has closed what was spoilt, or has not within a second. */
  #startOver(): void {
    clearTimeout(this.#patience)
    this.#link?.reset()
    this.#rest = undefined
    this.#state = 'away'
    this.#reconnect.soon()
  }

  /** What is in flight is nobody's fault. */
  #cutOff(): void {
    this.#pending.drop(this.#index, () => this.#host.meter.counts.cut++)
    this.inFlight = 0
  }

  #onBytes(bytes: Buffer, end: number, now: number): void {
    const rest = this.#rest
    try {
      if (rest === undefined) this.#keep(bytes, this.#scan(bytes, end, now), end)
      else {
        const whole = Buffer.concat([rest, bytes.subarray(0, end)])
        this.#rest = undefined
        this.#keep(whole, this.#scan(whole, whole.length, now), whole.length)
      }
    } catch (error) {
      if (!(error instanceof SpopError)) throw error
      return this.#giveUp(error, now)
    }
    if (this.#state === 'ready') this.#host.onRead(this, now)
  }

  #keep(bytes: Buffer, from: number, end: number): void {
    if (from < end) this.#rest = Buffer.from(bytes.subarray(from, end))
  }

  /** Handles all whole frames; answers where the rest begins. */
  #scan(bytes: Buffer, end: number, now: number): number {
    let at = 0
    const quick = this.#state === 'ready' && !this.#cold && this.#host.isClosed ? this.#quick : undefined
    while (end - at >= 4) {
      if (quick !== undefined) {
        at = quick.take(bytes, at, end, now)
        if (end - at < 4) break
      }
      // All four are there.
      const length =
        (((bytes[at] as number) << 24) |
          ((bytes[at + 1] as number) << 16) |
          ((bytes[at + 2] as number) << 8) |
          (bytes[at + 3] as number)) >>>
        0
      if (length > defaultMaxFrameSize || length < 7) {
        throw new SpopError('ERR_SPOP_INVALID_FRAME', `a length of ${length} bytes`)
      }
      const stop = at + 4 + length
      if (stop > end) break
      if (bytes[at + 4] === FrameType.Ack && this.#state === 'ready') this.#onAck(bytes, at + 5, stop, now)
      else this.#onOther(Buffer.from(bytes.subarray(at, stop)), now)
      at = stop
      // What is left belongs to a connection that is no more.
      if (this.#state === 'away' || this.#state === 'over') return end
    }
    return at
  }

  /** `at` is behind the type. */
  #onAck(bytes: Buffer, at: number, stop: number, now: number): void {
    const streamId = readId(bytes, at + 4, stop)
    const frameId = readId(bytes, cursor, stop)
    const payloadAt = cursor
    if (((bytes[at + 3] as number) & FrameFlag.Fin) === 0) {
      throw new SpopError('ERR_SPOP_FRAGMENTATION', 'an ACK without FIN')
    }
    const { meter } = this.#host
    const pending = this.#pending
    const key = this.#byStream ? streamId : (streamId - 1) / 2
    const slot = pending.find(key)
    if (slot < 0 || frameId !== (this.#byStream ? (pending.steps[slot] as number) + 1 : 1)) {
      return this.#onUnwanted(key, now)
    }
    const owner = this.#shared.lanes[pending.lanes[slot] as number] ?? this // within bounds
    if (owner !== this && this.#agreement?.async !== true) {
      meter.counts.stray++
      return
    }
    const exchange = this.#exchange
    exchange.scheduled = pending.scheduled[slot] as number // within bounds, as what follows
    exchange.sent = pending.sent[slot] as number
    exchange.stream = pending.streams[slot] as number
    exchange.step = pending.steps[slot] as number
    pending.settle(slot)
    owner.inFlight--
    if (this.#cold) this.#firstAnswer(now)
    if (this.#shared.expectations?.holds(bytes, payloadAt, stop) === false) meter.counts.wrong++
    this.#host.onAnswer(owner, exchange, now)
    // Of several connections of one engine the agent has chosen another one.
    if (owner !== this) this.#host.onRead(owner, now)
  }

  #firstAnswer(now: number): void {
    this.#cold = false
    this.#host.meter.cold.record(now - this.#startedAt)
  }

  /** An answer that nobody waits for. */
  #onUnwanted(key: number, now: number): void {
    const { counts, lateness } = this.#host.meter
    const sent = this.#pending.takeAbandoned(key)
    if (sent !== undefined) {
      counts.late++
      lateness.record(now - sent)
    } else if (Number.isInteger(key) && key >= this.#firstKey && key < this.#pending.next) counts.doubled++
    else counts.stray++
  }

  #onOther(bytes: Buffer, now: number): void {
    if (this.#state === 'greeting') return this.#onHello(bytes, now)
    // What was cut off may still be answered.
    const isLeaving = this.#state === 'leaving' || this.#state === 'spoilt'
    if (isLeaving && bytes[4] === FrameType.Ack) return
    const frame = decodeFrame(bytes)
    if (frame.type !== 'agent-disconnect') {
      throw new SpopError('ERR_SPOP_INVALID_FRAME', `a frame '${frame.type}'`)
    }
    if (isLeaving) return this.#gone()
    this.#lose(disconnectStatus(frame.statusCode), now)
  }

  /** The agent has broken the protocol: HAProxy says so and closes. */
  #giveUp(error: SpopError, now: number): void {
    const writer = new Writer()
    encodeDisconnect(writer, { type: 'haproxy-disconnect', statusCode: error.status, message: error.message })
    this.#link?.write(writer.view())
    this.#lose(disconnectStatus(error.status), now)
  }

  #onClosed(error: NodeJS.ErrnoException | undefined): void {
    const state = this.#state
    if (state === 'leaving' || state === 'spoilt') return this.#gone()
    if (state === 'connecting') {
      this.#host.meter.counts.refused++
      this.#state = 'away'
      this.#reconnect.later(error === undefined ? 'closed' : errorMessage(error))
      return
    }
    this.#lose(connectionLost, monotonic())
  }

  /** The connection is lost: what waits on it fails, and another one is made. */
  #lose(status: number, now: number): void {
    const wasReady = this.#state === 'ready'
    clearTimeout(this.#patience)
    this.#state = 'away'
    this.#rest = undefined
    this.#notifies.reset()
    this.#link?.end()
    const { meter } = this.#host
    meter.counts.dropped++
    const { scheduled } = this.#pending
    this.#pending.drop(this.#index, (slot) => meter.failed(status, scheduled[slot] as number)) // within bounds
    this.inFlight = 0
    if (wasReady && now - this.#startedAt > 1000) this.#reconnect.soon()
    else this.#reconnect.later(describeStatus(status))
  }

  expire(before: number): void {
    const { meter } = this.#host
    const now = monotonic()
    this.#pending.expire(before, this.#index, (slot, key) => {
      this.#pending.abandon(slot, key)
      this.inFlight--
      meter.gaveUp(timedOut, this.#pending.scheduled[slot] as number) // within bounds
      this.#host.onFailed(this, timedOut, now)
    })
    this.flush()
  }

  /** Why there is no connection; undefined when there is one, or nobody knows yet. */
  get trouble(): string | undefined {
    return this.#reconnect.reason
  }

  /** The agent has said farewell, or closed what was to be closed. */
  #gone(): void {
    if (this.#state === 'spoilt') {
      this.#host.meter.counts.garbageNoticed++
      return this.#startOver()
    }
    this.#link?.end()
    this.#state = 'over'
    this.#onGone?.()
  }

  close(): Promise<void> {
    this.#reconnect.stop()
    if (this.#state !== 'ready' || this.#shared.manners.teardown === 'reset') {
      this.destroy()
      return Promise.resolve()
    }
    this.#state = 'leaving'
    const writer = new Writer()
    encodeDisconnect(writer, { type: 'haproxy-disconnect', statusCode: 0, message: 'normal' })
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.destroy(), farewellTimeout)
      this.#onGone = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#link?.write(writer.view())
    })
  }

  destroy(): void {
    this.#reconnect.stop()
    clearTimeout(this.#patience)
    this.#link?.reset()
    this.#state = 'over'
    this.#onGone?.()
  }
}

/** Where {@link readId} has stopped. */
let cursor = 0

/** An id, of up to 53 bits: what is larger was not given out by us. */
function readId(bytes: Buffer, at: number, stop: number): number {
  let value = bytes[at] as number // a frame has seven bytes at least
  let next = at + 1
  if (value >= 240) {
    let factor = 16
    for (;;) {
      if (next >= stop) throw new SpopError('ERR_SPOP_TRUNCATED', 'an ACK ends inside its ids')
      const byte = bytes[next++] as number // below stop
      value += byte * factor
      if (byte < 128) break
      factor *= 128
    }
  }
  cursor = next
  return value
}
