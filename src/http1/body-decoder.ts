/**
 * Message bodies out of a stream of chunks (RFC 9112 sections 6 and 7): content of a known length, chunked, or until the
 * connection closes. Content is handed out as views of what came in; nothing is copied or kept.
 */
import { Buffer } from 'node:buffer'
import { Character, characters, showByte } from './characters.ts'
import { Http1Error } from './errors.ts'
import { checkTrailers, Framing } from './framing.ts'
import { HeadBuffer } from './head-buffer.ts'
import { defaultHeadLimits, headText, readHeaderLines } from './header-block.ts'
import type { HeadLimits } from './header-block.ts'
import type { HeaderList } from './header-list.ts'

const State = {
  /** Before the first digit of a chunk size. */
  Size: 0,
  /** After at least one digit. */
  SizeDigits: 1,
  /** Before or in the name of a chunk extension. */
  Extension: 2,
  SizeLf: 3,
  Data: 4,
  DataCr: 5,
  DataLf: 6,
  TrailerStart: 7,
  TrailerLf: 8,
  Trailer: 9,
  ExtensionValue: 10,
  ExtensionQuoted: 11,
  /** After a backslash within quotes. */
  ExtensionEscaped: 12,
  ExtensionQuoteEnd: 13,
} as const
type State = (typeof State)[keyof typeof State]

const CR = 0x0d
const LF = 0x0a
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c
const nothing = Buffer.alloc(0)

/** What a chunked body may hold beside its content. */
export interface BodyLimits extends HeadLimits {
  /** Most bytes of chunk extensions in one body, all chunks together. @default 16384 */
  readonly maxExtensionSize: number
}

/** The limits used when none are given. */
export const defaultBodyLimits: BodyLimits = { ...defaultHeadLimits, maxExtensionSize: 16_384 }

/**
 * `reset` for each message, `push` a chunk, then call `next` until it answers undefined. When `done` is true, `at` is
 * where the next message begins in the chunk; otherwise the whole chunk was used.
 */
export class BodyDecoder {
  /** Whether the body is complete. */
  done = true
  /** Position in the chunk that was pushed last. */
  at = 0
  /** The trailer section of a chunked body, without the fields that must not be there; undefined when there was none. */
  trailers: HeaderList | undefined

  #chunk: Buffer = nothing
  #framing: Framing = 0
  /** What is left of the content, or of the current chunk. */
  #left = 0
  #state: State = State.Size
  #digits = 0
  /** Bytes of chunk extensions so far. */
  #extension = 0
  /** Whether the name or value being read has a character. */
  #named = false
  #trailer: HeadBuffer | undefined
  readonly #limits: BodyLimits

  constructor(limits: BodyLimits = defaultBodyLimits) {
    this.#limits = limits
  }

  /** What is left of a body of known length; of the current chunk in a chunked one. */
  get left(): number {
    return this.#left
  }

  /** Begins a body. One of length 0 is done at once. */
  reset(framing: Framing): void {
    this.#framing = framing
    this.#left = framing > 0 ? framing : 0
    this.done = framing === 0
    this.at = 0
    this.trailers = undefined
    this.#chunk = nothing
    this.#state = State.Size
    this.#digits = 0
    this.#extension = 0
    this.#named = false
    this.#trailer = undefined
  }

  /** Takes `chunk` from `at` on. */
  push(chunk: Buffer, at = 0): void {
    this.#chunk = chunk
    this.at = at
  }

