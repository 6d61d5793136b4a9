/** The head that a responder writes to STDOUT: Status, headers, a blank line (RFC 3875, section 6). */
import { isHeaderValue, isToken, reasonPhrase } from '../../http1/index.ts'
import { requireArgument } from '../../base/options.ts'
import { unreadable } from '../arguments.ts'
import { FcgiError } from '../errors.ts'

/** Headers as pairs, a Map or a HeaderList, or as an object; an array is one header line for each value. */
export type ReplyHeaders =
  | Iterable<readonly [name: string, value: string | number]>
  | Readonly<Record<string, string | number | readonly string[]>>

/**
 * The text of a head, one byte per character.
 * @throws FcgiError `ERR_FCGI_STATUS`, `ERR_FCGI_HEADERS` for what would be read as something else at the other end;
 * UsageError `ERR_SLUICE_OPTION` for what is none of the types.
 */
export function formatReplyHead(status: number, headers: ReplyHeaders): string {
  const isObject = typeof headers === 'object' && headers !== null
  requireArgument(isObject, 'the headers', 'must be pairs or an object', headers)
  if (!Number.isInteger(status) || status < 100 || status > 999 || status === 101) {
    throw new FcgiError('ERR_FCGI_STATUS', String(status), { fault: 'local' })
  }
  let text = `Status: ${status} ${reasonPhrase(status)}\r\n`
  try {
    for (const [name, value] of pairs(headers)) text += formatHeader(name, value)
  } catch (error) {
    throw unreadable('the headers', error)
  }
  return `${text}\r\n`
}

function* pairs(headers: ReplyHeaders): Iterable<readonly [string, string | number]> {
  if (Symbol.iterator in headers) {
    yield* headers
    return
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!Array.isArray(value)) yield [name, value as string | number] // what else it may be is refused below
    else for (const each of value) yield [name, each]
  }
}

function formatHeader(name: string, given: string | number): string {
  requireArgument(typeof name === 'string', 'the name of a header', 'must be a string', name)
  if (typeof given !== 'string' && typeof given !== 'number') {
    requireArgument(false, `the header ${name}`, 'must be a string or a number', given)
  }
  const value = String(given)
  if (!isToken(name) || name.toLowerCase() === 'status') {
    throw new FcgiError('ERR_FCGI_HEADERS', `the name ${JSON.stringify(name)}`, { fault: 'local' })
  }
  if (!isHeaderValue(value)) {
    throw new FcgiError('ERR_FCGI_HEADERS', `the value of ${name}`, { fault: 'local' })
  }
  return `${name}: ${value}\r\n`
}
