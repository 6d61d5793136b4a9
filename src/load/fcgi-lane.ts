/** A connection to a FastCGI application, kept open between requests, as HAProxy keeps it. */
import { Buffer } from 'node:buffer'
import { Writer } from '../bytes/writer.ts'
import { errorMessage } from '../base/errors.ts'
import { monotonic } from '../base/clock.ts'
import { decodeEndRequest } from '../fcgi/codec/end-request.ts'
import { encodeRecordHeader, fcgiVersion, headerSize, RecordType } from '../fcgi/codec/record.ts'
import type { WriteFaults } from './faulty-writer.ts'
import type { FcgiRequestBytes } from './fcgi-request.ts'
import {
  appFailed,
  brokenRecords,
  connectionLost,
  describeFcgiStatus,
  noResponse,
  protocolFailed,
  timedOut,
} from './fcgi-status.ts'
import type { Exchange, Lane, LaneHost } from './lane.ts'
import { Link, type LoadTarget } from './link.ts'
import { Reconnect } from './reconnect.ts'
import type { Turn } from './template.ts'
import { uint16At } from '../bytes/uint.ts'

/** What all lanes to an application share. */
export interface FcgiSettings {
  readonly target: LoadTarget
  readonly request: FcgiRequestBytes
  /** Requests at a time on each connection. */
  readonly inFlight: number
  readonly turn: Turn
  /** What the status must be; undefined: below 500. */
  readonly expectedStatus: number | undefined
  /** Told of the first response that was not as expected. */
  readonly onWrong: (words: string) => void
  readonly writeFaults: WriteFaults | undefined
  /** Reset each connection after so many requests; 0: never. */
  readonly resetAfter: number
}

/** A request of a connection. Its number is its id less one. */
interface Slot {
  /** `aborted`: it was given up, and END_REQUEST is still to come. */
  state: 'free' | 'waiting' | 'aborted'
  scheduled: number
  sent: number
  /** Of the response; 0 before its head was seen. */
  status: number
}

/** See the head of this file. */
export class FcgiLane implements Lane {
  readonly #shared: FcgiSettings
  readonly #host: LaneHost
  readonly #reconnect = new Reconnect(() => this.#connect())
  readonly #slots: readonly Slot[]
  readonly #exchange: Exchange = { scheduled: 0, sent: 0, stream: 0, step: 0 }
  #link: Link | undefined
  #isOpen = false
  #writer = new Writer(4096)
  #rest: Buffer | undefined
  #aborted = 0
  #askedHere = 0
  #startedAt = 0
  /** Its first answer is one of a cold start. */
  #cold = true

  inFlight = 0

