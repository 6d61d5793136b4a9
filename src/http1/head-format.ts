/**
 * Heads and chunks as text to be written with one byte per character (latin1). Header names are written in lower
 * case, as HAProxy writes them. Nothing is checked here: heads that were parsed are clean, and whoever adds a header
 * checks it with isToken and isHeaderValue.
 */
import { takePiece } from '../base/slab.ts'
import { writeLatin1 } from '../bytes/latin1.ts'
import type { HeaderList } from './header-list.ts'

/** The head of a request, blank line included; always HTTP/1.1 unless `minor` says 0. */
export function formatRequestHead(
  method: string,
  target: string,
  headers: HeaderList,
  minor: 0 | 1 = 1,
): string {
  return `${formatRequestLine(method, target, minor)}${formatHeaders(headers)}\r\n`
}

/** The first line of a request, its line end included. */
export function formatRequestLine(method: string, target: string, minor: 0 | 1): string {
  return `${method} ${target} HTTP/1.${minor}\r\n`
}

/** The head of a response, blank line included; always HTTP/1.1 unless `minor` says 0. */
export function formatResponseHead(
  status: number,
  reason: string,
  headers: HeaderList,
  minor: 0 | 1 = 1,
): string {
  return `${formatStatusLine(status, reason, minor)}${formatHeaders(headers)}\r\n`
}

/** The first line of a response, its line end included. */
export function formatStatusLine(status: number, reason: string, minor: 0 | 1): string {
  return `HTTP/1.${minor} ${status} ${reason}\r\n`
}

/** A head as bytes, blank line included. Of many fields this is quicker than text, which is made piece by piece. */
export function encodeHead(firstLine: string, headers: HeaderList): Buffer {
  const size = headers.size
  const bytes = takePiece(firstLine.length + size + 2)
  const at = writeLatin1(bytes, firstLine, 0)
  headers.write(bytes, at)
  writeLatin1(bytes, '\r\n', at + size)
  return bytes
}

/** Header lines, without the blank line. */
export function formatHeaders(headers: HeaderList): string {
  const { fields, values } = headers
  let text = ''
  for (let at = 0; at < fields.length; at++) text += `${fields[at]?.key}: ${values[at]}\r\n`
  return text
}

/** What stands before the data of a chunk of `size` bytes (at least 1). CR LF follows the data. */
export function formatChunkSize(size: number): string {
  return `${size.toString(16)}\r\n`
}

/** What ends a chunked body. */
export function formatLastChunk(trailers?: HeaderList): string {
  return trailers === undefined || trailers.length === 0 ? '0\r\n\r\n' : `0\r\n${formatHeaders(trailers)}\r\n`
}
