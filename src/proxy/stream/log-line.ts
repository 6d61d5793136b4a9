/** The log line of a stream that has ended. */
import { formatIp } from '../../ip.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import type { ProxyStream } from './stream.ts'

/** Writes it to the targets of the frontend. */
export function logStream(stream: ProxyStream): void {
  const { frontend, record, context } = stream
  const { plan } = frontend
  if (plan.logTargets.length > 0 && stream.logLevel !== 'silent') {
    if (record.carried || !plan.model.options.dontLogNull) {
      const text = plan.logFormat === undefined ? connectLine(stream) : plan.logFormat(stream)
      const data = plan.logFormatSd?.(stream) ?? ''
      context.log.send(plan.logTargets, plan.logTag, stream.logLevel ?? 'info', text, data)
    }
  }
  frontend.logged++
}

/** What HAProxy logs without `option httplog`, `option tcplog` and `log-format`. */
function connectLine({ session, frontend }: ProxyStream): string {
  const mode = frontend.plan.model.mode.toUpperCase()
  return `Connect from ${show(session.source)} to ${show(session.destination)} (${frontend.name}/${mode})`
}

function show(endpoint: SampleEndpoint | undefined): string {
  return endpoint === undefined ? 'unix:1' : `${formatIp(endpoint.address)}:${endpoint.port}`
}
