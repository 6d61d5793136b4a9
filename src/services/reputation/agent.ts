/** ip-reputation: what lists say about an address. */
import { resolve } from 'node:path'
import { wallClock } from '../../base/clock.ts'
import { CidrMap } from '../../net/cidr-map.ts'
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
import { reputationSchema, type ReputationConfig } from './config.ts'
import { DiskCache } from './disk-cache.ts'
import { ReputationList } from './list.ts'
import { formatPrefix } from './range-table.ts'

/** The ready agent `ip-reputation`. */
export const readyAgent = defineReadyAgent<ReputationConfig>({
  about: 'judges addresses by lists of them',
  schema: reputationSchema,
  onError: 'open',
  verdicts: ['allow', 'log', 'challenge', 'deny'],
  passing: ['allow', 'log'],
  perConnection: true,
  outputs: {
    listed: { reset: false, about: 'whether a list has the address' },
    score: { reset: 0, about: 'the weights of the lists that have it, 100 at most; 100 is worst' },
    list: { reset: '', about: 'the first list that has it' },
    lists: { reset: '', about: 'all of them, with commas' },
    categories: { reset: '', about: 'their categories, with commas' },
    action: { reset: '', about: 'the same as verdict' },
    prefix: { reset: '', about: 'the range that the first list has' },
    ttl_s: { reset: 0, about: 'seconds until that list is fetched again; 0 for a file' },
  },
  messages: [
    {
      suffix: '',
      args: { src: 'ip?', xff: 'latin1?' },
      samples: { src: 'src', xff: lastForwarded },
      event: 'on-frontend-http-request',
    },
  ],
  rules: (variable) => [
    `http-request deny deny_status 403 if { var(${variable('verdict')}) -m str deny }`,
    `# http-request redirect location /challenge if { var(${variable('verdict')}) -m str challenge }`,
  ],
  create: createReputation,
})

async function createReputation(config: ReputationConfig, environment: ServiceEnvironment): Promise<Service> {
  const { folder, logger, previous } = environment
  const cache = config.cache_dir === undefined ? undefined : new DiskCache(resolve(folder, config.cache_dir))
  const around = { folder, cache, maxAge: config.state_max_age, logger }
  const lists = config.sources.map((source) => new ReputationList(source, around))
  const before = previous instanceof ReputationService ? previous.lists : []
  await Promise.all(
    lists.map((list) =>
      list.start(before.find(({ fingerprint }) => fingerprint === list.fingerprint)?.loaded),
    ),
  )
  return new ReputationService(config, lists)
}

/** What a list says about an address. */
interface Finding {
  readonly list: ReputationList
  readonly badness: number
  readonly bits: number
}

class ReputationService implements Service {
  readonly lists: readonly ReputationList[]
  readonly #config: ReputationConfig
  readonly #allowed: CidrMap<true> = new CidrMap()
  readonly #trusted: TrustedProxies

  constructor(config: ReputationConfig, lists: readonly ReputationList[]) {
    this.#config = config
    this.lists = lists
    this.#trusted = trustedProxies(config.trusted_proxies)
    for (const range of config.allow) this.#allowed.set(range, true)
  }

  answer(args: ServiceArguments): Answer {
    // As the definition declares them.
    const { src, xff } = args as { readonly src?: IpAddress; readonly xff?: string }
    const address = clientAddress(src, xff, this.#trusted)
    // A client of a unix socket has no address.
    if (address === undefined) return this.#unlisted('no_address')
    if (this.#allowed.has(address)) return allow
    if (!this.#hasData) return { verdict: byPolicy, reason: 'no_data' }
    const found = this.#find(address)
    if (found.some(({ list }) => list.config.allow)) return allow
    const [first] = found
    return first === undefined ? this.#unlisted('not_listed') : this.#listed(address, first, found)
  }

  #find(address: IpAddress): Finding[] {
    const found: Finding[] = []
    for (const list of this.lists) {
      const match = list.loaded?.table.find(address)
      if (match !== undefined) found.push({ list, badness: match.value, bits: match.bits })
    }
    return found
  }

  get #hasData(): boolean {
    return this.lists.some((list) => !list.config.allow && list.loaded !== undefined)
  }

  #unlisted(reason: string): Answer {
    const verdict = this.#config.default_action
    return { verdict, reason, outputs: { action: verdict } }
  }

  #listed(address: IpAddress, first: Finding, found: readonly Finding[]): Answer {
    const score = Math.min(
      100,
      found.reduce((sum, { badness }) => sum + badness, 0),
    )
    const verdict = this.#judge(score)
    const categories = found.flatMap(({ list }) => list.config.category ?? [])
    return {
      verdict,
      reason: 'listed',
      outputs: {
        listed: true,
        score,
        list: first.list.config.name,
        lists: found.map(({ list }) => list.config.name).join(','),
        categories: [...new Set(categories)].join(','),
        action: verdict,
        prefix: formatPrefix(address, first.bits),
        ttl_s: first.list.freshFor,
      },
    }
  }

  #judge(score: number): string {
    const { deny, challenge, log } = this.#config.thresholds
    if (score >= deny) return 'deny'
    if (score >= challenge) return 'challenge'
    return score >= log ? 'log' : 'allow'
  }

  sources(): readonly SourceState[] {
    const isLost = !this.#hasData
    return this.lists.map((list) => {
      const { loaded, trouble, config } = list
      return {
        name: config.name,
        ok: loaded !== undefined,
        required: isLost && !config.allow,
        ageSeconds: loaded === undefined ? undefined : Math.max(0, (wallClock() - loaded.time) / 1000),
        entries: loaded?.table.entries,
        detail: trouble,
      }
    })
  }

  refresh(): void {
    for (const list of this.lists) void list.refresh()
  }

  close(): void {
    for (const list of this.lists) list.close()
  }
}

const allow: Answer = { verdict: 'allow', reason: 'allowed', outputs: { action: 'allow' } }
