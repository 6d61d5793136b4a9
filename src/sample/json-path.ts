/**
 * Finds one value in JSON text by a path such as `$.a.list[2]`, as HAProxy's `json_query` does: the first key that fits
 * counts, keys are compared as they are written (escapes are not read), and what stands behind the value is not looked at.
 */

/** A value in the text: `text` is its whole token. */
export interface JsonToken {
  readonly type: 'number' | 'string' | 'true' | 'false' | 'null' | 'array' | 'object'
  readonly text: string
}

type Step = string | number

/** Deeper texts are refused. */
const maxDepth = 20

/** The steps of a path; `\` takes away the meaning of the character behind it. Undefined when it is no path. */
export function parseJsonPath(path: string): readonly Step[] | undefined {
  if (!path.startsWith('$')) return undefined
  const steps: Step[] = []
  const step = /\.((?:\\.|[^.[\\])+)|\[(\d+)\]/gsy
  step.lastIndex = 1
  while (step.lastIndex < path.length) {
    const match = step.exec(path)
    if (match === null) return undefined
    const [, key, index] = match
    steps.push(key === undefined ? Number(index) : key.replace(/\\(.)/gs, '$1'))
  }
  return steps
}

/** The value at the end of the steps; undefined when there is none, or the text before its end is no JSON. */
export function findJson(text: string, steps: readonly Step[]): JsonToken | undefined {
  const scanner = new Scanner(text)
  for (const step of steps) {
    const found = typeof step === 'number' ? scanner.toElement(step) : scanner.toMember(step)
    if (!found) return undefined
  }
  return scanner.value(steps.length)
}

const literals = {
  number: /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  string: /"(?:\\["\\/bfnrtu]|[^"\\\0]|\\(?!["\\/bfnrtu]))*"/y,
  true: /true/y,
  false: /false/y,
  null: /null/y,
} as const

class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** To the value of a key of the object that stands here. */
  toMember(key: string): boolean {
    if (!this.#take('{') || this.#take('}')) return false
    do {
      const name = this.#literal('string')
      if (name === undefined || !this.#take(':')) return false
      if (name.text.slice(1, -1) === key) return true
      if (this.value(0) === undefined) return false
    } while (this.#take(','))
    return false
  }

  /** To an element of the array that stands here. */
  toElement(index: number): boolean {
    if (!this.#take('[') || this.#take(']')) return false
    for (let at = 0; at < index; at++) if (this.value(0) === undefined || !this.#take(',')) return false
    return true
  }

  /** Over the value that stands here. */
  value(depth: number): JsonToken | undefined {
    if (depth >= maxDepth) return undefined
    this.#skipSpaces()
    const from = this.#at
    if (this.#text[from] === '{') return this.#compound('object', '}', from, () => this.#member(depth + 1))
    if (this.#text[from] === '[')
      return this.#compound('array', ']', from, () => this.value(depth + 1) !== undefined)
    for (const type of Object.keys(literals) as (keyof typeof literals)[]) {
      const found = this.#literal(type)
      if (found !== undefined) return found
    }
    return undefined
  }

  #compound(
    type: 'object' | 'array',
    end: string,
    from: number,
    readPart: () => boolean,
  ): JsonToken | undefined {
    this.#at++
    if (!this.#take(end)) {
      do if (!readPart()) return undefined
      while (this.#take(','))
      if (!this.#take(end)) return undefined
    }
    return { type, text: this.#text.slice(from, this.#at) }
  }

  #member(depth: number): boolean {
    this.#skipSpaces()
    return this.#literal('string') !== undefined && this.#take(':') && this.value(depth) !== undefined
  }

  #literal(type: keyof typeof literals): JsonToken | undefined {
    this.#skipSpaces()
    const pattern = literals[type]
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    return { type, text: match[0] }
  }

  #take(char: string): boolean {
    this.#skipSpaces()
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #skipSpaces(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at++
  }
}
