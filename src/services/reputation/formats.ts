/** What lists look like: from a text to the ranges in it, with what could not be read. */
import type { Cidr } from '../../net/cidr-map.ts'
import { parseCidr } from '../../net/cidr-map.ts'

/** The formats that there are. */
export const listFormats = ['plain', 'netset', 'hosts', 'csv', 'json', 'scored'] as const

/** How a list is to be read. */
export interface ListFormat {
  readonly format: (typeof listFormats)[number]
  /** `csv`: the number of the column, from 1, or its name in the first line. */
  readonly column?: number | string | undefined
  /** `csv`: between columns. */
  readonly delimiter?: string | undefined
  /** `json`: a JSON pointer to the ranges; a step of `*` is each element. */
  readonly pointer?: string | undefined
}

/** Takes what is found. */
export interface ListReader {
  /** A range, and how bad it is from 0 to 100 when the list says so itself. */
  onRange(range: Cidr, badness: number | undefined): void
  /** Something that is none; `where` is `line 3`, or a place in JSON. */
  onWrong(where: string, what: string): void
}

/** Reads a list. @throws Error when the text as a whole cannot be read. */
export function readList(text: string, how: ListFormat, reader: ListReader): void {
  if (how.format === 'json') return readJson(text, how.pointer ?? '', reader)
  const take = lineReaders[how.format]
  if (how.format === 'csv') return readCsv(text, how, reader)
  eachLine(text, (line, number) => take(line, number, reader))
}

const comment = /(?:[#;]|\/\/).*/
/** In a cell there may be anything. */
const wholeLineComment = /^\s*#.*/

/** Calls back for each line that says something; `#`, `;` and `//` begin comments. */
function eachLine(text: string, onLine: (line: string, number: number) => void, skipped = comment): void {
  let number = 0
  for (let at = 0; at < text.length;) {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    number++
    const line = text.slice(at, end).replace(skipped, '').trim()
    at = end + 1
    if (line !== '') onLine(line, number)
  }
}

type LineReader = (line: string, number: number, reader: ListReader) => void

const first = (line: string): string => /^\S+/.exec(line)?.[0] ?? ''

const lineReaders: Readonly<Record<Exclude<ListFormat['format'], 'json'>, LineReader>> = {
  plain: (line, number, reader) => takeRange(line, `line ${number}`, reader),
  // Also what `ipset save` writes.
  netset: (line, number, reader) => {
    if (/^create\s/.test(line)) return
    const added = /^add\s+\S+\s+(\S+)/.exec(line)
    takeRange(added?.[1] ?? line, `line ${number}`, reader)
  },
  hosts: (line, number, reader) => takeRange(first(line), `line ${number}`, reader),
  csv: () => {},
  // 100 is good in these, and bad everywhere else.
  scored: (line, number, reader) => {
    const match = /^(\S+)\s+(\d{1,3})$/.exec(line)
    const score = Number(match?.[2])
    if (match !== null && score <= 100) takeRange(match[1] ?? '', `line ${number}`, reader, 100 - score)
    else reader.onWrong(`line ${number}`, `'${shorten(line)}' is not a range and a score from 0 to 100`)
  },
}

function takeRange(text: string, where: string, reader: ListReader, badness?: number): void {
  const cidr = parseCidr(text)
  if (cidr === undefined) reader.onWrong(where, `'${shorten(text)}' is not an address or CIDR range`)
  else reader.onRange(cidr, badness)
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function readCsv(text: string, { column = 1, delimiter = ',' }: ListFormat, reader: ListReader): void {
  let index = typeof column === 'number' ? column - 1 : -1
  eachLine(
    text,
    (line, number) => {
      const cells = splitCsv(line, delimiter)
      if (index < 0) {
        index = cells.indexOf(String(column))
        if (index < 0)
          throw new Error(`line ${number}: there is no column '${column}' among ${cells.join(', ')}`)
        return
      }
      const cell = cells[index] ?? ''
      // A line of names, when the column was told by its number.
      if (number === 1 && typeof column === 'number' && !/[.:]/.test(cell)) return
      takeRange(cell, `line ${number}`, reader)
    },
    wholeLineComment,
  )
}

/** Cells of one line; in quotes, a quote is written twice. */
function splitCsv(line: string, delimiter: string): string[] {
  if (!line.includes('"')) return line.split(delimiter).map((cell) => cell.trim())
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? ''
    if (character === '"' && quoted && line[at + 1] === '"') {
      cell += '"'
      at++
    } else if (character === '"') quoted = !quoted
    else if (character === delimiter && !quoted) {
      cells.push(cell.trim())
      cell = ''
    } else cell += character
  }
  return [...cells, cell.trim()]
}

function readJson(text: string, pointer: string, reader: ListReader): void {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replace(/~1/g, '/').replace(/~0/g, '~'))
  follow(JSON.parse(text), steps, '', reader)
}

function follow(value: unknown, steps: readonly string[], where: string, reader: ListReader): void {
  const [step, ...rest] = steps
  if (step === undefined) {
    if (Array.isArray(value)) value.forEach((each, index) => takeJson(each, `${where}/${index}`, reader))
    else takeJson(value, where, reader)
  } else if (step === '*' && typeof value === 'object' && value !== null) {
    for (const [key, each] of Object.entries(value)) follow(each, rest, `${where}/${key}`, reader)
  } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, step)) {
    follow((value as Readonly<Record<string, unknown>>)[step], rest, `${where}/${step}`, reader)
  } else if (!where.includes('/')) throw new Error(`there is no ${where}/${step} in it`)
  // Of many elements some may lack the field: AWS lists IPv4 and IPv6 in different ones.
}

function takeJson(value: unknown, where: string, reader: ListReader): void {
  if (typeof value === 'string') takeRange(value, where, reader)
  else reader.onWrong(where, 'is not a text')
}