  /**
   * The next piece of content, never empty; undefined when the chunk is used up or the body is done.
   * @throws Http1Error `ERR_HTTP1_CHUNK_SIZE`, `…_CHUNK_EXTENSION`, `…_CHUNK_END`, `…_TRAILER`.
   */
  next(): Buffer | undefined {
    if (this.done) return undefined
    if (this.#framing >= 0) return this.#nextOfLength()
    if (this.#framing === Framing.UntilClose) return this.#take(this.#chunk.length - this.at)
    return this.#nextOfChunks()
  }

  /**
   * The connection has ended. Answers normally when that completes the body.
   * @throws Http1Error `ERR_HTTP1_TRUNCATED`
   */
  finish(): void {
    if (this.#framing === Framing.UntilClose) this.done = true
    if (!this.done) throw new Http1Error('ERR_HTTP1_TRUNCATED', 'in the body')
  }

  #take(wanted: number): Buffer | undefined {
    const chunk = this.#chunk
    const start = this.at
    const count = Math.min(wanted, chunk.length - start)
    if (count <= 0) return undefined
    this.at = start + count
    return count === chunk.length ? chunk : chunk.subarray(start, this.at)
  }

  #nextOfLength(): Buffer | undefined {
    const piece = this.#take(this.#left)
    if (piece === undefined) return undefined
    this.#left -= piece.length
    if (this.#left === 0) this.done = true
    return piece
  }

  #nextOfChunks(): Buffer | undefined {
    const chunk = this.#chunk
    while (!this.done && this.at < chunk.length) {
      if (this.#state === State.Data) {
        const piece = this.#take(this.#left)
        if (piece === undefined) return undefined
        this.#left -= piece.length
        if (this.#left === 0) this.#state = State.DataCr
        return piece
      }
      if (this.#state === State.Trailer) this.#readTrailer(chunk, this.at)
      else this.#step(chunk[this.at++] as number) // at < length
    }
    return undefined
  }

  /** One byte of what stands between the data of two chunks. */
  #step(byte: number): void {
    switch (this.#state) {
      case State.Size:
      case State.SizeDigits:
        this.#readSize(byte)
        return
      case State.Extension:
      case State.ExtensionValue:
      case State.ExtensionQuoted:
      case State.ExtensionEscaped:
      case State.ExtensionQuoteEnd:
        this.#readExtension(byte)
        return
      case State.SizeLf:
        if (byte !== LF) throw new Http1Error('ERR_HTTP1_CHUNK_SIZE', 'CR without LF')
        this.#beginChunk()
        return
      case State.DataCr:
        if (byte !== CR) throw new Http1Error('ERR_HTTP1_CHUNK_END', showByte(byte))
        this.#state = State.DataLf
        return
      case State.DataLf:
        if (byte !== LF) throw new Http1Error('ERR_HTTP1_CHUNK_END', showByte(byte))
        this.#state = State.Size
        return
      case State.TrailerStart:
        this.#beginTrailer(byte)
        return
      case State.TrailerLf:
        if (byte !== LF) throw new Http1Error('ERR_HTTP1_TRAILER', 'CR without LF')
        this.done = true
        return
      default:
        throw new Error(`no byte is read in state ${this.#state}`)
    }
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      // Leading zeros count: nobody needs more than 16 digits, and 2^53 needs 14.
      const size = this.#left * 16 + digit
      if (++this.#digits > 16 || size > Number.MAX_SAFE_INTEGER) {
        throw new Http1Error('ERR_HTTP1_CHUNK_SIZE', 'it is too large')
      }
      this.#left = size
      this.#state = State.SizeDigits
    } else if (this.#state === State.Size || (byte !== CR && byte !== SEMICOLON)) {
      throw new Http1Error('ERR_HTTP1_CHUNK_SIZE', showByte(byte))
    } else {
      this.#state = byte === CR ? State.SizeLf : State.Extension
      this.#named = false
    }
  }

  /** `;name`, `;name=value`, `;name="value"`: nothing else, and no white space around them. */
  #readExtension(byte: number): void {
    if (++this.#extension > this.#limits.maxExtensionSize) {
      throw new Http1Error('ERR_HTTP1_CHUNK_EXTENSION', `more than ${this.#limits.maxExtensionSize} bytes`)
    }
    const next = this.#extensionState(byte)
    if (next === undefined) throw new Http1Error('ERR_HTTP1_CHUNK_EXTENSION', showByte(byte))
    // A semicolon within a name leads back to where a name begins.
    this.#named = next === this.#state && next !== State.ExtensionQuoted && byte !== SEMICOLON
    this.#state = next
  }

  #extensionState(byte: number): State | undefined {
    const use = characters[byte] as number // 256 entries
    const state = this.#state
    if (state === State.ExtensionQuoted) {
      if (byte === QUOTE) return State.ExtensionQuoteEnd
      if (byte === BACKSLASH) return State.ExtensionEscaped
      return (use & Character.Text) === 0 ? undefined : state
    }
    if (state === State.ExtensionEscaped)
      return (use & Character.Text) === 0 ? undefined : State.ExtensionQuoted
    if (state !== State.ExtensionQuoteEnd && (use & Character.Token) !== 0) return state
    if (state === State.ExtensionValue && byte === QUOTE && !this.#named) return State.ExtensionQuoted
    if (!this.#named && state !== State.ExtensionQuoteEnd) return undefined
    if (byte === CR) return State.SizeLf
    if (byte === SEMICOLON) return State.Extension
    return byte === EQUALS && state === State.Extension ? State.ExtensionValue : undefined
  }

  #beginChunk(): void {
    this.#digits = 0
    this.#state = this.#left === 0 ? State.TrailerStart : State.Data
  }

  #beginTrailer(byte: number): void {
    if (byte === CR) {
      this.#state = State.TrailerLf
      return
    }
    this.at--
    this.#trailer = new HeadBuffer(this.#limits)
    this.#state = State.Trailer
  }

  #readTrailer(chunk: Buffer, at: number): void {
    const buffer = this.#trailer as HeadBuffer // made with the state
    try {
      const end = buffer.push(chunk, at)
      this.at = end < 0 ? chunk.length : end
      if (end < 0) return
      const text = headText(buffer.bytes, buffer.start, buffer.end)
      const trailers = readHeaderLines(text, text.start, {
        maxHeaders: this.#limits.maxHeaders,
        bareLf: false,
        names: [],
      })
      checkTrailers(trailers)
      this.trailers = trailers
      this.done = true
    } catch (error) {
      throw error instanceof Http1Error ? new Http1Error('ERR_HTTP1_TRAILER', error.message) : error
    }
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
