/** `sluice probe --health`: the health check of `option spop-check`, once, for Kubernetes, systemd and Docker. */
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../net/endpoint.ts'
import { errorMessage } from '../base/errors.ts'
import { healthCheckBytes } from '../testing/haproxy-bytes.ts'
import { judgeHealthReply } from '../testing/peer-judge.ts'
import { connectorOf, type ConnectOptions } from '../testing/target.ts'
import { formatEvent, formatReceived, Wire, type WireEvent } from '../testing/wire.ts'

/** What came of a health check. */
export interface HealthReport {
  readonly healthy: boolean
  /** The answer, or why there is none, in words. */
  readonly detail: string
  /** Milliseconds from the start to the answer. */
  readonly duration: number
  /** 0 is healthy; 1 is not: refused, wrong, or silent; 2 is no connection. */
  readonly exitCode: 0 | 1 | 2
}

/** Asks once, and leaves by a reset, as HAProxy does. `timeout` in milliseconds is for the connection and for the answer. */
export async function checkHealth(
  endpoint: Endpoint,
  { tls, timeout = 2000 }: ConnectOptions,
): Promise<HealthReport> {
  const started = performance.now()
  const report = (exitCode: HealthReport['exitCode'], detail: string): HealthReport => ({
    healthy: exitCode === 0,
    detail,
    duration: performance.now() - started,
    exitCode,
  })
  let stream: Duplex
  try {
    stream = await connectorOf(endpoint, { tls, timeout })()
  } catch (error) {
    return report(2, errorMessage(error))
  }
  const event = await ask(stream, timeout)
  if (event === undefined) return report(1, `no answer within ${timeout} ms`)
  if (event.kind !== 'frame') return report(1, formatEvent(event))
  const wrong = judgeHealthReply(event.frame)
  return wrong === undefined ? report(0, formatReceived(event.frame)) : report(1, wrong)
}

async function ask(stream: Duplex, timeout: number): Promise<WireEvent | undefined> {
  let wire: Wire | undefined
  const event = await new Promise<WireEvent | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeout)
    wire = new Wire(stream, (each) => {
      clearTimeout(timer)
      resolve(each)
    })
    wire.send(healthCheckBytes)
  })
  wire?.reset()
  return event
}
