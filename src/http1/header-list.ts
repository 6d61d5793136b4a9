import { isLent, keep } from '../base/lent.ts'
import { writeLatin1 } from '../bytes/latin1.ts'
import { createHeaderName } from './header-name.ts'
import type { HeaderName } from './header-name.ts'

/** As many fields are copied from where they stood; text of fewer is made sooner. */
export const manyFields = 12

/**
 * Header fields in the order they came: arrays side by side, so that the hot path makes no object per field.
 * Values are text with one character per byte (latin1), exactly as on the wire but for the white space around them.
 *
 * Every `key` argument is a name in lower case.
 */
export class HeaderList {
  /** The names as received (or as given to {@link HeaderList.add}), and what they mean to the codec. */
  readonly fields: HeaderName[] = []
  /** The names in lower case. */
  readonly keys: string[] = []
  /** The values as received, without the white space around them. */
  readonly values: string[] = []
  /** Where the line of each field begins in the head that it was read from; -1: it stood nowhere, or looked otherwise. */
  readonly #lines: number[] = []
  #source: Buffer | undefined

  /** A bit for each kind of the fields that are here, or were. */
  #seen = 0
  #pairs: (readonly [string, string])[] | undefined

  /** Name (as received) and value of each field, in order: made once, and again after a change. */
  get pairs(): readonly (readonly [name: string, value: string])[] {
    return (this.#pairs ??= this.values.map((value, at) => [this.fields[at]?.name ?? '', value]))
  }

  /** How many fields there are. */
  get length(): number {
    return this.keys.length
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
    this.keys.push(name.key)
    this.values.push(value)
    this.#lines.push(line)
    this.#seen |= 1 << name.kind
    this.#pairs = undefined
  }

  /** The bytes that the lines stand in, up to `end`: needed until {@link HeaderList.forget}, and kept when they are lent. */
  readFrom(source: Buffer, end: number): void {
    if (this.length >= manyFields) this.#source = isLent(source) ? keep(source.subarray(0, end)) : source
  }

  /** Lets go of what it was read from: it has been written. */
  forget(): void {
    this.#source = undefined
  }

  /** Appends a field. The caller has made sure that name and value may be sent. */
  add(name: string, value: string): void {
    this.push(createHeaderName(name), value)
  }

  /** Removes all fields of that name and appends one. */
  set(name: string, value: string): void {
    this.delete(name.toLowerCase())
    this.add(name, value)
  }

  /** Gives the field at `index` another value. */
  replace(index: number, value: string): void {
    this.values[index] = value
    this.#lines[index] = -1
    this.#pairs = undefined
  }

  /** False: there is no field of any of these kinds, a bit for each (`1 << HeaderKind.Te`). True: there may be one. */
  mayHave(kinds: number): boolean {
    return (this.#seen & kinds) !== 0
  }

  /** Whether there is such a field. */
  has(key: string): boolean {
    return this.keys.includes(key)
  }

  /** The value of the first field of that name. */
  get(key: string): string | undefined {
    const at = this.keys.indexOf(key)
    return at < 0 ? undefined : this.values[at]
  }

  /** The values of all fields of that name, in order. */
  all(key: string): string[] {
    const found: string[] = []
    for (let at = 0; at < this.keys.length; at++) {
      if (this.keys[at] === key) found.push(this.values[at] as string) // the arrays have one length
    }
    return found
  }

  /** Removes all fields of that name; answers how many there were. */
  delete(key: string): number {
    return this.keys.includes(key) ? this.#removeWhere((each) => each === key) : 0
  }

  /** Removes the fields whose name in lower case the predicate accepts; answers how many there were. */
  deleteWhere(predicate: (key: string) => boolean): number {
    return this.#removeWhere(predicate)
  }

  #removeWhere(gone: (key: string) => boolean): number {
    const { fields, keys, values } = this
    const lines = this.#lines
    let kept = 0
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as string // the arrays have one length
      if (gone(key)) continue
      if (kept !== at) {
        keys[kept] = key
        fields[kept] = fields[at] as HeaderName
        values[kept] = values[at] as string
        lines[kept] = lines[at] as number
      }
      kept++
    }
    const removed = keys.length - kept
    if (removed > 0) this.#pairs = undefined
    // To set the length of an array is a way into V8's run-time.
    for (let left = removed; left > 0; left--) {
      fields.pop()
      keys.pop()
      values.pop()
      lines.pop()
    }
    return removed
  }

  /** A list of its own with the same fields. */
  clone(): HeaderList {
    const copy = new HeaderList()
    copy.#seen = this.#seen
    for (let at = 0; at < this.keys.length; at++) {
      copy.fields.push(this.fields[at] as HeaderName)
      copy.keys.push(this.keys[at] as string)
      copy.values.push(this.values[at] as string)
      copy.#lines.push(-1)
    }
    return copy
  }

  /** Name (as received) and value of each field, in order. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let at = 0; at < this.keys.length; at++)
      yield [this.fields[at]?.name ?? '', this.values[at] as string]
  }

  /** How many bytes the header lines take as they are written, without the blank line. */
  get size(): number {
    const { keys, values } = this
    let size = 0
    for (let at = 0; at < keys.length; at++) size += lineSize(keys[at] as string, values[at] as string) // of one length
    return size
  }

  /** Writes the header lines, {@link HeaderList.size} bytes from `to` on; what stood together is copied together. */
  write(bytes: Buffer, to: number): void {
    const { keys, values } = this
    const lines = this.#lines
    let out = to
    for (let at = 0; at < keys.length;) {
      const start = lines[at] as number // the arrays have one length, here and below
      if (start < 0 || this.#source === undefined) {
        out += writeLatin1(bytes, `${keys[at]}: ${values[at]}\r\n`, out)
        at++
        continue
      }
      const first = at
      let end = start
      for (; at < keys.length && lines[at] === end; at++)
        end += lineSize(keys[at] as string, values[at] as string)
      this.#source.copy(bytes, out, start, end)
      this.#lowerNames(bytes, out, first, at)
      out += end - start
    }
  }

  #lowerNames(bytes: Buffer, to: number, first: number, last: number): void {
    const { fields, values } = this
    let out = to
    for (let at = first; at < last; at++) {
      const { name, key } = fields[at] as HeaderName // at < length
      if (name !== key)
        for (let index = 0; index < key.length; index++) bytes[out + index] = key.charCodeAt(index)
      out += lineSize(key, values[at] as string)
    }
  }
}

/** Colon, blank and line end included. */
function lineSize(key: string, value: string): number {
  return key.length + value.length + 4
}
