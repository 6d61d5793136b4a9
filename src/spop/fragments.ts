/**
 * Fragmented payloads (SPOE.txt 3.2): cut by a sender, joined by a receiver. The first frame has the real type, the
 * others are UNSET, the last has FIN; a value may be cut anywhere, so nothing is decoded before all is there.
 */
import { Buffer } from 'node:buffer'
import type { Writer } from '../bytes/writer.ts'
import { refuseArgument, show } from '../base/options.ts'
import { checkBytes, checkIds, checkObject, checkWriter } from './arguments.ts'
import { SpopError } from './errors.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, leastMaxFrameSize, type Id } from './frame-head.ts'

/** A later fragment; with `abort`, the sender gives up what it began. */
export interface UnsetFrame {
  readonly type: 'unset'
  /** Of the NOTIFY that it goes on with. */
  readonly streamId: Id
  /** Of the same. */
  readonly frameId: Id
  /** Whether it is the last fragment. */
  readonly fin: boolean
  /** Whether the sender gives the NOTIFY up. */
  readonly abort: boolean
  /** A view of what was received. */
  readonly payload: Buffer
}

interface FragmentHead {
  readonly streamId: Id
  readonly frameId: Id
  readonly fin: boolean
  readonly abort: boolean
}

/** Writes a frame whose payload is raw bytes. */
export function encodeFragment(writer: Writer, type: number, head: FragmentHead, payload: Uint8Array): void {
  checkBytes('the payload', payload)
  const flags = (head.fin ? FrameFlag.Fin : 0) | (head.abort ? FrameFlag.Abort : 0)
  const start = beginFrame(writer, type, flags, head.streamId, head.frameId)
  writer.copy(payload)
  endFrame(writer, start)
}

/** HAProxy keeps this many bytes of each frame free for its head; we cut alike. */
const headReserve = 32

/**
 * Writes a NOTIFY payload as fragments, none of them over `maxFrameSize` bytes (without the length field).
 * @throws SpopError `ERR_SPOP_BAD_MAX_FRAME_SIZE` when `maxFrameSize` is under 256: no handshake agrees on that.
 */
export function encodeNotifyFragments(
  writer: Writer,
  streamId: Id,
  frameId: Id,
  payload: Uint8Array,
  maxFrameSize: number,
): void {
  checkWriter(writer)
  checkIds(streamId, frameId)
  checkBytes('the payload', payload)
  if (typeof maxFrameSize !== 'number' || !(maxFrameSize >= leastMaxFrameSize)) {
    throw new SpopError(
      'ERR_SPOP_BAD_MAX_FRAME_SIZE',
      `${show(maxFrameSize)}, the least is ${leastMaxFrameSize}`,
      { fault: 'local' },
    )
  }
  const step = maxFrameSize - headReserve
  for (let at = 0; at === 0 || at < payload.length; at += step) {
    const type = at === 0 ? FrameType.Notify : FrameType.Unset
    const fin = at + step >= payload.length
    encodeFragment(writer, type, { streamId, frameId, fin, abort: false }, payload.subarray(at, at + step))
  }
}

const nothing = Buffer.alloc(0)

/** What became of a fragment: wait for more, take the payload, or forget it all. */
export type FragmentOutcome = 'more' | 'aborted' | Buffer

/**
 * Joins the fragments of one connection. HAProxy never begins a second fragmented payload before the first has
 * ended, so a connection that does is refused with status 11.
 */
export class FragmentAssembler {
  readonly #maxPayloadSize: number
  #open: { readonly streamId: Id; readonly frameId: Id } | undefined
  /** A payload that the receiver gave up: its later fragments are dropped. */
  #given: { readonly streamId: Id; readonly frameId: Id } | undefined
  /** One buffer that doubles: a list of pieces would cost a hundred bytes for each fragment of one byte, or of none. */
  #joined: Buffer = nothing
  #size = 0

