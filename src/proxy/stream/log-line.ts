/** The lines that a stream writes to the log of its frontend: with a format when it ends, without one when it begins. */
import { formatIp } from '../../net/ip.ts'
import type { StreamLogLevel } from '../../config/index.ts'
import type { LoggedStream } from './logged-stream.ts'

/**
 * A stream has begun: a TCP connection is accepted, or the head of a request is there (`frontend_accept` in
 * src/frontend.c). A frontend with `option httplog`, `option tcplog` or `log-format` says nothing yet.
 */
export function logBeginning(stream: LoggedStream): void {
  const { plan } = stream.frontend
  if (plan.logFormat !== undefined || plan.logTargets.length === 0) return
  stream.context.log.send(plan.logTargets, plan.logTag, 'info', connectLine(stream))
}

/** A stream has ended. */
export function logStream(stream: LoggedStream): void {
  const { frontend, record, context } = stream
  const { logTargets, logTag, logFormat, logFormatSd, model } = frontend.plan
  const level = levelOf(stream)
  if (logFormat !== undefined && logTargets.length > 0 && level !== 'silent') {
    if (record.carried || !model.options.dontLogNull) {
      context.log.send(logTargets, logTag, level, logFormat(stream), logFormatSd?.(stream) ?? '')
    }
  }
  frontend.logged++
}

/** What went well is not logged at all with `option dontlog-normal`, whatever a rule says (`strm_log` in src/log.c). */
function levelOf({ frontend, record, logLevel }: LoggedStream): StreamLogLevel {
  const { dontLogNormal, logSeparateErrors } = frontend.plan.model.options
  if (dontLogNormal && !record.wentWrong) return 'silent'
  return logLevel ?? (logSeparateErrors && record.wentWrong ? 'err' : 'info')
}

function connectLine({ session, frontend }: LoggedStream): string {
  const { source, destination } = session
  const where = `(${frontend.name}/${frontend.plan.model.mode.toUpperCase()})`
  if (destination?.address.length === 0) return `Connect to unix:${destination.port} ${where}`
  if (source === undefined || destination === undefined) return `Connect from ? to ? ${where}`
  const from = `${formatIp(source.address)}:${source.port}`
  return `Connect from ${from} to ${formatIp(destination.address)}:${destination.port} ${where}`
}
