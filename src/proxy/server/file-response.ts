/** The head of the response that a file gives: validators, conditions and ranges (RFC 9110 sections 8.8, 13 and 14). */
import { HeaderList, reasonPhrase } from '../../http1/index.ts'
import type { RequestHead } from '../../http1/index.ts'
import type { ServedFile } from '../plan/served-file.ts'

/** See {@link fileResponse}. */
export interface FileResponse {
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  /** The part of the file that is the body; nothing where they are equal. */
  readonly start: number
  readonly end: number
}

type Asking = Pick<RequestHead, 'method' | 'headers'>
type About = Pick<ServedFile, 'size' | 'changed' | 'contentType'>

/**
 * The response to a GET or a HEAD: 200, 206 for one range, 304, 412 or 416. A request for several ranges is answered with
 * all of the file, which RFC 9110 allows.
 */
export function fileResponse({ method, headers }: Asking, about: About): FileResponse {
  const { size, changed, contentType } = about
  const etag = `"${Math.trunc(changed).toString(16)}-${size.toString(16)}"`
  const fields = HeaderList.from([
    ['etag', etag],
    ['last-modified', new Date(changed).toUTCString()],
    ['accept-ranges', 'bytes'],
  ])
  const condition = judge(headers, etag, changed)
  if (condition !== 200) return bodyless(condition, fields)
  if (contentType !== undefined) fields.add('content-type', contentType)
  // Ranges are a matter of GET alone (RFC 9110 section 14.2).
  const range = method === 'GET' ? rangeOf(headers, etag, changed, size) : undefined
  if (range === 'unsatisfiable') {
    fields.add('content-range', `bytes */${size}`)
    return bodyless(416, fields)
  }
  const { start, end } = range ?? { start: 0, end: size }
  if (range !== undefined) fields.add('content-range', `bytes ${start}-${end - 1}/${size}`)
  fields.add('content-length', String(end - start))
  const status = range === undefined ? 200 : 206
  return { status, reason: reasonPhrase(status), headers: fields, start, end }
}

function bodyless(status: number, headers: HeaderList): FileResponse {
  if (status !== 304) headers.add('content-length', '0')
  return { status, reason: reasonPhrase(status), headers, start: 0, end: 0 }
}

/** The conditions in the order of RFC 9110 section 13.2.2: 200, 304 or 412. */
function judge(headers: HeaderList, etag: string, changed: number): number {
  const match = listOf(headers, 'if-match')
  const unmodified = dateOf(headers.get('if-unmodified-since'))
  if (match !== undefined) {
    if (!match.includes('*') && !match.includes(etag)) return 412
  } else if (unmodified !== undefined && seconds(changed) > unmodified) return 412
  const noneMatch = listOf(headers, 'if-none-match')
  if (noneMatch !== undefined) {
    // The weak comparison: the W/ of the one that the client has does not count.
    return noneMatch.includes('*') || noneMatch.some((each) => each.replace(/^W\//, '') === etag) ? 304 : 200
  }
  const modified = dateOf(headers.get('if-modified-since'))
  return modified !== undefined && seconds(changed) <= modified ? 304 : 200
}

function listOf(headers: HeaderList, key: string): string[] | undefined {
  const values = headers.all(key)
  return values.length === 0 ? undefined : (values.join(',').match(/\*|(?:W\/)?"[^"]*"/g) ?? [])
}

/** Dates in HTTP have whole seconds. */
function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000
}

/** The three forms of a date in HTTP (RFC 9110 section 5.6.7); `Date.parse` reads much else, and the last one as local time. */
const httpDates: readonly RegExp[] = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [\d ]\d \d\d:\d\d:\d\d \d{4}$/,
]

/** What is no date makes no condition. */
function dateOf(text: string | undefined): number | undefined {
  if (text === undefined || !httpDates.some((form) => form.test(text))) return undefined
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(date) ? undefined : date
}

/** Undefined: all of the file. */
function rangeOf(
  headers: HeaderList,
  etag: string,
  changed: number,
  size: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const found = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(headers.get('range') ?? '')
  // Nothing has no part that Content-Range could name, and 416 would break what asks for 'bytes=0-', as players do.
  if (found === null || size === 0 || !sameFile(headers.get('if-range'), etag, changed)) return undefined
  const [, first = '', last = ''] = found
  if (first === '') {
    if (last === '') return undefined
    const count = Math.min(Number(last), size)
    return count === 0 ? 'unsatisfiable' : { start: size - count, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

/** If-Range: the client has a part of this very file. A date must be the same, for an older one says nothing. */
function sameFile(condition: string | undefined, etag: string, changed: number): boolean {
  if (condition === undefined) return true
  if (condition.includes('"')) return condition.trim() === etag
  return dateOf(condition) === seconds(changed)
}
