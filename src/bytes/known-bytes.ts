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
