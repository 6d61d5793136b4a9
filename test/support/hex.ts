/**
 * Reads files of annotated vectors: bytes that a person wrote from a specification, and what they mean.
 *
 * ```
 * # ACK of stream 7, frame 1: unset txn.x                 SPOE.txt 3.2.7
 * 00 00 00 0c              # length 12
 * 67  00 00 00 01  07  01  # ACK, FIN, stream-id, frame-id
 * 02 02 02  01 "x"         # unset-var, two arguments, txn, the name
 * => { "type": "ack", "streamId": 7, "frameId": 1, "actions": [["unset-var", "txn", "x"]] }
 * ```
 *
 * A byte is two hexadecimal digits; `"text"` stands for its ASCII bytes, and `*N` behind either repeats it. Lines end
 * a vector when they begin with an arrow:
 *
 * - `=> {json}`: the bytes mean this, and this is written as these bytes;
 * - `~> {json}`: the bytes mean this, and we would write it otherwise;
 * - `=> error CODE`: decoding answers this code;
 * - `=> split CODE`: the bytes are refused before a frame is complete.
 *
 * Indented lines below an arrow continue it. The first comment line of a vector is its name.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** One vector of a file. */
export interface Vector {
  /** File and line, for messages. */
  readonly where: string
  readonly name: string
  readonly bytes: Buffer
  readonly expected: Expected
}

/** What an arrow says. */
export type Expected =
  | { readonly kind: 'value'; readonly value: unknown; readonly canonical: boolean }
  | { readonly kind: 'error'; readonly code: string }
  | { readonly kind: 'split'; readonly code: string }

const token = /\s*(?:"([^"]*)"|([0-9a-fA-F]{2}))(?:\*(\d+))?/y

/** The bytes of one line, its comment excluded. Throws on anything that is not a byte. */
export function parseHex(line: string): Buffer {
  const text = stripComment(line).trimEnd()
  const pieces: Buffer[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const match = token.exec(text)
    if (match === null) throw new Error(`not bytes: '${text.slice(at)}'`)
    const [, quoted, digits = '', times = '1'] = match
    const once = quoted === undefined ? Buffer.from(digits, 'hex') : Buffer.from(quoted, 'ascii')
    for (let count = Number(times); count > 0; count--) pieces.push(once)
  }
  return Buffer.concat(pieces)
}

/** A `#` inside quotes is text. */
function stripComment(line: string): string {
  return line.replace(/^((?:[^"#]|"[^"]*")*)#.*$/, '$1')
}

function parseExpected(arrow: string, text: string, where: string): Expected {
  const failure = /^(error|split) (ERR_[A-Z0-9_]+)$/.exec(text)
  if (failure !== null) return { kind: failure[1] as 'error' | 'split', code: failure[2] as string }
  try {
    return { kind: 'value', value: JSON.parse(text), canonical: arrow === '=>' }
  } catch (cause) {
    throw new Error(`${where}: the expectation is not JSON: ${text}`, { cause })
  }
}

/** All vectors of one text. */
export function parseVectors(text: string, file: string): Vector[] {
  const vectors: Vector[] = []
  const lines = text.split('\n')
  let name = ''
  let start = 0
  let pieces: Buffer[] = []
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const arrow = /^([=~]>)\s*(.*)$/.exec(line)
    if (arrow === null) {
      if (pieces.length === 0 && line.startsWith('#')) name ||= line.replace(/^#+\s*/, '')
      if (line.trim() === '' && pieces.length === 0) name = '' // a comment that stands alone is about the file
      const bytes = parseLine(line, `${file}:${index + 1}`)
      if (bytes.length > 0 && pieces.length === 0) start = index + 1
      if (bytes.length > 0) pieces.push(bytes)
      continue
    }
    let json = arrow[2] ?? ''
    while (/^\s+\S/.test(lines[index + 1] ?? '')) json += ` ${(lines[++index] ?? '').trim()}`
    const where = `${file}:${start}`
    const expected = parseExpected(arrow[1] ?? '', json, where)
    vectors.push({ where, name: name || where, bytes: Buffer.concat(pieces), expected })
    name = ''
    pieces = []
  }
  if (pieces.length > 0) throw new Error(`${file}:${start}: bytes without an arrow behind them`)
  return vectors
}

function parseLine(line: string, where: string): Buffer {
  try {
    return parseHex(line)
  } catch (cause) {
    throw new Error(where, { cause })
  }
}

/** All vectors of the `.txt` files in a folder, which is named from the root of the repository. */
export function readVectors(folder: string): Vector[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .flatMap((file) => parseVectors(readFileSync(join(folder, file), 'utf8'), basename(file)))
}
