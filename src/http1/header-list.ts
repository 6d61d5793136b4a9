import { createHeaderName } from './header-name.ts'
import type { HeaderKind, HeaderName } from './header-name.ts'

/**
 * Header fields in the order they came: four arrays side by side, so that the hot path makes no object per field.
 * Values are text with one character per byte (latin1), exactly as on the wire but for the white space around them.
 *
 * Every `key` argument is a name in lower case.
 */
export class HeaderList {
  /** The names as received (or as given to {@link HeaderList.add}). */
  readonly names: string[] = []
  /** The names in lower case. */
  readonly keys: string[] = []
  readonly values: string[] = []
  /** What each field means to the codec. */
  readonly kinds: HeaderKind[] = []

  /** A bit for each kind of the fields that are here, or were. */
  #seen = 0
  #pairs: (readonly [string, string])[] | undefined

  /** Name (as received) and value of each field, in order: made once, and again after a change. */
  get pairs(): readonly (readonly [name: string, value: string])[] {
    return (this.#pairs ??= [...this])
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

  /** Appends a field whose name was split already. */
  push(name: HeaderName, value: string): void {
    this.names.push(name.name)
    this.keys.push(name.key)
    this.values.push(value)
    this.kinds.push(name.kind)
    this.#seen |= 1 << name.kind
    this.#pairs = undefined
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
    const { names, keys, values, kinds } = this
    let kept = 0
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as string // the arrays have one length
      if (gone(key)) continue
      if (kept !== at) {
        keys[kept] = key
        names[kept] = names[at] as string
        values[kept] = values[at] as string
        kinds[kept] = kinds[at] as HeaderKind
      }
      kept++
    }
    const removed = keys.length - kept
    if (removed > 0) this.#pairs = undefined
    if (removed > 0) names.length = keys.length = values.length = kinds.length = kept
    return removed
  }

  /** A list of its own with the same fields. */
  clone(): HeaderList {
    const copy = new HeaderList()
    copy.#seen = this.#seen
    for (let at = 0; at < this.keys.length; at++) {
      copy.names.push(this.names[at] as string)
      copy.keys.push(this.keys[at] as string)
      copy.values.push(this.values[at] as string)
      copy.kinds.push(this.kinds[at] as HeaderKind)
    }
    return copy
  }

  /** Name (as received) and value of each field, in order. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let at = 0; at < this.keys.length; at++) yield [this.names[at] as string, this.values[at] as string]
  }
}
