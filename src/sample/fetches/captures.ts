/**
 * What is kept of a request and of a response (configuration.txt 7.3.6): captures by the number of their slot, and the
 * request line. They can be read at any time later.
 */
import { pathAndQuery } from '../http-text.ts'
import type { Stream } from '../stream.ts'
import type { SampleValue } from '../value.ts'
import { str } from '../value.ts'
import type { FetchSpec } from './spec.ts'
import { plain } from './spec.ts'

type Captured = readonly (string | undefined)[]

function slotFetch(
  name: string,
  needs: 'request' | 'response',
  doc: string,
  captured: (stream: Stream) => Captured,
): FetchSpec {
  return {
    name,
    args: [{ name: 'idx', type: 'sint' }],
    type: 'str',
    needs: [needs],
    doc,
    build: (args) => {
      const slot = args.count32(0) ?? 0
      // HAProxy 2.6.12 takes it, and crashes.
      if (slot < 0) return args.wrong(0, 'the first slot is 0')
      return {
        one: (stream) => {
          const text = captured(stream)[slot]
          return text === undefined ? undefined : str(text)
        },
      }
    },
  }
}

const optional = (text: string | undefined): SampleValue | undefined =>
  text === undefined ? undefined : str(text)

/** A word of the request line as it was received. */
const wordOf = (stream: Stream, at: number): string | undefined => stream.log.requestLine?.split(' ')[at]

/** The registry entries of this file. */
export const captureFetches: readonly FetchSpec[] = [
  slotFetch(
    'capture.req.hdr',
    'request',
    'What a slot for requests holds; the first is 0.',
    (stream) => stream.log.capturedRequest,
  ),
  slotFetch(
    'capture.res.hdr',
    'response',
    'What a slot for responses holds; the first is 0.',
    (stream) => stream.log.capturedResponse,
  ),
  plain('capture.req.method', 'str', 'request', 'The method as it was received.', (stream) =>
    optional(wordOf(stream, 0)),
  ),
  plain('capture.req.uri', 'str', 'request', 'Path and query as they were received.', (stream) =>
    optional(pathAndQuery(wordOf(stream, 1) ?? '')),
  ),
  plain('capture.req.ver', 'str', 'request', 'HTTP/1.0 or HTTP/1.1.', ({ request }) =>
    request === undefined ? undefined : str(`HTTP/${request.version}`),
  ),
  plain('capture.res.ver', 'str', 'request', 'HTTP/1.0 or HTTP/1.1 of the response.', ({ response }) =>
    response === undefined ? undefined : str(`HTTP/${response.version}`),
  ),
]
