/** Why a request was not taken: END_REQUEST with another protocol status than REQUEST_COMPLETE (FastCGI 1.0, section 5.5). */
import { ProtocolStatus } from '../codec/end-request.ts'
import { FcgiError } from '../errors.ts'
import type { FcgiErrorCode } from '../errors.ts'

const refusals = new Map<number, FcgiErrorCode>([
  [ProtocolStatus.CantMpxConn, 'ERR_FCGI_CANT_MPX_CONN'],
  [ProtocolStatus.Overloaded, 'ERR_FCGI_OVERLOADED'],
  [ProtocolStatus.UnknownRole, 'ERR_FCGI_UNKNOWN_ROLE'],
])

/** The error of a protocol status. Of one that no document names nobody knows whether the request has run. */
export function refusalOf(protocolStatus: number): FcgiError {
  const code = refusals.get(protocolStatus)
  if (code === undefined) return new FcgiError('ERR_FCGI_PROTOCOL_STATUS', String(protocolStatus))
  return new FcgiError(code, undefined, { notRun: true })
}
