/** What is told of a connection: its log lines, and the counters of what went wrong. */
import type { SluiceError } from '../base/errors.ts'
import type { DisconnectFrame } from '../spop/disconnect.ts'
import { StatusCode } from '../spop/errors.ts'
import type { ConnectionHost } from './connection-host.ts'
import type { ConnectionInfo } from './context.ts'

/** Where it is told. */
type Teller = Pick<ConnectionHost<unknown>, 'options' | 'log' | 'metrics'>

/** The handshake is done. */
export function tellOpen({ options }: Teller, connection: ConnectionInfo, async: boolean): void {
  const { id, peer, engineId, maxFrameSize } = connection
  options.logger.debug({ connection: id, peer, engine: engineId, maxFrameSize, async }, 'connection open')
}

/** A health check was answered with DISCONNECT. */
export function tellNotReady({ options }: Teller, { id, peer }: ConnectionInfo): void {
  options.logger.debug({ connection: id, peer }, 'health check failed: not ready')
}

/** HAProxy has said goodbye, and why, if it was for a reason. */
export function tellDisconnect(
  { log, metrics }: Teller,
  { id, peer }: ConnectionInfo,
  frame: DisconnectFrame,
): void {
  if (frame.statusCode === StatusCode.Normal) return
  metrics.countDisconnect(frame.statusCode)
  log.log(
    'warn',
    'disconnect',
    { connection: id, peer, status: frame.statusCode, reason: frame.message },
    'HAProxy closed the connection',
  )
}

/** The connection ends by our word, for what the peer did; `foreign` says what it speaks, if that is no SPOP. */
export function tellGivenUp(
  teller: Teller,
  { id, peer, engineId }: ConnectionInfo,
  error: SluiceError,
  foreign: string | undefined,
): void {
  const { code } = error
  teller.metrics.countError(code)
  teller.log.log(
    'warn',
    code,
    { code, connection: id, peer, engine: engineId, err: error },
    foreign === undefined ? 'connection given up' : `connection given up: ${foreign}`,
  )
}

/** An answer is dropped, for HAProxy would take it for that to a later question. */
export function tellSuperseded(
  { metrics, log }: Teller,
  { id, peer }: ConnectionInfo,
  error: SluiceError,
): void {
  const { code } = error
  metrics.countError(code)
  const remedy = "keep the deadline below HAProxy's 'timeout processing'"
  log.log(
    'warn',
    code,
    { code, connection: id, peer, err: error },
    `answer dropped, it came too late; ${remedy}`,
  )
}

/** The connection ends without a word, for the peer would not read it. */
export function tellCut({ metrics, log }: Teller, { id, peer }: ConnectionInfo, error: SluiceError): void {
  const { code } = error
  metrics.countError(code)
  log.log('warn', code, { code, connection: id, peer, err: error }, 'connection cut')
}

/** The socket has failed. */
export function tellFailed(
  { metrics, log }: Teller,
  { id, peer }: ConnectionInfo,
  error: NodeJS.ErrnoException,
): void {
  const code = error.code ?? 'ERR_AGENT_CLOSED'
  metrics.countError(code)
  log.log('warn', code, { connection: id, peer, err: error }, 'connection failed')
}

/** It is gone; told of those that were open. */
export function tellClosed({ options }: Teller, { id, peer, engineId }: ConnectionInfo): void {
  if (engineId !== '') options.logger.debug({ connection: id, peer }, 'connection closed')
}
