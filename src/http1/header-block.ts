/** Header lines into a {@link HeaderList} (RFC 9112 section 5): strict, and the one loop that all heads go through. */
import { latin1Text } from '../bytes/latin1.ts'
import { Character, characters, showByte } from './characters.ts'
import { Http1Error } from './errors.ts'
import { HeaderList } from './header-list.ts'
import { internHeaderName, longestKept } from './header-name.ts'
import type { HeaderName } from './header-name.ts'

/** What a head may cost. The defaults are those of HAProxy (`tune.bufsize`, `tune.http.maxhdr`). */
export interface HeadLimits {
  /** Largest head in bytes, from the first line to the blank line. @default 16384 */
  readonly maxHeadSize: number
  /** Most header fields. @default 101 */
  readonly maxHeaders: number
}

/** The limits that HAProxy has by default. */
export const defaultHeadLimits: HeadLimits = { maxHeadSize: 16_384, maxHeaders: 101 }

/** How header lines are read. */
export interface HeaderBlockOptions {
  /** @default 101 */
  readonly maxHeaders?: number
  /**
   * Whether a line may end with LF alone. CGI programs do that (RFC 3875 section 6), HTTP messages must not.
   * @default false
   */
  readonly bareLf?: boolean
}

const CR = 0x0d
const LF = 0x0a
const SP = 0x20
const HTAB = 0x09
const COLON = 0x3a

/**
 * Reads header lines from `start` up to the blank line that ends them; `end` is where the block ends, the blank line
 * included. The blank line may be missing, so a block that was cut before it can be read too.
 * @throws Http1Error `ERR_HTTP1_HEADER_NAME`, `…_HEADER_VALUE`, `…_LINE_FOLDING`, `…_LINE_END`, `…_TOO_MANY_HEADERS`.
 */
export function parseHeaderBlock(
  bytes: Buffer,
  start = 0,
  end: number = bytes.length,
  options: HeaderBlockOptions = {},
): HeaderList {
  const maxHeaders = options.maxHeaders ?? defaultHeadLimits.maxHeaders
  const names = blockNames
  return readHeaderLines(headText(bytes, start, end), start, {
    maxHeaders,
    bareLf: options.bareLf ?? false,
    names,
  })
}

/** Bytes from `start` to `end`, and the same as text with one character per byte: made once, and cut. */
export interface HeadText {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The text of a head, or of header lines. */
export function headText(bytes: Buffer, start: number, end: number): HeadText {
  return { bytes, start, end, text: latin1Text(bytes, start, end) }
}

/** How {@link readHeaderLines} reads. */
export interface LineReading {
  readonly maxHeaders: number
  readonly bareLf: boolean
  /** The names of the last head of this kind, by their places: the next one mostly has them there, too. */
  readonly names: HeaderName[]
}

const blockNames: HeaderName[] = []

/** {@link parseHeaderBlock} without its defaults, from `from` on. */
export function readHeaderLines(
  { bytes, start, end, text }: HeadText,
  from: number,
  { maxHeaders, bareLf, names }: LineReading,
): HeaderList {
  const headers = new HeaderList(end - from)
  let at = from
  while (at < end) {
    const byte = bytes[at] as number // at < end
    if (byte === CR || byte === LF) {
      skipLineEnd(bytes, at, end, bareLf)
      break
    }
    if (headers.length >= maxHeaders)
      throw new Http1Error('ERR_HTTP1_TOO_MANY_HEADERS', `more than ${maxHeaders}`)
    const index = headers.length
    let name = names[index]
    if (name === undefined || !isName(name, bytes, at, end)) {
      name = readName(bytes, at, end)
      if (name.name.length <= longestKept) names[index] = name
    }
    const colon = at + name.name.length
    let first = colon + 1
    while (first < end && (bytes[first] === SP || bytes[first] === HTAB)) first++
    let to = first
    while (to + 4 <= end && areText(bytes, to)) to += 4
    while (to < end && ((characters[bytes[to] as number] as number) & Character.Text) !== 0) to++
    const next = skipLineEnd(bytes, to, end, bareLf)
    const asWritten = first === colon + 2 && bytes[colon + 1] === SP && next === to + 2
    const lineEnd = to
    while (to > first && (bytes[to - 1] === SP || bytes[to - 1] === HTAB)) to--
    headers.push(name, text.slice(first - start, to - start), asWritten && to === lineEnd ? at : -1)
    at = next
  }
  return headers
}

/**
 * Whether this name and a colon begin at `at`. It compares by itself: V8 does not inline a function more into the loop over
 * fields, and a call for each costs 2 to 3 % of a request.
 */
function isName({ name }: HeaderName, bytes: Buffer, at: number, end: number): boolean {
  const colon = at + name.length
  if (colon >= end || bytes[colon] !== COLON) return false
  for (let index = 0; index < name.length; index++)
    if (name.charCodeAt(index) !== bytes[at + index]) return false
  return true
}

function readName(bytes: Buffer, at: number, end: number): HeaderName {
  let hash = 0
  let colon = at
  while (colon < end) {
    const byte = bytes[colon] as number // colon < end
    if (((characters[byte] as number) & Character.Token) === 0) break
    hash = (Math.imul(hash, 31) + byte) | 0
    colon++
  }
  if (colon === at || bytes[colon] !== COLON || colon >= end) refuseName(bytes, at, colon, end)
  return internHeaderName(bytes, at, colon, hash ^ (hash >>> 10))
}

/** Whether four bytes may all stand in a value: most do. */
function areText(bytes: Buffer, at: number): boolean {
  const uses =
    (characters[bytes[at] as number] as number) & // within bounds, and 256 entries
    (characters[bytes[at + 1] as number] as number) &
    (characters[bytes[at + 2] as number] as number) &
    (characters[bytes[at + 3] as number] as number)
  return (uses & Character.Text) !== 0
}

function refuseName(bytes: Buffer, at: number, stop: number, end: number): never {
  const first = bytes[at]
  if (first === SP || first === HTAB)
    throw new Http1Error('ERR_HTTP1_LINE_FOLDING', 'a line begins with white space')
  const byte = stop < end ? bytes[stop] : undefined
  const name = JSON.stringify(bytes.toString('latin1', at, Math.min(stop, at + 40)))
  throw new Http1Error('ERR_HTTP1_HEADER_NAME', `${showByte(byte)} after ${name}`)
}

/**
 * Moves past the line end at `at`.
 * @throws Http1Error `ERR_HTTP1_LINE_END` when a CR or an LF stands alone, `ERR_HTTP1_HEADER_VALUE` when it is
 * another byte, one that no value may hold.
 */
export function skipLineEnd(bytes: Buffer, at: number, end: number, bareLf: boolean): number {
  const byte = at < end ? bytes[at] : undefined
  if (byte === CR && at + 1 < end && bytes[at + 1] === LF) return at + 2
  if (byte === LF && bareLf) return at + 1
  if (byte === CR || byte === LF || byte === undefined) {
    throw new Http1Error('ERR_HTTP1_LINE_END', byte === LF ? 'LF without CR' : 'CR without LF')
  }
  throw new Http1Error('ERR_HTTP1_HEADER_VALUE', showByte(byte))
}
