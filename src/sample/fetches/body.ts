/** Fetches of bodies, status and credentials (configuration.txt 7.3.6). */
import { Buffer } from 'node:buffer'
import type { Arguments } from '../arguments.ts'
import { decodeBase64 } from '../base64.ts'
import { headerValue, parameterValues } from '../http-text.ts'
import type { SampleSource } from '../checkpoint.ts'
import type { SampleRequest, SampleResponse, Stream } from '../stream.ts'
import { requestOf, responseOf } from '../stream.ts'
import { bin, sint, str } from '../value.ts'
import type { Fetch, FetchSpec } from './spec.ts'
import { awaitsRequest, awaitsResponse, plain, text } from './spec.ts'

const nothing = Buffer.alloc(0)

type MessageOf = (stream: Stream) => SampleRequest | SampleResponse | undefined

function forMessage(prefix: 'req' | 'res', from: MessageOf, source: SampleSource): FetchSpec[] {
  const message = prefix === 'req' ? 'request' : 'response'
  const awaits = prefix === 'req' ? awaitsRequest : awaitsResponse
  return [
    plain(`${prefix}.body`, 'bin', source, `The body of the ${message} as far as it is buffered.`, {
      one: (stream) => {
        const found = from(stream)
        return found === undefined ? undefined : bin(found.body ?? nothing)
      },
      // Once the whole message is here, the stream is final. Lengths do not say that they may grow.
      mayChange: (stream) => from(stream) !== undefined || awaits(stream),
    }),
    plain(
      `${prefix}.body_len`,
      'sint',
      source,
      `How many bytes of the ${message} body are buffered.`,
      (stream) => {
        const found = from(stream)
        return found === undefined ? undefined : sint(found.body?.length ?? 0)
      },
    ),
    plain(
      `${prefix}.body_size`,
      'sint',
      source,
      `The announced length of the ${message} body; of one in chunks, that of the chunks that have begun.`,
      (stream) => {
        const found = from(stream)
        return found === undefined ? undefined : sint(found.bodySize ?? found.body?.length ?? 0)
      },
    ),
  ]
}

function bodyParameters(stream: Stream, name: string): string[] {
  const body = requestOf(stream)?.body
  return body === undefined ? [] : parameterValues(body.toString('latin1'), name, '&')
}

function buildBodyParameter(args: Arguments): Fetch {
  const name = args.text(0) ?? ''
  return {
    one: (stream) => text(bodyParameters(stream, name)[0]),
    all: (stream) => bodyParameters(stream, name).map(str),
  }
}

interface Credentials {
  readonly scheme: 'Basic' | 'Bearer'
  readonly user: string | undefined
  readonly password: string | undefined
  readonly token: string
}

function credentialsOf(stream: Stream, header: string): Credentials | undefined {
  const request = requestOf(stream)
  const value = request === undefined ? undefined : headerValue(request.headers, header, 1, false)
  const match = /^([^ ]+) +(.*)$/s.exec(value ?? '')
  const scheme = match?.[1]?.toLowerCase()
  const token = match?.[2] ?? ''
  if (scheme === 'bearer') return { scheme: 'Bearer', user: undefined, password: undefined, token }
  if (scheme !== 'basic') return undefined
  const decoded = decodeBase64(token)?.toString('latin1').split('\0', 1)[0]
  const colon = decoded === undefined ? -1 : decoded.indexOf(':')
  if (decoded === undefined || colon < 0) return undefined
  return { scheme: 'Basic', user: decoded.slice(0, colon), password: decoded.slice(colon + 1), token }
}

/** Of a header that is named there is always a token, if an empty one. */
function buildBearer(args: Arguments): Fetch {
  const named = args.text(0)?.toLowerCase()
  return {
    one: (stream) => {
      const found = credentialsOf(stream, named ?? authorization)
      if (found?.scheme === 'Bearer') return str(found.token)
      return named === undefined ? undefined : str('')
    },
  }
}

const authorization = 'authorization'

/** The registry entries of this file. */
export const bodyFetches: readonly FetchSpec[] = [
  ...forMessage('req', requestOf, 'request-headers'),
  {
    name: 'req.body_param',
    args: [{ name: 'name', type: 'str', optional: true }],
    type: 'bin',
    needs: ['request-headers'],
    doc: 'A parameter of a URL-encoded request body.',
    build: buildBodyParameter,
  },
  ...forMessage('res', responseOf, 'response-headers'),
  plain(
    'res.ver',
    'str',
    'response-headers',
    'The HTTP version of the response: 1.0 or 1.1.',
    (stream) => text(responseOf(stream)?.version),
    ['resp_ver'],
  ),
  plain('status', 'sint', 'response', 'The status code of the response.', {
    one: (stream) => {
      const response = responseOf(stream)
      return response === undefined ? undefined : sint(response.status)
    },
    mayChange: awaitsResponse,
  }),
  plain(
    'http_auth_type',
    'str',
    'request-headers',
    'The scheme of the Authorization header: Basic or Bearer.',
    (s) => text(credentialsOf(s, authorization)?.scheme),
  ),
  plain('http_auth_user', 'str', 'request-headers', 'The user of Basic credentials.', (stream) =>
    text(credentialsOf(stream, authorization)?.user),
  ),
  plain('http_auth_pass', 'str', 'request-headers', 'The password of Basic credentials.', (stream) =>
    text(credentialsOf(stream, authorization)?.password),
  ),
  {
    name: 'http_auth_bearer',
    args: [{ name: 'header', type: 'str', optional: true }],
    type: 'str',
    needs: ['request-headers'],
    doc: 'The token of Bearer credentials, in the Authorization header or another.',
    build: buildBearer,
  },
]
