/** Counts in Redis or Valkey, which agents share. */
import { performance } from 'node:perf_hooks'
import { errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { ServiceError, type ServiceErrorCode } from '../errors.ts'
import type { StoreConfig } from './config.ts'
import type { Decision, Limit } from './limit.ts'
import { openRedis, type RedisClient } from './redis-client.ts'
import { limitScripts } from './script.ts'
import type { SharedStore } from './store.ts'

/** How long a start waits for the first connection, in milliseconds: an agent without its store has its fallback. */
const firstConnection = 1000
/** Connections are tried again and again: not every failure is told. */
const quiet = 10_000

/** A store in Redis; see {@link openRedisStore}. */
export class RedisStore implements SharedStore {
  readonly #client: RedisClient
  readonly #prefix: string
  #users = 1

  constructor(client: RedisClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  get connected(): boolean {
    return this.#client.status === 'ready'
  }

  async take(key: string, limit: Limit, cost: number): Promise<Decision> {
    const { text, sha } = limitScripts[limit.algorithm]
    // In braces, so that a cluster reckons the slot of it alone.
    const name = `${this.#prefix}{${key}}`
    const args = [limit.limit, limit.window, limit.burst, cost]
    try {
      return toDecision(await this.#client.evalsha(sha, 1, name, ...args))
    } catch (error) {
      // A server that was restarted, or told to forget its scripts.
      if (!errorMessage(error).startsWith('NOSCRIPT')) throw error
      return toDecision(await this.#client.eval(text, 1, name, ...args))
    }
  }

  /** Somebody else uses it from now on, too: it closes when all have closed it. */
  share(): this {
    this.#users++
    return this
  }

  close(): void {
    this.#users--
    if (this.#users === 0) this.#client.disconnect()
  }
}

/**
 * Opens a store; it may not be there yet.
 * @throws ServiceError `ERR_SERVICE_PACKAGE`, `ERR_SERVICE_STORE` for what cannot be used at all.
 */
export async function openRedisStore(
  config: StoreConfig,
  folder: string,
  logger: Logger,
): Promise<RedisStore> {
  const client = await openRedis(config, folder).catch((error: unknown) => {
    if (error instanceof ServiceError) throw error
    throw new ServiceError('ERR_SERVICE_STORE', errorMessage(error), { cause: error })
  })
  let told = -Infinity
  const code: ServiceErrorCode = 'ERR_SERVICE_STORE'
  client.on('error', (err: Error) => {
    const now = performance.now()
    if (now - told < quiet) return
    told = now
    logger.warn({ code, err }, 'the shared store cannot be reached')
  })
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, firstConnection)
    for (const event of ['ready', 'error'] as const) {
      client.once(event, () => {
        clearTimeout(timer)
        resolve()
      })
    }
  })
  return new RedisStore(client, config.prefix)
}

/** What a script answers. @throws Error for something else, which no script of ours says. */
function toDecision(answer: unknown): Decision {
  const numbers = Array.isArray(answer) ? answer.map(Number) : []
  const [allowed, remaining, reset, retry] = numbers
  if (remaining === undefined || reset === undefined || retry === undefined || numbers.some(Number.isNaN))
    throw new ServiceError('ERR_SERVICE_STORE', 'the script has answered something else than four numbers')
  return { allowed: allowed === 1, remaining, reset, retry }
}
