/** What connections to a FastCGI server are made with. */
import { resolveMuxOptions } from '../../fcgi/client/mux.ts'
import type { ResolvedMuxOptions } from '../../fcgi/client/mux.ts'
import type { ProxyContext } from '../context.ts'
import type { ProxyPlan } from '../plan/plan.ts'

/** For all connections of one server. */
export type FcgiOptions = ResolvedMuxOptions

/** As the `fcgi-app` section and the backend's `timeout server` say. */
export function resolveFcgiOptions({ fcgi, timeouts }: ProxyPlan, { settings }: ProxyContext): FcgiOptions {
  const { maxHeadSize, maxHeaders, logger } = settings
  const app = fcgi?.model
  return resolveMuxOptions({
    keepConn: app?.keepConn ?? true,
    getValues: app?.getValues ?? false,
    multiplex: app?.mpxsConns ?? false,
    maxRequests: app?.maxReqs ?? 1,
    responseTimeout: timeouts.server ?? 0,
    maxHeadSize,
    maxHeaders,
    logger,
  })
}
