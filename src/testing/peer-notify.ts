import { Writer } from '../bytes/writer.ts'
import { encodeFragment } from '../spop/fragments.ts'
import { FrameType, type Id } from '../spop/frame-head.ts'
import type { PeerAgreement } from './peer-judge.ts'
import type { PeerManners } from './peer-manners.ts'

/** Which NOTIFY an ACK belongs to. */
export interface NotifyIds {
  /** Its stream id. */
  readonly streamId: Id
  /** Its frame id. */
  readonly frameId: Id
}

/** Before 3.1 a frame's payload leaves this much room for its head, whatever that takes. */
const headReserve = 32
/** Type, flags and the least ids: what a head takes since 3.1, nearly. */
const headSize = 11

/** The NOTIFYs of a scripted peer: ids and fragments as its version has them. */
export class NotifyFrames {
  readonly #manners: PeerManners
  /** The last frame id of each client stream. */
  readonly #frames = new Map<number, number>()
  #nextStream: number

  constructor(manners: PeerManners) {
    this.#manners = manners
    this.#nextStream = manners.ids === 'stream' ? 0 : 1
  }

  /** Whether a stream id was used, or is lower than one that was. */
  hasSeen(streamId: Id): boolean {
    return BigInt(streamId) < BigInt(this.#nextStream)
  }

  /** Bytes of payload that fit a frame. */
  roomOf({ maxFrameSize }: PeerAgreement): number {
    return maxFrameSize - (this.#manners.ids === 'stream' ? headReserve : headSize)
  }

  /** Writes a NOTIFY with the next ids, in fragments when it is longer than `room`. */
  encode(payload: Buffer, room: number, stream?: number): { bytes: Buffer; ids: NotifyIds } {
    const ids = this.#manners.ids === 'stream' ? this.#streamIds(stream) : this.#connectionIds()
    const writer = new Writer()
    for (let at = 0; at === 0 || at < payload.length; at += room) {
      const type = at === 0 ? FrameType.Notify : FrameType.Unset
      const head = { ...ids, fin: at + room >= payload.length, abort: false }
      encodeFragment(writer, type, head, payload.subarray(at, at + room))
    }
    return { bytes: writer.view(), ids }
  }

  #streamIds(stream = this.#nextStream): NotifyIds {
    this.#nextStream = Math.max(this.#nextStream, stream + 1)
    const frame = (this.#frames.get(stream) ?? 0) + 1
    this.#frames.set(stream, frame)
    return { streamId: stream, frameId: frame }
  }

  #connectionIds(): NotifyIds {
    const streamId = this.#nextStream
    this.#nextStream += 2
    return { streamId, frameId: 1 }
  }
}
