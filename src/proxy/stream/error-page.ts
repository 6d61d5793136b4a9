/** The pages that HAProxy 2.6 answers errors with, to the byte. */
import { Buffer } from 'node:buffer'
import { formatResponseHead, HeaderList } from '../../http1/index.ts'
import type { ErrorReply } from '../plan/reply.ts'

/** One page. */
export interface ErrorPage {
  readonly status: number
  readonly reason: string
  readonly body: Buffer
  /** Whether the page says `Connection: close` by itself. */
  readonly close: boolean
}

const noBytes = Buffer.alloc(0)

function page(status: number, reason: string, text: string): ErrorPage {
  const body = Buffer.from(`<html><body><h1>${status} ${reason}</h1>\n${text}\n</body></html>\n`, 'latin1')
  return { status, reason, body, close: status === 400 || status === 408 }
}

const password = 'You need a valid user and password to access this content.'

const pages = new Map<number, ErrorPage>(
  [
    page(200, 'OK', 'Service ready.'),
    page(400, 'Bad request', 'Your browser sent an invalid request.'),
    page(401, 'Unauthorized', password),
    page(403, 'Forbidden', 'Request forbidden by administrative rules.'),
    page(404, 'Not Found', 'The resource could not be found.'),
    page(
      405,
      'Method Not Allowed',
      'A request was made of a resource using a request method not supported by that resource',
    ),
    page(407, 'Unauthorized', password),
    page(408, 'Request Time-out', "Your browser didn't send a complete request in time."),
    page(410, 'Gone', 'The resource is no longer available and will not be available again.'),
    page(413, 'Payload Too Large', 'The request entity exceeds the maximum allowed.'),
    page(421, 'Misdirected Request', 'Request sent to a non-authoritative server.'),
    page(422, 'Unprocessable Content', 'The server cannot process the contained instructions.'),
    page(425, 'Too Early', 'Your browser sent early data.'),
    page(429, 'Too Many Requests', 'You have sent too many requests in a given amount of time.'),
    page(500, 'Internal Server Error', 'An internal server error occurred.'),
    // The full stop in front is HAProxy's.
    page(
      501,
      'Not Implemented',
      '.The server does not support the functionality required to fulfill the request.',
    ),
    page(502, 'Bad Gateway', 'The server returned an invalid or incomplete response.'),
    page(503, 'Service Unavailable', 'No server is available to handle this request.'),
    page(504, 'Gateway Time-out', "The server didn't respond in time."),
    // HAProxy takes other versions for HTTP/1.1 and has no such page.
    page(505, 'HTTP Version Not Supported', 'Your browser used an HTTP version that is not supported.'),
  ].map((each) => [each.status, each]),
)

/** The statuses that there is a page for. */
export const errorStatuses: readonly number[] = [...pages.keys()]

/** The page of a status; one without words when there is none. */
export function errorPage(status: number): ErrorPage {
  return pages.get(status) ?? { status, reason: 'Other', body: noBytes, close: false }
}

/** The headers of a page that a stream answers with. `Connection` is left to whoever sends it. */
export function pageHeaders(length: number): HeaderList {
  return HeaderList.from([
    ['content-length', String(length)],
    ['cache-control', 'no-cache'],
    ['content-type', 'text/html'],
  ])
}

/** A whole page as HAProxy sends it before there is a stream: names in mixed case, and the connection ends. */
export function rawErrorPage(status: number): Buffer {
  const { reason, body, close } = errorPage(status)
  const connection = close ? 'Connection: close\r\n' : ''
  const head =
    `HTTP/1.1 ${status} ${reason}\r\nContent-length: ${body.length}\r\nCache-Control: no-cache\r\n` +
    `${connection}Content-Type: text/html\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

/** The head of an `errorfile` that is sent before there is a stream. */
export function formatErrorReply({ status, reason, headers, file }: ErrorReply): string {
  const minor = file?.minor ?? 1
  const own = headers.clone()
  if (minor === 1) own.add('connection', 'close')
  return formatResponseHead(status, reason, own, minor)
}
