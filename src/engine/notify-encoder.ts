import { Buffer } from 'node:buffer'
import type { Writer } from '../bytes/writer.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, lengthSize } from '../spop/frame-head.ts'
import { encodeNotifyFragments } from '../spop/fragments.ts'
import type { Agreement } from '../spop/negotiation.ts'
import { StatusCode } from '../spop/errors.ts'
import { encodeMessages, type NotifyInput } from '../spop/notify.ts'
import { EngineError } from './errors.ts'
import { ErrorStatus } from './outcome.ts'
import type { Exchange } from './exchange.ts'
import type { EngineSettings } from './options.ts'
import type { IdSequence, Profile } from './profile.ts'

/** Type, flags, and two ids of one byte. */
const leastHead = 7

/** Why messages of so many bytes can be sent to no agent, whatever it takes; undefined when they may be. */
export function whyNeverSent(
  size: number,
  { profile, options }: { readonly profile: Profile; readonly options: EngineSettings },
): EngineError | undefined {
  const { maxFrameSize, maxPayloadSize } = options
  const fits = size <= maxFrameSize - Math.max(leastHead, profile.headReserve)
  if (fits || (profile.fragments && size <= maxPayloadSize)) return undefined
  const mayBeCut = profile.fragments && maxPayloadSize > 0
  return tooBig(size, mayBeCut ? `the limit is ${maxPayloadSize}` : `frames have ${maxFrameSize}`)
}

function tooBig(size: number, limit: string, about: { readonly status?: number } = {}): EngineError {
  return new EngineError('ERR_ENGINE_TOO_BIG', `${size} bytes of messages, ${limit}`, about)
}

/**
 * Writes NOTIFYs for one connection: gives them ids, and cuts what does not fit a frame when the agent allows it.
 */
export class NotifyEncoder {
  readonly #ids: IdSequence
  readonly #profile: Profile
  readonly #maxPayloadSize: number
  /** Whether what was sent may be sent again. */
  readonly #keeps: boolean
  readonly #announced: number
  #maxFrameSize = 0
  #fragments = false

  constructor(ids: IdSequence, settings: { readonly profile: Profile; readonly options: EngineSettings }) {
    this.#ids = ids
    this.#profile = settings.profile
    this.#maxPayloadSize = settings.options.maxPayloadSize
    this.#keeps = settings.options.whenLost === 'resend'
    this.#announced = settings.options.maxFrameSize
  }

  /** The handshake is done. */
  agree(agreement: Agreement): void {
    this.#maxFrameSize = agreement.maxFrameSize
    this.#fragments = agreement.fragmentation && this.#profile.fragments
  }

  /**
   * Writes the frame or the frames; answers why it cannot. The messages of an exchange that was queued are encoded
   * already. Nothing is left behind when this fails.
   */
  encode(writer: Writer, exchange: Exchange, messages: NotifyInput): EngineError | undefined {
    this.#setIds(exchange)
    const start = beginFrame(writer, FrameType.Notify, FrameFlag.Fin, exchange.streamId, exchange.frameId)
    const payloadAt = writer.at
    try {
      if (exchange.payload === undefined) encodeMessages(writer, messages)
      else writer.copy(exchange.payload)
    } catch (error) {
      writer.reset(start)
      throw error
    }
    if (!this.#keeps) exchange.payload = undefined
    else exchange.payload ??= Buffer.from(writer.bytes.subarray(payloadAt, writer.at))
    if (this.#fits(writer.at - start - lengthSize, writer.at - payloadAt)) {
      endFrame(writer, start)
      return undefined
    }
    // A copy, because the fragments are written over it.
    const payload = Buffer.from(writer.bytes.subarray(payloadAt, writer.at))
    writer.reset(start)
    return this.#encodeFragments(writer, exchange, payload)
  }

  #setIds(exchange: Exchange): void {
    const { stream } = exchange
    if (stream === undefined || this.#profile.ids === 'connection') {
      exchange.streamId = this.#ids.take()
      exchange.frameId = 1
    } else if (exchange.frameId === 0) {
      // What has not left keeps its place in its stream.
      exchange.streamId = stream.id
      exchange.frameId = stream.nextFrame()
    }
  }

  #fits(frameSize: number, payloadSize: number): boolean {
    const reserve = this.#profile.headReserve
    return reserve === 0 ? frameSize <= this.#maxFrameSize : payloadSize <= this.#maxFrameSize - reserve
  }

  /** From 3.1 on HAProxy's filter knows what it has announced; that the agent takes less is found by its multiplexer. */
  #isAgentsLimit(size: number): boolean {
    return !this.#profile.fragments && size <= this.#announced
  }

  #encodeFragments(writer: Writer, exchange: Exchange, payload: Buffer): EngineError | undefined {
    const { length } = payload
    if (!this.#fragments) {
      const agents = { status: ErrorStatus.Spop + StatusCode.FrameTooBig }
      return tooBig(length, `frames have ${this.#maxFrameSize}`, this.#isAgentsLimit(length) ? agents : {})
    }
    if (length > this.#maxPayloadSize) return tooBig(length, `the limit is ${this.#maxPayloadSize}`)
    exchange.fragmented = true
    encodeNotifyFragments(writer, exchange.streamId, exchange.frameId, payload, this.#maxFrameSize)
    return undefined
  }
}
