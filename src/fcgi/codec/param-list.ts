import type { ParamName } from './param-name.ts'

/** How many lists were made. */
let lists = 0

/**
 * The parameters of one request, in order, none twice: for those that are made here, name by name, and written at once. A Map
 * would hash each name twice, and make a pair of each.
 *
 * A name that is kept remembers its place in the list that was made last; in older lists it is looked for.
 */
export class ParamList implements Iterable<readonly [name: string, value: string]> {
  readonly names: ParamName[] = []
  readonly values: string[] = []
  readonly #number = ++lists
  /** Places of names that are not kept. */
  #others: Map<string, number> | undefined

  /** The place of a name; -1 when it is not there. */
  find(name: ParamName): number {
    if (!name.kept) return this.#others?.get(name.text) ?? -1
    if (this.#number !== lists) return this.names.indexOf(name)
    return name.list === this.#number ? name.at : -1
  }

  get(name: ParamName): string | undefined {
    const at = this.find(name)
    return at < 0 ? undefined : this.values[at]
  }

  /** Puts a parameter behind the others, or gives the one that is there another value. */
  set(name: ParamName, value: string): void {
    const at = this.find(name)
    if (at < 0) this.#add(name, value)
    else this.values[at] = value
  }

  #add(name: ParamName, value: string): void {
    const at = this.names.length
    this.names.push(name)
    this.values.push(value)
    if (!name.kept) (this.#others ??= new Map()).set(name.text, at)
    else if (this.#number === lists) {
      name.list = this.#number
      name.at = at
    }
  }

  /** Each as a pair of text. */
  *[Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    for (let at = 0; at < this.names.length; at++) {
      yield [(this.names[at] as ParamName).text, this.values[at] as string] // arrays of one length
    }
  }
}
