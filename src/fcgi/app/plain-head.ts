import { isWithheld } from './reply-fields.ts'

/** A head in the words of CGI, and where the body begins behind it. */
export interface PlainHead {
  readonly text: string
  readonly end: number
}

const begin = 'HTTP/1.1 '
const finalStatus = /^HTTP\/1\.1 [2-9]\d\d /
/** With `HTTP/1.1 200`. */
const statusEnd = begin.length + 3
// oxlint-disable-next-line no-control-regex -- what has one byte in every encoding
const notAscii = /[^\0-\x7f]/

/**
 * Reads the head that `text` begins with, as node:http writes nearly all of them: whole, in one piece of text, with names and
 * values that it has checked. Undefined for every other: one that goes on, an informational one, one that says how a
 * connection goes on or how a body is coded, and one that has other bytes than characters.
 */
export function readPlainHead(text: string, encoding: BufferEncoding): PlainHead | undefined {
  const end = text.indexOf('\r\n\r\n') + 4
  if (end < 4 || !finalStatus.test(text)) return undefined
  const line = text.indexOf('\r\n', statusEnd)
  for (let at = line + 2; at < end - 2; at = text.indexOf('\r\n', at) + 2) {
    if (isWithheld(text.slice(at, text.indexOf(':', at)))) return undefined
  }
  const head = `Status: ${text.slice(begin.length, end)}`
  return encoding !== 'latin1' && notAscii.test(head) ? undefined : { text: head, end }
}
