/** The NOTIFYs of a connection on their way out: those of one turn leave in one write, and what is too large is cut. */
import { Buffer } from 'node:buffer'
import { UsageError } from '../base/errors.ts'
import { Writer } from '../bytes/writer.ts'
import { encodeNotifyFragments } from '../spop/fragments.ts'
import { defaultMaxFrameSize, FrameType } from '../spop/frame-head.ts'
import { writeVarint } from '../spop/varint.ts'
import type { Link } from './link.ts'
import { NotifyBatch } from './notify-batch.ts'
import type { NotifyPayload } from './notify-source.ts'
import type { Turn } from './template.ts'

/** Length, type, flags, and two ids of at most five bytes each. */
const mostHead = 19

/** What is sent, and who is told. */
export interface NotifySettings {
  /** The NOTIFYs of a stream. */
  readonly payloads: readonly NotifyPayload[]
  /** NOTIFYs in flight at most. */
  readonly inFlight: number
  /** What templates are filled from. */
  readonly turn: Turn
  /** There is no room: what waits must leave now. */
  readonly onFull: () => void
  /** HAProxy would never send it: no NOTIFY of its kind can be. */
  readonly onFatal: (error: Error) => void
}

/** See the head of this file. */
export class NotifyWriter {
  /** Where all NOTIFYs are alike. */
  batch: NotifyBatch | undefined
  readonly #settings: NotifySettings
  #writer = new Writer(4096)
  #maxFrameSize = defaultMaxFrameSize
  #cuts = false

  constructor(settings: NotifySettings) {
    this.#settings = settings
    const [only, ...others] = settings.payloads
    if (only?.fixed !== undefined && others.length === 0)
      this.batch = new NotifyBatch(only.fixed, settings.inFlight, settings.onFull)
  }

  /**
   * What was agreed on: frames of at most that many bytes, and whether larger ones may be cut, as HAProxy up to 3.0 does.
   * Answers whether all NOTIFYs that are known by now can be sent: what is the same each time would be refused for ever.
   */
  agree(maxFrameSize: number, cuts: boolean): boolean {
    this.#maxFrameSize = maxFrameSize
    this.#cuts = cuts
    const sizeOf = ({ fixed }: NotifyPayload) => (fixed?.length ?? 0) + mostHead
    const large = this.#settings.payloads.find((each) => sizeOf(each) > maxFrameSize)
    if (large === undefined) return true
    if (!cuts) this.#refuse(large.name, sizeOf(large))
    // Each is cut anew.
    this.batch = undefined
    return cuts
  }

  /** Adds the NOTIFY of a step of a stream; `stream` is what its template is filled from. */
  add(streamId: number, frameId: number, stream: number, step: number): void {
    if (this.batch === undefined) this.#encode(streamId, frameId, stream, step)
    else this.batch.add(streamId)
  }

  #encode(streamId: number, frameId: number, stream: number, step: number): void {
    const writer = this.#writer
    const start = writer.reserve(9)
    const bytes = writer.bytes
    bytes[start + 4] = FrameType.Notify
    bytes[start + 5] = 0
    bytes[start + 6] = 0
    bytes[start + 7] = 0
    bytes[start + 8] = 1
    writeVarint(writer, streamId)
    writeVarint(writer, frameId)
    const payloadAt = writer.at
    const payload = this.#settings.payloads[step] as NotifyPayload // steps are those of the payloads
    if (payload.fixed === undefined) {
      const { turn } = this.#settings
      turn.stream = stream
      payload.write(writer, turn)
      turn.seq++
    } else writer.copy(payload.fixed)
    const size = writer.at - start - 4
    writer.patchUint32(start, size)
    if (size > this.#maxFrameSize) {
      const whole = Buffer.from(writer.bytes.subarray(payloadAt, writer.at))
      writer.reset(start)
      if (this.#cuts) encodeNotifyFragments(writer, streamId, frameId, whole, this.#maxFrameSize)
      else this.#refuse(payload.name, whole.length + mostHead)
    }
  }

  #refuse(name: string, size: number): void {
    const most = this.#maxFrameSize
    const message = `the NOTIFY ${name} has up to ${size} bytes, and the agent takes ${most}: HAProxy would not send it`
    this.#settings.onFatal(new UsageError('ERR_SLUICE_OPTION', message))
  }

  /** Writes what waits; answers whether there was something. */
  flush(link: Link | undefined): boolean {
    const { batch } = this
    const writer = this.#writer
    if (batch !== undefined) {
      if (batch.length === 0) return false
      batch.reset(link?.write(batch.view()) === true)
    } else if (writer.at === 0) return false
    else if (link?.write(writer.view()) === true) writer.reset()
    else this.#writer = new Writer(4096)
    return true
  }

  /** What waits is not sent. */
  reset(): void {
    this.#writer.reset()
    this.batch?.reset(true)
  }
}
