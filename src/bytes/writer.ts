import { Buffer } from 'node:buffer'
import { refuseArgument } from '../base/options.ts'

const nothing = Buffer.alloc(0)
/** Beyond that Node.js makes no Buffer on any platform. */
const mostSize = 0x7fff_ffff

/**
 * Gathers bytes to be sent. The buffer grows by doubling and is kept between frames; a view of what was written is
 * valid until the next {@link Writer.reset}.
 *
 * `at` is how many bytes are written.
 */
export class Writer {
  /** What is written so far, and room behind it. */
  bytes: Buffer
  /** Where the next byte is written. */
  at = 0
  #view: Buffer = nothing
  /** The buffer that the view is of. */
  #viewed: Buffer = nothing

  // Never from Node.js's pool: a slice of it would keep 8 KB alive, with whatever else was cut from them.
  constructor(size = 512) {
    if (!Number.isInteger(size) || size < 0 || size > mostSize) {
      refuseArgument('Writer: the size', `must be a whole number from 0 to ${mostSize}`, size)
    }
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  /** Makes room for `count` more bytes and returns where they begin; the caller fills them. */
  reserve(count: number): number {
    const start = this.at
    const wanted = start + count
    if (wanted > this.bytes.length) this.#grow(wanted)
    this.at = wanted
    return start
  }

  #grow(wanted: number): void {
    let size = Math.max(this.bytes.length * 2, 16)
    while (size < wanted) size *= 2
    const grown = Buffer.allocUnsafeSlow(size)
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
  }

  /** Appends one byte. */
  uint8(value: number): void {
    const start = this.reserve(1)
    this.bytes[start] = value
  }

  /** Appends two bytes, the most significant first. */
  uint16(value: number): void {
    const start = this.reserve(2)
    this.bytes[start] = value >>> 8
    this.bytes[start + 1] = value
  }

  /** Appends four bytes, the most significant first. */
  uint32(value: number): void {
    const start = this.reserve(4)
    this.patchUint32(start, value)
  }

  /** Overwrites four bytes that were reserved earlier, a length for example. */
  patchUint32(start: number, value: number): void {
    const bytes = this.bytes
    bytes[start] = value >>> 24
    bytes[start + 1] = value >>> 16
    bytes[start + 2] = value >>> 8
    bytes[start + 3] = value
  }

  /** Appends bytes `from` … `to` of `source`. */
  copy(source: Uint8Array, from = 0, to: number = source.length): void {
    const count = to - from
    const start = this.reserve(count)
    // A native copy costs more than this loop for the short runs that protocols are made of.
    if (count <= 24) {
      const bytes = this.bytes
      for (let index = 0; index < count; index++) bytes[start + index] = source[from + index] as number // within bounds
    } else {
      this.bytes.set(from === 0 && to === source.length ? source : source.subarray(from, to), start)
    }
  }

  /** Appends `text` as UTF-8, or as one byte per character. */
  text(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    const count = encoding === 'utf8' ? Buffer.byteLength(text) : text.length
    const start = this.reserve(count)
    const bytes = this.bytes
    if (encoding === 'latin1' && count <= 24) {
      for (let index = 0; index < count; index++) bytes[start + index] = text.charCodeAt(index)
    } else bytes.write(text, start, encoding)
  }

  /**
   * A view of all that was written since the last reset. The same object is handed out again for the same length:
   * small answers are mostly of one size, and making a view costs more than filling it.
   */
  view(): Buffer {
    if (this.#view.length !== this.at || this.#viewed !== this.bytes) {
      this.#view = this.bytes.subarray(0, this.at)
      this.#viewed = this.bytes
    }
    return this.#view
  }

  /** Forgets what was written after `at`, and keeps the buffer. */
  reset(at = 0): void {
    this.at = at
  }
}