  /** `maxPayloadSize`: the largest joined payload, in bytes, checked before a fragment is kept. */
  constructor(maxPayloadSize: number) {
    if (!Number.isSafeInteger(maxPayloadSize) || maxPayloadSize < 0) {
      refuseArgument('FragmentAssembler: maxPayloadSize', 'must be a whole number of bytes', maxPayloadSize)
    }
    this.#maxPayloadSize = maxPayloadSize
  }

  /** Whether a payload has begun and not ended. */
  get pending(): boolean {
    return this.#open !== undefined
  }

  /** Bytes that are held. */
  get size(): number {
    return this.#size
  }

  /** Refuses a new NOTIFY, whole or not, in the middle of a fragmented one. */
  checkInterlaced(streamId: Id, frameId: Id): void {
    const open = this.#open
    if (open === undefined) return
    throw new SpopError(
      'ERR_SPOP_INTERLACED',
      `NOTIFY ${streamId}/${frameId} inside the fragments of ${open.streamId}/${open.frameId}`,
    )
  }

  /** The first fragment, a NOTIFY without FIN. */
  begin(streamId: Id, frameId: Id, payload: Buffer): void {
    checkIds(streamId, frameId)
    checkBytes('the payload', payload)
    this.checkInterlaced(streamId, frameId)
    this.#given = undefined
    this.#keep(payload)
    this.#open = { streamId, frameId }
  }

  /** A later fragment. */
  append(frame: UnsetFrame): FragmentOutcome {
    checkObject('the frame', frame)
    checkIds(frame.streamId, frame.frameId)
    if (this.#isGiven(frame)) {
      if (frame.fin) this.#given = undefined
      return 'aborted'
    }
    this.#checkOpen(frame)
    if (frame.abort) {
      this.reset()
      return 'aborted'
    }
    checkBytes('the payload', frame.payload)
    this.#keep(frame.payload)
    return frame.fin ? this.#take() : 'more'
  }

  #isGiven(frame: UnsetFrame): boolean {
    return (
      this.#given !== undefined &&
      frame.streamId === this.#given.streamId &&
      frame.frameId === this.#given.frameId
    )
  }

  #checkOpen(frame: UnsetFrame): void {
    const open = this.#open
    if (open === undefined) {
      throw new SpopError(
        'ERR_SPOP_FRAME_ID_NOT_FOUND',
        `UNSET ${frame.streamId}/${frame.frameId} continues nothing`,
      )
    }
    if (open.streamId !== frame.streamId || open.frameId !== frame.frameId) {
      throw new SpopError(
        'ERR_SPOP_INTERLACED',
        `UNSET ${frame.streamId}/${frame.frameId} inside the fragments of ${open.streamId}/${open.frameId}`,
      )
    }
  }

  #keep(payload: Buffer): void {
    if (this.#size + payload.length > this.#maxPayloadSize) {
      const size = this.#size + payload.length
      this.reset()
      throw new SpopError(
        'ERR_SPOP_PAYLOAD_TOO_BIG',
        `${size} bytes so far, the limit is ${this.#maxPayloadSize}`,
      )
    }
    this.#grow(this.#size + payload.length)
    // Copied: a view would pin the chunk that it came in.
    payload.copy(this.#joined, this.#size)
    this.#size += payload.length
  }

  #grow(wanted: number): void {
    if (wanted <= this.#joined.length) return
    const grown = Buffer.allocUnsafe(
      Math.min(Math.max(wanted, this.#joined.length * 2), this.#maxPayloadSize),
    )
    this.#joined.copy(grown, 0, 0, this.#size)
    this.#joined = grown
  }

  #take(): Buffer {
    const whole = this.#joined.subarray(0, this.#size)
    this.reset()
    return whole
  }

  /** The receiver answers early with ACK and ABORT: what still comes of this payload is dropped. */
  giveUp(): void {
    this.#given = this.#open
    this.reset()
  }

  /** Forgets everything. */
  reset(): void {
    this.#open = undefined
    this.#joined = nothing // what was handed out is never written again
    this.#size = 0
  }
}
