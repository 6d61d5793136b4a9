/** The timeouts of a section with their fallbacks resolved (configuration.txt 4.2 "timeout ..."). Milliseconds; undefined: none. */
import type { Timeouts } from '../../config/index.ts'

/** What waits for what. */
export interface TimeoutPlan {
  /** Of the side that accepts. */
  readonly client: number | undefined
  readonly httpRequest: number | undefined
  readonly httpKeepAlive: number | undefined
  readonly clientFin: number | undefined
  /** Of the side that connects. */
  readonly connect: number | undefined
  readonly queue: number | undefined
  readonly server: number | undefined
  readonly serverFin: number | undefined
  readonly check: number | undefined
  /** Of both: what a stream uses is that of its backend, else of its frontend. */
  readonly tunnel: number | undefined
  readonly tarpit: number | undefined
}

/** Fills in what falls back to what. */
export function resolveTimeouts(given: Timeouts): TimeoutPlan {
  const { client, connect, server, check, tunnel } = given
  const httpRequest = given.httpRequest ?? client
  return {
    client,
    httpRequest,
    httpKeepAlive: given.httpKeepAlive ?? httpRequest,
    clientFin: given.clientFin ?? client,
    connect,
    queue: given.queue ?? connect,
    server,
    serverFin: given.serverFin ?? server,
    check,
    tunnel,
    tarpit: given.tarpit ?? connect,
  }
}