  constructor(shared: FcgiSettings, host: LaneHost) {
    this.#shared = shared
    this.#host = host
    this.#slots = Array.from({ length: shared.inFlight }, () => ({
      state: 'free',
      scheduled: 0,
      sent: 0,
      status: 0,
    }))
    this.#connect()
  }

  get room(): number {
    return this.#isOpen ? this.#shared.inFlight - this.inFlight - this.#aborted : 0
  }

  get trouble(): string | undefined {
    return this.#reconnect.reason
  }

  #connect(): void {
    this.#startedAt = monotonic()
    this.#askedHere = 0
    this.#link = new Link(this.#shared.target, this.#shared.writeFaults, {
      onConnected: () => {
        this.#isOpen = true
        this.#host.meter.counts.connections++
        this.#host.onReady(this, monotonic())
        this.flush()
      },
      onBytes: (bytes, end, now) => this.#onBytes(bytes, end, now),
      onClosed: (error) => this.#onClosed(error),
    })
  }

  ask(scheduled: number, now: number, stream: number): void {
    const at = this.#slots.findIndex(({ state }) => state === 'free')
    const slot = this.#slots[at]
    if (slot === undefined) return
    slot.state = 'waiting'
    slot.scheduled = scheduled
    slot.sent = now
    slot.status = 0
    this.inFlight++
    this.#askedHere++
    this.#host.meter.begun(scheduled)
    this.#shared.turn.stream = stream
    this.#shared.request.write(this.#writer, at + 1, this.#shared.turn)
  }

  flush(): void {
    const writer = this.#writer
    if (writer.at === 0) return
    if (this.#link?.write(writer.view()) === true) writer.reset()
    else this.#writer = new Writer(4096)
    const { resetAfter } = this.#shared
    if (resetAfter > 0 && this.#askedHere >= resetAfter) this.#cutOff()
  }

  #cutOff(): void {
    this.#forget((slot) => {
      if (slot.state === 'waiting') this.#host.meter.counts.cut++
    })
    this.#link?.reset()
    this.#reconnect.soon()
  }

  /** The connection is no more. */
  #forget(onSlot: (slot: Slot) => void): void {
    this.#isOpen = false
    this.#rest = undefined
    this.#writer.reset()
    for (const slot of this.#slots) {
      onSlot(slot)
      slot.state = 'free'
    }
    this.inFlight = 0
    this.#aborted = 0
  }

  #onBytes(bytes: Buffer, end: number, now: number): void {
    const rest = this.#rest
    const whole = rest === undefined ? bytes : Buffer.concat([rest, bytes.subarray(0, end)])
    const stop = rest === undefined ? end : whole.length
    this.#rest = undefined
    const at = this.#scan(whole, stop, now)
    if (at < stop) this.#rest = Buffer.from(whole.subarray(at, stop))
    if (this.#isOpen) this.#host.onRead(this, now)
  }

  /** Handles all whole records; answers where the rest begins. */
  #scan(bytes: Buffer, end: number, now: number): number {
    let at = 0
    while (end - at >= headerSize) {
      if (bytes[at] !== fcgiVersion) {
        this.#lose(brokenRecords, now)
        return end
      }
      const stop = at + headerSize + uint16At(bytes, at + 4)
      const next = stop + (bytes[at + 6] as number) // the header is there
      if (next > end) break
      this.#onRecord(bytes, at, stop, now)
      if (!this.#isOpen) return end
      at = next
    }
    return at
  }

  #onRecord(bytes: Buffer, at: number, stop: number, now: number): void {
    const slot = this.#slots[uint16At(bytes, at + 2) - 1]
    const type = bytes[at + 1]
    if (slot === undefined || slot.state === 'free') {
      this.#host.meter.counts.stray++
      return
    }
    if (type === RecordType.Stdout && slot.status === 0 && stop > at + headerSize) {
      slot.status = statusOf(bytes, at + headerSize, stop)
    } else if (type === RecordType.EndRequest) this.#onEnd(slot, bytes, at + headerSize, stop, now)
  }

  #onEnd(slot: Slot, bytes: Buffer, at: number, stop: number, now: number): void {
    const { meter } = this.#host
    const wasAborted = slot.state === 'aborted'
    slot.state = 'free'
    if (wasAborted) {
      this.#aborted--
      meter.counts.late++
      meter.lateness.record(now - slot.sent)
      // Its id is free again.
      return this.#host.onReady(this, now)
    }
    this.inFlight--
    const failure = stop - at === 8 ? this.#judge(slot, bytes, at, stop) : brokenRecords
    if (this.#cold) meter.cold.record(now - this.#startedAt)
    this.#cold = false
    if (failure !== undefined) {
      meter.failed(failure, slot.scheduled)
      this.#host.onFailed(this, failure, now)
      return
    }
    const exchange = this.#exchange
    exchange.scheduled = slot.scheduled
    exchange.sent = slot.sent
    this.#host.onAnswer(this, exchange, now)
  }

  /** The status that a response failed with. */
  #judge({ status }: Slot, bytes: Buffer, at: number, stop: number): number | undefined {
    const { appStatus, protocolStatus } = decodeEndRequest(bytes, at, stop)
    if (protocolStatus !== 0) return protocolFailed(protocolStatus)
    if (status === 0) return noResponse
    const { expectedStatus, onWrong } = this.#shared
    if (expectedStatus !== undefined && status !== expectedStatus) {
      this.#host.meter.counts.wrong++
      onWrong(`status=${expectedStatus}: it is ${status}`)
      return undefined
    }
    if (expectedStatus === undefined && status >= 500) return status
    return appStatus === 0 ? undefined : appFailed
  }

  #onClosed(error: NodeJS.ErrnoException | undefined): void {
    if (this.#isOpen) return this.#lose(connectionLost, monotonic())
    this.#host.meter.counts.refused++
    this.#reconnect.later(error === undefined ? 'closed' : errorMessage(error))
  }

  #lose(status: number, now: number): void {
    const { meter } = this.#host
    const isIdle = this.inFlight === 0
    this.#forget((slot) => {
      if (slot.state === 'waiting') meter.failed(status, slot.scheduled)
    })
    this.#link?.end()
    meter.counts.dropped++
    if (isIdle || now - this.#startedAt > 1000) this.#reconnect.soon()
    else this.#reconnect.later(describeFcgiStatus(status).words)
  }

  /**
   * Without multiplexing the connection is closed, as HAProxy does; else the application is told, and the id is free when it has
   * ended the request.
   */
  expire(before: number): void {
    const now = monotonic()
    for (const [at, slot] of this.#slots.entries()) {
      if (slot.state !== 'waiting' || slot.scheduled > before) continue
      this.inFlight--
      if (this.#shared.inFlight === 1) {
        this.#host.meter.failed(timedOut, slot.scheduled)
        slot.state = 'free'
        this.#forget(() => {})
        this.#link?.reset()
        this.#reconnect.soon()
        return
      }
      this.#host.meter.gaveUp(timedOut, slot.scheduled)
      slot.state = 'aborted'
      this.#aborted++
      encodeRecordHeader(this.#writer, RecordType.AbortRequest, at + 1, 0)
      this.#host.onFailed(this, timedOut, now)
    }
    this.flush()
  }

  close(): Promise<void> {
    this.destroy()
    return Promise.resolve()
  }

  destroy(): void {
    this.#reconnect.stop()
    this.#isOpen = false
    this.#link?.end()
  }
}

/** What `Status:` says in the head of a response, 200 when it says nothing; the head is in the first record of all that write one. */
function statusOf(bytes: Buffer, from: number, to: number): number {
  const head = bytes.toString('latin1', from, Math.min(to, from + 4096))
  const end = /\r?\n\r?\n/.exec(head)?.index ?? head.length
  const status = /^status:[ \t]*(\d{3})/im.exec(head.slice(0, end))?.[1]
  return status === undefined ? 200 : Number(status)
}
