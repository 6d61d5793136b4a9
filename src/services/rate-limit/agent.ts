/** rate-limit: how often somebody may ask, counted here or in a store that agents share. */
import type { IpAddress } from '../../net/ip-address.ts'
import { clientAddress, lastForwarded, trustedProxies, type TrustedProxies } from '../frame/client-address.ts'
import {
  byPolicy,
  defineReadyAgent,
  type Answer,
  type Service,
  type ServiceArguments,
  type ServiceEnvironment,
  type SourceState,
} from '../frame/definition.ts'
import { rateLimitSchema, type RateLimitConfig } from './config.ts'
import { Decider, type SourcedDecision } from './decider.ts'
import { MemoryStore } from './memory-store.ts'
import { Policy } from './policy.ts'
import { openRedisStore, type RedisStore } from './redis-store.ts'

/** The ready agent `rate-limit`. */
export const readyAgent = defineReadyAgent<RateLimitConfig>({
  about: 'limits how often somebody may ask',
  schema: rateLimitSchema,
  onError: 'open',
  verdicts: ['allow', 'deny'],
  passing: ['allow'],
  outputs: {
    allowed: { reset: true, about: 'whether the limit allows it, also in a dry run' },
    limit: { reset: 0, about: 'of the policy' },
    remaining: { reset: 0, about: 'how much is left' },
    reset_s: { reset: 0, about: 'seconds until all of it is there again' },
    retry_after: { reset: 0, about: 'seconds until such a request passes' },
    policy: { reset: '', about: 'its name' },
    source: { reset: '', about: 'who decided: shared, local, or none' },
    header: { reset: '', about: 'for the field RateLimit' },
  },
  messages: [
    {
      suffix: '',
      args: {
        src: 'ip?',
        xff: 'latin1?',
        host: 'latin1?',
        path: 'latin1?',
        method: 'latin1?',
        token: 'latin1?',
        key: 'latin1?',
        policy: 'string?',
        cost: 'integer?',
      },
      samples: {
        src: 'src',
        xff: lastForwarded,
        host: 'req.hdr(host),bytes(0,255)',
        path: 'path,bytes(0,2000)',
        method: 'method',
      },
      event: 'on-frontend-http-request',
    },
  ],
  rules: (variable) => [
    `http-after-response set-header ratelimit %[var(${variable('header')})] if { var(${variable('header')}) -m len gt 0 }`,
    `http-request return status 429 hdr retry-after %[var(${variable('retry_after')})] content-type text/plain string "too many requests" if { var(${variable('verdict')}) -m str deny }`,
  ],
  create: createRateLimit,
})

/** Of the deadline: what decides without the store needs a moment, too. */
const mostPatience = 0.75

async function createRateLimit(config: RateLimitConfig, environment: ServiceEnvironment): Promise<Service> {
  const { folder, logger, deadline, previous } = environment
  const before = previous instanceof RateLimitService ? previous : undefined
  const fingerprint = JSON.stringify(config.store)
  const isSame = before?.storePrint === fingerprint
  // A reload forgets no count.
  const local =
    before !== undefined && before.localKeys === config.local_keys
      ? before.local
      : new MemoryStore(config.local_keys)
  let store: RedisStore | undefined
  if (config.store !== undefined)
    store = isSame ? before.store?.share() : await openRedisStore(config.store, folder, logger)
  const decider = new Decider({
    store,
    local,
    fallback: config.fallback,
    replicas: config.replicas,
    timeout: Math.min(config.store?.timeout ?? 0, Math.ceil(deadline * mostPatience)),
    rememberedRefusals: config.local_cache,
    logger,
  })
  return new RateLimitService(config, fingerprint, local, store, decider)
}

/** The arguments, as the definition declares them. */
interface LimitArguments {
  readonly src?: IpAddress
  readonly xff?: string
  readonly policy?: string
  readonly cost?: number
}

class RateLimitService implements Service {
  readonly storePrint: string | undefined
  readonly localKeys: number
  readonly local: MemoryStore
  readonly store: RedisStore | undefined
  readonly #policies: ReadonlyMap<string, Policy>
  readonly #usual: Policy | undefined
  readonly #trusted: TrustedProxies
  readonly #decider: Decider

  constructor(
    config: RateLimitConfig,
    storePrint: string | undefined,
    local: MemoryStore,
    store: RedisStore | undefined,
    decider: Decider,
  ) {
    this.storePrint = storePrint
    this.localKeys = config.local_keys
    this.local = local
    this.store = store
    this.#decider = decider
    const policies = config.policies.map((each) => new Policy(each))
    this.#policies = new Map(policies.map((policy) => [policy.name, policy]))
    this.#usual = policies[0]
    this.#trusted = trustedProxies(config.trusted_proxies)
  }

  answer(args: ServiceArguments): Answer | Promise<Answer> {
    const { src, xff, policy: name, cost = 1 } = args as LimitArguments
    const policy = name === undefined || name === '' ? this.#usual : this.#policies.get(name)
    // Somebody has misspelt it in haproxy.cfg: no limit can be told.
    if (policy === undefined) return { verdict: byPolicy, reason: 'no_policy' }
    const client = clientAddress(src, xff, this.#trusted)
    if (policy.isExempt(client)) return exempt(policy)
    const key = policy.keyOf(client, args as Readonly<Record<string, string>>)
    const decision = this.#decider.decide(key, policy.limit, Math.max(0, cost))
    return decision instanceof Promise
      ? decision.then((late) => toAnswer(policy, late))
      : toAnswer(policy, decision)
  }

  sources(): readonly SourceState[] {
    const { latency, trouble, isShared } = this.#decider
    if (this.store === undefined)
      return [{ name: 'memory', ok: true, required: false, entries: this.local.size }]
    return [{ name: 'store', ok: isShared, required: false, latencyMs: latency, detail: trouble }]
  }

  close(): void {
    this.#decider.close()
    this.store?.close()
  }
}

function exempt({ name, limit }: Policy): Answer {
  return {
    verdict: 'allow',
    reason: 'exempt',
    outputs: { limit: limit.limit, remaining: limit.limit, policy: name },
  }
}

function toAnswer({ name, limit, dryRun }: Policy, decision: SourcedDecision): Answer {
  const { allowed, remaining, source } = decision
  const seconds = (milliseconds: number) => Math.ceil(milliseconds / 1000)
  const outputs = {
    allowed,
    limit: limit.limit,
    remaining,
    reset_s: seconds(decision.reset),
    retry_after: seconds(decision.retry),
    policy: name,
    source,
    header: source === 'none' ? '' : `"${name}";r=${remaining};t=${seconds(decision.reset)}`,
  }
  if (source === 'none') return { verdict: allowed ? 'allow' : 'deny', reason: 'no_store', outputs }
  if (allowed) return { verdict: 'allow', reason: 'within', outputs }
  return dryRun
    ? { verdict: 'allow', reason: 'dry_run', outputs }
    : { verdict: 'deny', reason: 'over', outputs }
}
