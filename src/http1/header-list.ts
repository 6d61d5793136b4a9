import { isLent, keep } from '../base/lent.ts'
import { writeLatin1 } from '../bytes/latin1.ts'
import { headerName } from './header-name.ts'
import type { HeaderName } from './header-name.ts'

/** As many fields are copied from where they stood; text of fewer is made sooner. */
export const manyFields = 12

/** Shorter header lines are no {@link manyFields} of what browsers send, and what stands where need not be known. */
const manyBytes = 300

/**
 * Header fields in the order they came: arrays side by side, so that the hot path makes no object per field. Few of them: each
 * that begins is a call into V8, which makes room for seventeen.
 *
 * Values are text with one character per byte (latin1), exactly as on the wire but for the white space around them.
 *
 * Every `key` argument is a name in lower case.
 */
export class HeaderList {
  /** The names as received (or as given to {@link HeaderList.add}), in lower case, and what they mean to the codec. */
  readonly fields: HeaderName[] = []
  /** The values as received, without the white space around them. */
  readonly values: string[] = []
  /** Where the line of each field begins in the head that it was read from; -1: it stood nowhere, or looked otherwise. */
  readonly #lines: number[] | undefined
  #source: Buffer | undefined

  /** A bit for each kind of the fields that are here, or were. */
  #seen = 0
  #pairs: (readonly [string, string])[] | undefined

  /** @param size - bytes of the header lines that it is read from. */
  constructor(size = 0) {
    this.#lines = size < manyBytes ? undefined : []
  }

  /** Name (as received) and value of each field, in order: made once, and again after a change. */
  get pairs(): readonly (readonly [name: string, value: string])[] {
    return (this.#pairs ??= this.values.map((value, at) => [this.fields[at]?.name ?? '', value]))
  }

  /** How many fields there are. */
  get length(): number {
    return this.values.length
  }

  /** Makes a list of name and value pairs. Nothing is checked. */
  static from(pairs: Iterable<readonly [string, string]>): HeaderList {
    const list = new HeaderList()
    for (const [name, value] of pairs) list.add(name, value)
    return list
  }

  /**
   * Appends a field whose name was split already.
   * @param line where it begins in what {@link HeaderList.readFrom} is told, when it stands there as it would be written, but for
   * the case of its name
   */
  push(name: HeaderName, value: string, line = -1): void {
    this.fields.push(name)
    this.values.push(value)
    this.#lines?.push(line)
    this.#seen |= 1 << name.kind
    this.#pairs = undefined
  }

  /** The bytes that the lines stand in, up to `end`: needed until {@link HeaderList.forget}, and kept when they are lent. */
  readFrom(source: Buffer, end: number): void {
    if (this.#lines !== undefined && this.length >= manyFields)
      this.#source = isLent(source) ? keep(source.subarray(0, end)) : source
  }

  /** Lets go of what it was read from: it has been written. */
  forget(): void {
    this.#source = undefined
  }

  /** Appends a field. The caller has made sure that name and value may be sent. */
  add(name: string, value: string): void {
    this.push(headerName(name), value)
  }

  /** Removes all fields of that name and appends one. */
  set(name: string, value: string): void {
    this.delete(name.toLowerCase())
    this.add(name, value)
  }

  /** Gives the field at `index` another value. */
  replace(index: number, value: string): void {
    this.values[index] = value
    if (this.#lines !== undefined) this.#lines[index] = -1
    this.#pairs = undefined
  }

  /** False: there is no field of any of these kinds, a bit for each (`1 << HeaderKind.Te`). True: there may be one. */
  mayHave(kinds: number): boolean {
    return (this.#seen & kinds) !== 0
  }

  /** Whether there is such a field. */
  has(key: string): boolean {
    return this.indexOf(key) >= 0
  }

  /** The place of the first field of that name, from `from` on; -1: there is none. */
  indexOf(key: string, from = 0): number {
    const { fields } = this
    for (let at = from; at < fields.length; at++) if ((fields[at] as HeaderName).key === key) return at // at < length
    return -1
  }

  /** The value of the first field of that name. */
  get(key: string): string | undefined {
    const at = this.indexOf(key)
    return at < 0 ? undefined : this.values[at]
  }

  /** The values of all fields of that name, in order. */
  all(key: string): string[] {
    const found: string[] = []
    for (let at = this.indexOf(key); at >= 0; at = this.indexOf(key, at + 1))
      found.push(this.values[at] as string) // the arrays have one length
    return found
  }

  /** Removes all fields of that name; answers how many there were. */
  delete(key: string): number {
    return this.has(key) ? this.#removeWhere((each) => each === key) : 0
  }

  /** Removes the fields whose name in lower case the predicate accepts; answers how many there were. */
  deleteWhere(predicate: (key: string) => boolean): number {
    return this.#removeWhere(predicate)
  }

  #removeWhere(gone: (key: string) => boolean): number {
    const { fields, values } = this
    const lines = this.#lines
    let kept = 0
    for (let at = 0; at < fields.length; at++) {
      const field = fields[at] as HeaderName // the arrays have one length
      if (gone(field.key)) continue
      if (kept !== at) {
        fields[kept] = field
        values[kept] = values[at] as string
        if (lines !== undefined) lines[kept] = lines[at] as number
      }
      kept++
    }
    const removed = fields.length - kept
    if (removed > 0) this.#pairs = undefined
    // To set the length of an array is a way into V8's run-time.
    for (let left = removed; left > 0; left--) {
      fields.pop()
      values.pop()
      lines?.pop()
    }
    return removed
  }

  /** A list of its own with the same fields. */
  clone(): HeaderList {
    const copy = new HeaderList()
    copy.#seen = this.#seen
    copy.fields.push(...this.fields)
    copy.values.push(...this.values)
    return copy
  }

  /** Name (as received) and value of each field, in order. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let at = 0; at < this.length; at++) yield [this.fields[at]?.name ?? '', this.values[at] as string]
  }

  /** How many bytes the header lines take as they are written, without the blank line. */
  get size(): number {
    let size = 0
    for (let at = 0; at < this.length; at++) size += this.#lineSize(at)
    return size
  }

  /** Writes the header lines, {@link HeaderList.size} bytes from `to` on; what stood together is copied together. */
  write(bytes: Buffer, to: number): void {
    const { fields, values } = this
    const lines = this.#lines
    let out = to
    for (let at = 0; at < fields.length;) {
      const start = lines?.[at] ?? -1
      if (start < 0 || this.#source === undefined) {
        out += writeLatin1(bytes, `${fields[at]?.key}: ${values[at]}\r\n`, out)
        at++
        continue
      }
      const first = at
      let end = start
      for (; at < fields.length && lines?.[at] === end; at++) end += this.#lineSize(at)
      this.#source.copy(bytes, out, start, end)
      this.#lowerNames(bytes, out, first, at)
      out += end - start
    }
  }

  #lowerNames(bytes: Buffer, to: number, first: number, last: number): void {
    const { fields } = this
    let out = to
    for (let at = first; at < last; at++) {
      const { name, key } = fields[at] as HeaderName // at < length
      if (name !== key)
        for (let index = 0; index < key.length; index++) bytes[out + index] = key.charCodeAt(index)
      out += this.#lineSize(at)
    }
  }

  /** Colon, blank and line end included. */
  #lineSize(at: number): number {
    return (this.fields[at] as HeaderName).key.length + (this.values[at] as string).length + 4 // at < length
  }
}
