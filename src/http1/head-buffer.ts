import { Buffer } from 'node:buffer'
import { showByte } from './characters.ts'
import { Http1Error } from './errors.ts'

/** How a head is gathered. */
export interface HeadBufferOptions {
  /** Largest head in bytes, empty lines before it and the blank line after it included. */
  readonly maxHeadSize: number
  /** Whether a line may end with LF alone. @default false */
  readonly bareLf?: boolean
}

const CR = 0x0d
const LF = 0x0a
const HTAB = 0x09
const nothing = Buffer.alloc(0)

/**
 * Finds the end of a message head in a stream of chunks. A head whole within a chunk, the usual case, is not copied;
 * one in pieces is gathered, within the limit, and each byte is searched once.
 *
 * After `push` answered a position, the head is `bytes` from `start` to `end`.
 */
export class HeadBuffer {
  readonly maxHeadSize: number
  bytes: Buffer = nothing
  start = 0
  end = 0

  #partial: Buffer = nothing
  #have = 0
  /** Up to where `#partial` holds no control character that a head must not hold. */
  #checked = 0
  readonly #bareLf: boolean

  constructor(options: HeadBufferOptions) {
    this.maxHeadSize = options.maxHeadSize
    this.#bareLf = options.bareLf ?? false
  }

  /** How many bytes of an unfinished head are held. */
  get pending(): number {
    return this.#have
  }

  /** The bytes of an unfinished head. */
  get partial(): Buffer {
    return this.#partial.subarray(0, this.#have)
  }

  /** Lets go of the chunk that the last head was in. */
  release(): void {
    this.bytes = nothing
  }

  /** Forgets an unfinished head. */
  reset(): void {
    this.#partial = nothing
    this.#have = 0
    this.#checked = 0
  }

  /**
   * Takes `chunk` from `at` on. Answers where the head ends in `chunk` (the body, or the next message, begins
   * there), or -1 when the whole of the chunk belongs to a head that goes on. Empty lines before a head are skipped
   * (RFC 9112 section 2.2).
   * @throws Http1Error `ERR_HTTP1_HEAD_TOO_LARGE`, and `ERR_HTTP1_LINE_END` or `ERR_HTTP1_HEADER_VALUE` as soon as a
   * head that is not complete holds a control character, so that nobody waits for the end of a TLS greeting.
   */
  push(chunk: Buffer, at: number): number {
    if (this.#have > 0) return this.#resume(chunk, at)
    const start = this.#skipEmptyLines(chunk, at, chunk.length)
    const end = this.#findEnd(chunk, start, start, chunk.length)
    if (end < 0) {
      this.#gather(chunk, start)
      return -1
    }
    if (end - start > this.maxHeadSize) this.#tooLarge()
    return this.#found(chunk, start, end)
  }

  #found(bytes: Buffer, start: number, end: number): number {
    this.bytes = bytes
    this.start = start
    this.end = end
    return end
  }

  #resume(chunk: Buffer, at: number): number {
    const before = this.#have
    const room = this.maxHeadSize + 1 - before
    const taken = Math.min(room, chunk.length - at)
    this.#append(chunk, at, at + taken)
    const bytes = this.#partial
    // Only CR LF was held so far when the first byte is a CR: the head has not begun.
    const start = this.#skipEmptyLines(bytes, 0, this.#have)
    const end = this.#findEnd(bytes, start, Math.max(start, before - 3), this.#have)
    if (end < 0) {
      this.#refuseEarly(start)
      if (start === this.#have) this.reset()
      return -1
    }
    if (end > this.maxHeadSize) this.#tooLarge()
    this.reset()
    this.#found(bytes, start, end)
    return at + end - before
  }

  #gather(chunk: Buffer, start: number): void {
    if (start === chunk.length) return
    this.#append(chunk, start, Math.min(chunk.length, start + this.maxHeadSize + 1))
    this.#refuseEarly(0)
  }

  #append(chunk: Buffer, from: number, to: number): void {
    const wanted = this.#have + to - from
    if (wanted > this.#partial.length) {
      const size = Math.min(this.maxHeadSize + 1, Math.max(1024, wanted * 2))
      const grown = Buffer.allocUnsafe(Math.max(size, wanted))
      this.#partial.copy(grown, 0, 0, this.#have)
      this.#partial = grown
    }
    chunk.copy(this.#partial, this.#have, from, to)
    this.#have = wanted
  }

  #skipEmptyLines(bytes: Buffer, at: number, end: number): number {
    let start = at
    for (;;) {
      if (bytes[start] === CR && start + 1 < end && bytes[start + 1] === LF) start += 2
      else if (this.#bareLf && start < end && bytes[start] === LF) start += 1
      else return start
    }
  }

  /** `from` is where searching begins; the head begins at `start`. */
  #findEnd(bytes: Buffer, start: number, from: number, end: number): number {
    if (this.#bareLf) return findBlankLine(bytes, Math.max(start, from), end)
    return findEmptyLine(bytes, from, end)
  }

  #refuseEarly(start: number): void {
    if (this.#have > this.maxHeadSize) this.#tooLarge()
    const bytes = this.#partial
    const last = this.#have - 1
    for (let at = Math.max(start, this.#checked); at <= last; at++) {
      const byte = bytes[at] as number // at < #have
      if (byte >= 0x20 || byte === HTAB) continue
      if (byte === LF && (this.#bareLf || bytes[at - 1] === CR)) continue
      // A CR at the end may be followed by its LF in the next chunk: it is looked at again.
      if (byte === CR && at === last) break
      if (byte === CR && bytes[at + 1] === LF) continue
      throw new Http1Error(
        byte === CR || byte === LF ? 'ERR_HTTP1_LINE_END' : 'ERR_HTTP1_HEADER_VALUE',
        `${showByte(byte)} at byte ${at - start}`,
      )
    }
    this.#checked = bytes[last] === CR ? last : this.#have
  }

  #tooLarge(): never {
    throw new Http1Error('ERR_HTTP1_HEAD_TOO_LARGE', `more than ${this.maxHeadSize} bytes`)
  }
}

/** Behind the first CR LF CR LF, or -1. Most bytes are no line ends, so that every fourth is looked at. */
function findEmptyLine(bytes: Buffer, from: number, end: number): number {
  let at = from + 3
  while (at < end) {
    const byte = bytes[at] as number // at < end
    if (byte > CR) at += 4
    else if (byte === LF && bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR)
      return at + 1
    else at++
  }
  return -1
}

/** The end of the first blank line when lines may end with LF alone: LF LF or LF CR LF. */
function findBlankLine(bytes: Buffer, from: number, end: number): number {
  for (let at = bytes.indexOf(LF, from); at >= 0 && at < end; at = bytes.indexOf(LF, at + 1)) {
    if (at + 1 < end && bytes[at + 1] === LF) return at + 2
    if (at + 2 < end && bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
  }
  return -1
}
