/**
 * YAML with the place of every key and value, and with what stands elsewhere put in: `${NAME}` of the environment, `file:PATH`.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Scalar } from 'yaml'
import { ServiceError } from '../errors.ts'

/** Where something stands, from 1. */
export interface ConfigPlace {
  readonly line: number
  readonly column: number
}

/** Something that is wrong. */
export interface ConfigComplaint extends ConfigPlace {
  readonly message: string
}

/** A key or an index for each level. */
export type ConfigPath = readonly PropertyKey[]

/** What reading needs to know of the world. */
export interface ConfigSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** What `file:` is relative to. */
  readonly folder: string
}

const start: ConfigPlace = { line: 1, column: 1 }

/** The text of a configuration, as a value with places. */
export class ConfigText {
  readonly file: string
  /** Plain objects, arrays, texts, numbers, booleans and null. */
  readonly value: unknown
  /** What is wrong with the text itself. */
  readonly complaints: readonly ConfigComplaint[]
  readonly #read: Reading

  constructor(text: string, file: string, surroundings: ConfigSurroundings) {
    this.file = file
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
    const wrong = [...document.errors, ...document.warnings]
    this.#read = new Reading(lines, surroundings)
    for (const { pos, message } of wrong) this.#read.complaints.push({ ...placeAt(lines, pos[0]), message })
    this.value = wrong.length > 0 ? undefined : this.#read.value(document.contents, [])
    this.complaints = this.#read.complaints
  }

  /** Of a value, or of the nearest thing around it that is there. */
  placeOf(path: ConfigPath): ConfigPlace {
    for (let length = path.length; length >= 0; length--) {
      const found = this.#read.places.get(keyOf(path.slice(0, length)))
      if (found === undefined) continue
      // A key that is missing is told at the key of what should hold it; one thing may stand for a list of one.
      const isThere = length === path.length || typeof path[length] === 'number'
      return isThere ? found : this.placeOfKey(path.slice(0, length))
    }
    return start
  }

  /** Of the key of a value. */
  placeOfKey(path: ConfigPath): ConfigPlace {
    return this.#read.keys.get(keyOf(path)) ?? this.#read.places.get(keyOf(path)) ?? start
  }

  /** Whether a value may be shown: one of the environment, or of a file, may be a secret. */
  isShown(path: ConfigPath): boolean {
    return path.every((_, index) => !this.#read.hidden.has(keyOf(path.slice(0, index + 1))))
  }

  /** One line for a complaint. */
  format({ line, column, message }: ConfigComplaint): string {
    return `${this.file}:${line}:${column}: ${message}`
  }

  /** @throws ServiceError `ERR_SERVICE_CONFIG` with a line for each complaint, when there is one. */
  refuse(complaints: readonly ConfigComplaint[]): void {
    if (complaints.length === 0) return
    const sorted = [...complaints].sort((a, b) => a.line - b.line || a.column - b.column)
    const lines = [...new Set(sorted.map((each) => this.format(each)))]
    throw new ServiceError('ERR_SERVICE_CONFIG', `\n${lines.join('\n')}\n`)
  }
}

function keyOf(path: ConfigPath): string {
  return JSON.stringify(path.map(String))
}

function placeAt(lines: LineCounter, offset: number): ConfigPlace {
  const { line, col } = lines.linePos(offset)
  // Of an empty document the counter knows no line.
  return line === 0 ? start : { line, column: col }
}

/** Nodes to values. */
class Reading {
  readonly complaints: ConfigComplaint[] = []
  readonly places = new Map<string, ConfigPlace>()
  readonly keys = new Map<string, ConfigPlace>()
  /** Values that came from elsewhere: no message shows them. */
  readonly hidden = new Set<string>()
  readonly #lines: LineCounter
  readonly #surroundings: ConfigSurroundings

  constructor(lines: LineCounter, surroundings: ConfigSurroundings) {
    this.#lines = lines
    this.#surroundings = surroundings
  }

  value(node: unknown, path: ConfigPath): unknown {
    const place = this.#placeOf(node)
    if (place !== undefined) this.places.set(keyOf(path), place)
    if (isMap(node)) return this.#map(node, path)
    if (isSeq(node)) return node.items.map((item, index) => this.value(item, [...path, index]))
    if (isScalar(node)) return this.#scalar(node, path)
    // An anchor written once may be used twice; what refers to itself has no end.
    if (isAlias(node)) this.#complain(place, "anchors ('*name') are not read here: write it twice")
    return null
  }

  #map(node: { items: readonly { key: unknown; value: unknown }[] }, path: ConfigPath): unknown {
    const entries: [string, unknown][] = []
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      const place = this.#placeOf(key)
      if (name === '' || name === '__proto__') {
        this.#complain(place, 'a key must be a name')
        continue
      }
      if (place !== undefined) this.keys.set(keyOf([...path, name]), place)
      entries.push([name, this.value(value, [...path, name])])
    }
    return Object.fromEntries(entries)
  }

  #scalar(node: Scalar, path: ConfigPath): unknown {
    const { value } = node
    if (typeof value !== 'string') return value
    const place = this.#placeOf(node)
    const filled = this.#fill(value, place)
    if (filled.startsWith('file:') && !filled.startsWith('file://')) {
      this.hidden.add(keyOf(path))
      return this.#readSecret(filled.slice(5).trim(), place)
    }
    if (filled === value) return value
    this.hidden.add(keyOf(path))
    // As if it stood there: a number without quotes is a number.
    return node.type === 'PLAIN' && isOneReference(value) ? plain(filled) : filled
  }

  #fill(text: string, place: ConfigPlace | undefined): string {
    return text.replace(reference, (whole, name: string | undefined, other: string | undefined) => {
      if (name === undefined) return '$'
      const value = this.#surroundings.env[name]
      if (value !== undefined && value !== '') return value
      if (other !== undefined) return other
      this.#complain(place, `the environment has no ${name}; write \${${name}:-…} for what is taken then`)
      return whole
    })
  }

  #readSecret(path: string, place: ConfigPlace | undefined): string {
    try {
      return readFileSync(resolve(this.#surroundings.folder, path), 'utf8').replace(/\r?\n$/, '')
    } catch (error) {
      this.#complain(place, `file:${path} cannot be read: ${(error as Error).message}`)
      return ''
    }
  }

  #placeOf(node: unknown): ConfigPlace | undefined {
    const range = (node as { range?: readonly number[] | null } | null)?.range
    const offset = range?.[0]
    return offset === undefined ? undefined : placeAt(this.#lines, offset)
  }

  #complain(place: ConfigPlace | undefined, message: string): void {
    this.complaints.push({ ...(place ?? start), message })
  }
}

/** `${NAME}`, `${NAME:-other}`, or `$$`, which is one dollar. */
const reference = /\$\$|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g

function isOneReference(text: string): boolean {
  return /^\$\{[^}]*\}$/.test(text)
}

function plain(text: string): string | number | boolean {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) return Number(text)
  return text === 'true' ? true : text === 'false' ? false : text
}
