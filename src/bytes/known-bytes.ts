import { Buffer } from 'node:buffer'

/** Longer ones are seldom the same again. */
const longest = 48

interface Known<T> {
  readonly bytes: Buffer
  readonly meaning: T
}

/**
 * What short runs of bytes stand for, where the same ones come again and again: to compare a few bytes is several times cheaper
 * than to decode them. It holds at most `size` of them, the latest of each slot.
 */
export class KnownBytes<T> {
  readonly #slots: (Known<T> | undefined)[]

  /** `size` is a power of 2. */
  constructor(size: number) {
    this.#slots = Array.from({ length: size })
  }

  /** What the bytes from `start` to `end` stand for, both within the buffer; undefined when that is not known. */
  find(bytes: Buffer, start: number, end: number): T | undefined {
    if (end === start || end - start > longest) return undefined
    const known = this.#slots[this.#slotOf(bytes, start, end)]
    return known !== undefined && isAt(bytes, start, end - start, known.bytes) ? known.meaning : undefined
  }

  /** Remembers it, unless there are too many bytes. */
  add(bytes: Buffer, start: number, end: number, meaning: T): void {
    if (end === start || end - start > longest) return
    const copy = Buffer.from(bytes.subarray(start, end))
    this.#slots[this.#slotOf(bytes, start, end)] = { bytes: copy, meaning }
  }

  #slotOf(bytes: Buffer, start: number, end: number): number {
    // The caller has checked that there are some.
    const hash = end - start + (bytes[start] as number) * 7 + (bytes[end - 1] as number) * 31
    return hash & (this.#slots.length - 1)
  }
}

/** Whether `bytes` hold `wanted` at `start`, where there are `size` of them. */
export function isAt(bytes: Buffer, start: number, size: number, wanted: Buffer): boolean {
  if (size !== wanted.length) return false
  for (let index = 0; index < size; index++) if (bytes[start + index] !== wanted[index]) return false
  return true
}

/** What a socket reads at most in one go: more is not held beyond its use. In bytes. */
const mostHeld = 65_536
let viewed: Buffer = Buffer.alloc(0)
let view = new DataView(viewed.buffer, 0, 0)

/**
 * The same bytes as a view, for {@link isSame}. That of the buffer that was asked for last is held: a chunk has many messages, and
 * a view costs as much as reading a few arguments.
 */
export function wordsOf(bytes: Buffer): DataView {
  if (bytes === viewed) return view
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length <= mostHeld) {
    viewed = bytes
    view = words
  }
  return words
}

/**
 * Whether `count` bytes are the same in both, which have so many. Four are compared at a time: a Buffer has no way to read a word
 * that costs less than its bytes.
 */
export function isSame(
  bytes: DataView,
  at: number,
  other: DataView,
  otherAt: number,
  count: number,
): boolean {
  if (count < 4) {
    for (let index = 0; index < count; index++)
      if (bytes.getUint8(at + index) !== other.getUint8(otherAt + index)) return false
    return true
  }
  // The last four may have been compared in part.
  const last = count - 4
  for (let index = 0; index < last; index += 4)
    if (bytes.getInt32(at + index, true) !== other.getInt32(otherAt + index, true)) return false
  return bytes.getInt32(at + last, true) === other.getInt32(otherAt + last, true)
}
