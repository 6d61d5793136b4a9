/**
 * Heads and chunks as text to be written with one byte per character (latin1). Header names are written in lower
 * case, as HAProxy writes them. Nothing is checked here: heads that were parsed are clean, and whoever adds a header
 * checks it with isToken and isHeaderValue.
 */
import { takePiece } from '../base/slab.ts'
import { flatText } from '../bytes/flat-text.ts'
import { writeLatin1 } from '../bytes/latin1.ts'
import type { HeaderList } from './header-list.ts'
import type { HeaderName } from './header-name.ts'

/** The head of a request, blank line included; always HTTP/1.1 unless `minor` says 0. */
export function formatRequestHead(
  method: string,
  target: string,
  headers: HeaderList,
  minor: 0 | 1 = 1,
): string {
  return formatHead(formatRequestLine(method, target, minor), headers)
}

/** The first line of a request, without its line end. */
export function formatRequestLine(method: string, target: string, minor: 0 | 1): string {
  return `${method} ${target} HTTP/1.${minor}`
}

/** The head of a response, blank line included; always HTTP/1.1 unless `minor` says 0. */
export function formatResponseHead(
  status: number,
  reason: string,
  headers: HeaderList,
  minor: 0 | 1 = 1,
): string {
  return formatHead(formatStatusLine(status, reason, minor), headers)
}

/** What stands before the reason phrase of HTTP/1.1, by status. */
const statusTexts: string[] = []

/** The first line of a response, without its line end. */
export function formatStatusLine(status: number, reason: string, minor: 0 | 1): string {
  if (minor === 0 || status > 999) return `HTTP/1.${minor} ${status} ${reason}`
  return (statusTexts[status] ??= flatText(`HTTP/1.1 ${status} `)) + reason
}

/** A head, blank line included. @param firstLine - without its line end. */
export function formatHead(firstLine: string, headers: HeaderList): string {
  return `${firstLine}${formatHeaders(headers)}\r\n\r\n`
}

/** {@link formatHead} as bytes. Of many fields this is quicker than text, which is made piece by piece. */
export function encodeHead(firstLine: string, headers: HeaderList): Buffer {
  const size = headers.size
  const bytes = takePiece(firstLine.length + size + 4)
  const at = writeLatin1(bytes, `${firstLine}\r\n`, 0)
  headers.write(bytes, at)
  writeLatin1(bytes, '\r\n', at + size)
  return bytes
}

/** Header lines, each behind the end of the line before it: what is made of few pieces is soon written. */
function formatHeaders({ fields, values }: HeaderList): string {
  let text = ''
  for (let at = 0; at < fields.length; at++) text += (fields[at] as HeaderName).lead + (values[at] as string) // the arrays have one length
  return text
}

/** What stands before the data of a chunk of `size` bytes (at least 1). CR LF follows the data. */
export function formatChunkSize(size: number): string {
  return `${size.toString(16)}\r\n`
}

/** What ends a chunked body. */
export function formatLastChunk(trailers?: HeaderList): string {
  return trailers === undefined ? '0\r\n\r\n' : formatHead('0', trailers)
}
