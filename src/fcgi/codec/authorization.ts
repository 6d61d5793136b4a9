/** What an authorizer has decided (FastCGI 1.0, section 6.3). */
import { HeaderList } from '../../http1/index.ts'
import { requireArgument } from '../../base/options.ts'
import { checkInteger, checkObject, readArgument } from '../arguments.ts'

/** See {@link readAuthorization}. */
export interface FcgiAuthorization {
  /** With status 200; any other is the response for the client. */
  readonly allowed: boolean
  /** What `Variable-NAME` headers say: parameters for the requests that follow, under NAME as it was written. */
  readonly variables: ReadonlyMap<string, string>
}

const prefix = 'variable-'

/**
 * Reads the answer of an application to a request with Role.Authorizer. When it is allowed, the rest of the response, its body
 * too, is nobody's; otherwise there are no variables.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function readAuthorization(response: {
  readonly status: number
  readonly headers: HeaderList
}): FcgiAuthorization {
  return readArgument('the response', () => {
    checkObject('the response', response)
    const { status, headers } = response
    checkInteger('the response: status', status, 999, 100)
    requireArgument(headers instanceof HeaderList, 'the response: headers', 'must be a HeaderList', headers)
    const variables = new Map<string, string>()
    const allowed = status === 200
    for (const [name, value] of allowed ? headers : []) {
      if (name.toLowerCase().startsWith(prefix)) variables.set(name.slice(prefix.length), value)
    }
    return { allowed, variables }
  })
}
