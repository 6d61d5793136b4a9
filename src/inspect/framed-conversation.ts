/** One connection cut into frames, and what is said of it whatever its protocol: foreign bytes, frames cut short, gaps, ends. */
import { Buffer } from 'node:buffer'
import { errorMessage } from '../base/errors.ts'
import { sampleSize, type Conversation, type ConversationHost, type InspectSettings } from './conversation.ts'
import type { EndEntry, Finding, Protocol, Side } from './entry.ts'
import { FrameCutter, type CutFrame } from './frame-cutter.ts'
import { framingOf, guessForeign } from './frame-start.ts'
import type { HeldPiece } from './held-pieces.ts'
import { HeaderMasker, maskLoose } from './mask.ts'

/** What conversations begin with; a protocol says what its frames mean. */
export abstract class FramedConversation implements Conversation {
  protected readonly connection: number
  protected readonly settings: InspectSettings
  protected readonly host: ConversationHost
  /** Something was not seen: what seems to be missing may have been there. */
  protected midway: boolean
  readonly #protocol: Protocol
  readonly #cutters: Record<Side, FrameCutter>
  /** For bytes that are no frames. */
  readonly #maskers = { client: new HeaderMasker(), server: new HeaderMasker() }

  constructor(
    protocol: Protocol,
    connection: number,
    midway: boolean,
    settings: InspectSettings,
    host: ConversationHost,
  ) {
    this.connection = connection
    this.midway = midway
    this.settings = settings
    this.host = host
    this.#protocol = protocol
    this.#cutters = { client: this.#newCutter(), server: this.#newCutter() }
  }

  /** A whole frame: tells of it and keeps it. */
  protected abstract onFrame(from: Side, cut: CutFrame, time: number): void
  /** What is sent is not of the protocol. */
  protected abstract notFrames(what: string): Finding
  /** The last frame of a side lacks its end. */
  protected abstract truncated(held: number): Finding
  /** A side sends nothing more, perhaps the second one: what is wrong with that. What was held back is kept now. */
  protected abstract onEnd(from: Side, time: number): readonly Finding[]
  abstract expire(time: number): void

  push(from: Side, chunk: Buffer, time: number): void {
    this.expire(time)
    const cutter = this.#cutters[from]
    if (cutter.broken) {
      return this.host.keep(this.connection, from, this.#maskLoose(from, chunk), time)
    }
    const wrong = cutter.push(chunk, (cut) => this.onFrame(from, cut, time))
    if (wrong === undefined) return
    const findings = [this.notFrames(guessForeign(wrong.rest) ?? errorMessage(wrong.error))]
    const masked = this.#maskLoose(from, wrong.rest)
    const sample = masked.toString('hex', 0, sampleSize)
    this.host.emit({ kind: 'broken', ...this.base(time, findings), from, bytes: wrong.rest, sample })
    this.host.keep(this.connection, from, masked, time)
  }

  end(from: Side, how: EndEntry['how'], time: number): void {
    this.expire(time)
    const { held, broken } = this.#cutters[from]
    const findings = held > 0 && !broken ? [this.truncated(held)] : []
    findings.push(...this.onEnd(from, time))
    this.host.emit({ kind: 'end', ...this.base(time, findings), from, how })
  }

  missed(): void {
    this.midway = true
  }

  skip(from: Side, size: number, time: number): void {
    this.midway = true
    this.#cutters[from] = this.#newCutter()
    this.host.emit({ kind: 'gap', ...this.base(time, []), from, size })
  }

  /** What every entry has. */
  protected base(time: number, findings: readonly Finding[]) {
    return { time, connection: this.connection, findings }
  }

  /** What was held back, the client's always, may be written now. */
  protected release(pieces: readonly HeldPiece[]): void {
    for (const { bytes, time } of pieces) this.host.keep(this.connection, 'client', bytes, time)
  }

  #newCutter(): FrameCutter {
    return new FrameCutter(framingOf(this.#protocol))
  }

  /** A copy without secrets, of bytes that are no frames. */
  #maskLoose(from: Side, chunk: Buffer): Buffer {
    const bytes = Buffer.from(chunk)
    if (this.settings.showSecrets) return bytes
    this.#maskers[from].mask(bytes)
    maskLoose(bytes)
    return bytes
  }
}
