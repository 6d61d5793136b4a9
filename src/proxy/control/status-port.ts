/** Opens a proxy's status port. The HTTP server is loaded when somebody wants one. */
import { errorMessage, SluiceError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { StatusBoard } from '../../status/board.ts'
import type { StatusOptions } from '../../status/options.ts'
import type { StatusPort } from '../../status/port.ts'
import { ProxyError } from '../errors.ts'
import type { ProxyStatusOptions } from './status-options.ts'
import { createProxySubject } from './status-subject.ts'
import type { SeenProxy } from './status-subject.ts'

/** @throws ProxyError `ERR_PROXY_LISTEN`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`. */
export async function openProxyStatus(
  where: string | Endpoint,
  { name = 'proxy', hosts, maxPages, mode, processMetrics }: ProxyStatusOptions,
  proxy: SeenProxy,
  logger: Logger,
): Promise<StatusPort> {
  const { StatusPort: Port } = await import('../../status/port.ts')
  const options: StatusOptions = { name, hosts, maxPages, mode, processMetrics, verdict: 'status' }
  try {
    return await Port.open(where, options, createProxySubject(proxy), new StatusBoard(), logger)
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new ProxyError('ERR_PROXY_LISTEN', `status port: ${errorMessage(error)}`, { cause: error })
  }
}
