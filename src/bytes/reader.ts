import { Buffer } from 'node:buffer'
import { refuseArgument } from '../base/options.ts'
import { latin1Text } from './latin1.ts'
import { uint16At, uint32At } from './uint.ts'

/** Called when a frame ends before the value that was asked for: throws the protocol's own error. */
export type OnTruncated = (wanted: number, left: number, at: number) => never

/** As those of latin1.ts. */
interface Utf8 {
  utf8Slice(start: number, end: number): string
}

const nothing = Buffer.alloc(0)

/** Once per reader; {@link Reader.reset} is for each frame, and trusts its caller. */
function checkRange(bytes: Buffer, at: number, end: number): void {
  if (!Number.isInteger(at) || !Number.isInteger(end) || at < 0 || end < at || end > bytes.length) {
    refuseArgument('Reader: the range', `must be within the ${bytes.length} bytes`, [at, end])
  }
}

/**
 * A cursor over one frame. It is bounded by its frame, never by the chunk behind it, and can be pointed at the next
 * frame with {@link Reader.reset}, so a connection needs one reader for its whole life.
 *
 * `at` and `end` are offsets into `bytes`.
 */
export class Reader {
  /** What the frame is in. */
  bytes: Buffer
  /** The next byte. */
  at: number
  /** Behind the last byte of the frame. */
  end: number
  readonly #onTruncated: OnTruncated

  constructor(onTruncated: OnTruncated, bytes: Buffer = nothing, at = 0, end?: number) {
    if (typeof onTruncated !== 'function') {
      refuseArgument('Reader: onTruncated', 'must be a function', onTruncated)
    }
    if (!Buffer.isBuffer(bytes)) refuseArgument('Reader: the bytes', 'must be a Buffer', bytes)
    this.#onTruncated = onTruncated
    this.bytes = bytes
    this.at = at
    this.end = end === undefined ? bytes.length : end
    // The whole of a buffer is within it.
    if (at !== 0 || end !== undefined) checkRange(bytes, at, this.end)
  }

  /** Points the cursor at another frame. */
  reset(bytes: Buffer, at = 0, end: number = bytes.length): this {
    this.bytes = bytes
    this.at = at
    this.end = end
    return this
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.end - this.at
  }

  /** Moves past `count` bytes and returns where they began: the one place that checks bounds. */
  skip(count: number): number {
    const start = this.at
    if (count > this.end - start) this.#onTruncated(count, this.end - start, start)
    this.at = start + count
    return start
  }

  /** One byte. */
  uint8(): number {
    return this.bytes[this.skip(1)] as number // skip() has checked the bound
  }

  /** Two bytes, the most significant first. */
  uint16(): number {
    return uint16At(this.bytes, this.skip(2))
  }

  /** Four bytes, the most significant first. */
  uint32(): number {
    return uint32At(this.bytes, this.skip(4))
  }

  /** A view of the next `count` bytes; it pins the chunk it came from, so copy what you keep for long. */
  view(count: number): Buffer {
    const start = this.skip(count)
    return this.bytes.subarray(start, start + count)
  }

  /** The next `count` bytes as text, one character per byte. */
  latin1(count: number): string {
    const start = this.skip(count)
    return latin1Text(this.bytes, start, start + count)
  }

  /** The next `count` bytes as UTF-8 text; what is not UTF-8 becomes U+FFFD. */
  utf8(count: number): string {
    const start = this.skip(count)
    return (this.bytes as unknown as Utf8).utf8Slice(start, start + count)
  }
}
