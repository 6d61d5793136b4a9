/** Connections to Redis or Valkey: one server, one that sentinels name, or a cluster. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import type { Cluster, Redis } from 'ioredis'
import { loadPackage } from '../frame/optional-package.ts'
import type { StoreConfig } from './config.ts'

/** Either kind of client. */
export type RedisClient = Redis | Cluster

/** The longest wait between two attempts to connect, in milliseconds. */
const longestRetry = 1000
/** How long an attempt may take. */
const connectTimeout = 1000

/**
 * Opens a client, which connects, and connects again, by itself.
 * @throws ServiceError `ERR_SERVICE_PACKAGE`; Error of a file that cannot be read.
 */
export async function openRedis(store: StoreConfig, folder: string): Promise<RedisClient> {
  const module = await loadPackage(() => import('ioredis'), 'ioredis', '6', 'rate-limit')
  const options = optionsOf(store, folder)
  if (store.cluster !== undefined)
    return new module.Cluster(store.cluster.map(parseNode), { ...clusterOptions, redisOptions: options })
  const single = { ...options, ...unqueued, enableAutoPipelining: true, retryStrategy: retryDelay }
  if (store.sentinels !== undefined)
    return new module.Redis({ ...single, ...sentinelOptions(store, options) })
  return store.url === undefined ? new module.Redis(single) : new module.Redis(store.url, single)
}

/** A command that cannot be sent now fails now: its decision is made elsewhere, and it must not count later. */
const unqueued = { enableOfflineQueue: false } as const

const clusterOptions = {
  ...unqueued,
  enableAutoPipelining: true,
  clusterRetryStrategy: retryDelay,
  // What waits longer was decided without the store.
  maxRedirections: 3,
  retryDelayOnFailover: 50,
  retryDelayOnClusterDown: 50,
  slotsRefreshTimeout: connectTimeout,
  slotsRefreshInterval: 5000,
}

function sentinelOptions(
  { sentinels = [], master = '', sentinel_password: sentinelPassword, tls }: StoreConfig,
  options: ReturnType<typeof optionsOf>,
) {
  return {
    sentinels: sentinels.map(parseNode),
    name: master,
    sentinelRetryStrategy: retryDelay,
    sentinelPassword,
    enableTLSForSentinelMode: tls !== false,
    ...(options.tls === undefined ? {} : { sentinelTLS: options.tls }),
  }
}

function retryDelay(times: number): number {
  return Math.min(longestRetry, 50 * 2 ** Math.min(times, 6))
}

function optionsOf({ username, password, db, tls }: StoreConfig, folder: string) {
  return {
    username,
    password,
    db: db ?? 0,
    connectTimeout,
    connectionName: 'sluice-rate-limit',
    // Sent again behind a new connection, a command would count twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    ...(tls === false ? {} : { tls: readTls(tls === true ? {} : tls, folder) }),
  }
}

function readTls(
  { ca, cert, key, server_name: servername }: Exclude<StoreConfig['tls'], boolean>,
  folder: string,
): ConnectionOptions {
  const read = (path: string | undefined) =>
    path === undefined ? undefined : readFileSync(resolve(folder, path))
  return {
    ca: read(ca),
    cert: read(cert),
    key: read(key),
    ...(servername === undefined ? {} : { servername }),
  }
}

function parseNode(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}
