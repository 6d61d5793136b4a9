/** What can go wrong with a proxy as a whole, and the errors that say so. */
import { SluiceError, withDetail, type ErrorAbout, type Fault } from '../base/errors.ts'

/** Codes of {@link ProxyError}, and of the diagnostics that `loadProxy` adds to those of the readers. */
export const proxyFaults = {
  ERR_PROXY_LISTEN: { fault: 'io', message: 'an address cannot be listened on' },
  ERR_PROXY_FILE: { fault: 'io', message: 'a file that the configuration names cannot be read' },
  ERR_PROXY_ERRORFILE: { fault: 'local', message: 'an errorfile is not a whole HTTP response' },
  ERR_PROXY_NAME: { fault: 'local', message: 'a name in a rule is not a header name, or is not declared' },
  ERR_PROXY_AGENT: { fault: 'local', message: 'no agent is mounted under a name' },
  ERR_PROXY_LOG: { fault: 'local', message: 'a log target cannot be reached' },
} as const satisfies Record<string, { fault: Fault; message: string }>

/** One of the codes of {@link proxyFaults}. */
export type ProxyErrorCode = keyof typeof proxyFaults

/** What can go wrong with a proxy as a whole. A stream that fails is a status and a log line, never one of these. */
export class ProxyError extends SluiceError<ProxyErrorCode> {
  constructor(code: ProxyErrorCode, detail?: string, about: Pick<ErrorAbout, 'cause'> = {}) {
    const { fault, message } = proxyFaults[code]
    super(code, withDetail(message, detail), { fault, cause: about.cause })
  }
}
