import type { Writer } from '../../bytes/writer.ts'
import { decodeGetValuesResult, encodeGetValues } from '../codec/values.ts'
import type { ConnectionOptions } from './options.ts'

/**
 * How many requests at a time a connection may carry, and the GET_VALUES that asks for it. Asking goes out with the first
 * request: libfcgi answers only when more comes, and nobody has to answer at all.
 */
export class Negotiation {
  /** Most requests at a time. */
  limit: number
  #probe: 'off' | 'unsent' | 'sent' | 'answered'
  readonly #maxRequests: number

  constructor({ multiplex, maxRequests, getValues }: ConnectionOptions) {
    this.limit = multiplex && !getValues ? maxRequests : 1
    this.#probe = getValues ? 'unsent' : 'off'
    this.#maxRequests = maxRequests
  }

  /** Whether GET_VALUES was sent and not answered: some applications close the connection over it. */
  get probing(): boolean {
    return this.#probe === 'sent'
  }

  /** Puts GET_VALUES before the first request; `sent` says that it went out. */
  encode(writer: Writer): void {
    if (this.#probe === 'unsent') encodeGetValues(writer, ['FCGI_MAX_REQS', 'FCGI_MPXS_CONNS'])
  }

  sent(): void {
    if (this.#probe === 'unsent') this.#probe = 'sent'
  }

  /**
   * Takes the content of GET_VALUES_RESULT. A result without FCGI_MPXS_CONNS, such as Go's second one, changes nothing.
   * @throws FcgiError `ERR_FCGI_TRUNCATED`
   */
  recvResult(bytes: Buffer, start: number, end: number): void {
    const { maxReqs, mpxsConns } = decodeGetValuesResult(bytes, start, end)
    this.recvAnswer()
    if (mpxsConns !== undefined) this.limit = mpxsConns ? this.#allowed(maxReqs) : 1
  }

  /** UNKNOWN_TYPE, or a result: the application lives with being asked. */
  recvAnswer(): void {
    if (this.#probe === 'sent') this.#probe = 'answered'
  }

  #allowed(maxReqs: number | undefined): number {
    if (maxReqs === undefined || maxReqs === 0) return this.#maxRequests
    return this.#maxRequests > 1 ? Math.min(this.#maxRequests, maxReqs) : maxReqs
  }
}
