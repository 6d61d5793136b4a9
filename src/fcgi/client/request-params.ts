import { Buffer } from 'node:buffer'
import { errorMessage } from '../../base/errors.ts'
import { Role } from '../codec/begin-request.ts'
import { ParamList } from '../codec/param-list.ts'
import { paramName, paramNames } from '../codec/param-name.ts'
import type { ParamName } from '../codec/param-name.ts'
import type { Param } from '../codec/params.ts'
import { FcgiError } from '../errors.ts'
import type { ExchangeRequest } from './exchange-types.ts'

const dataLength = paramName('FCGI_DATA_LENGTH')

/** The parameters of a request: those that were given, and those that are added when it is sent. */
export class RequestParams {
  readonly role: number
  readonly method: string
  /** CONTENT_LENGTH, when it was given. */
  readonly declaredLength: string | undefined
  /** What a filter is given; undefined for other roles. */
  readonly data: Uint8Array | undefined
  readonly #given: ExchangeRequest['params']

  constructor({ params, role = Role.Responder, data }: ExchangeRequest) {
    this.role = role
    this.data = role === Role.Filter ? (data ?? new Uint8Array(0)) : undefined
    this.#given = params
    this.method = this.#text(paramNames.requestMethod) ?? 'GET'
    this.declaredLength = this.#text(paramNames.contentLength)
  }

  /** All that is sent. @param length - of the body, in bytes. */
  withLength(length: number | undefined): Iterable<Param> {
    const added: Param[] = []
    if (this.declaredLength === undefined) added.push(['CONTENT_LENGTH', String(length)])
    const { data } = this
    if (data !== undefined && this.#text(dataLength) === undefined) {
      added.push(['FCGI_DATA_LENGTH', String(data.length)])
    }
    return added.length === 0 ? this.#given : [...this.#given, ...added]
  }

  #text(name: ParamName): string | undefined {
    const given = this.#given
    if (given instanceof ParamList) return given.get(name)
    const { text } = name
    const value = 'get' in given ? given.get(text) : given.findLast((each) => each[0] === text)?.[1]
    return typeof value === 'object' ? Buffer.from(value).toString('latin1') : value
  }
}

/** What to say when they cannot be sent: those that were changed after they were given may throw anything. */
export function unsendable(error: unknown): FcgiError {
  if (error instanceof FcgiError) return error
  return new FcgiError('ERR_FCGI_PARAM_VALUE', errorMessage(error), { cause: error })
}
