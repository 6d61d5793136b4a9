/** geoip: where an address is, as databases in MaxMind's format say. */
import type { TypedData } from '../../agent/index.ts'
import { IpAddress } from '../../net/ip-address.ts'
import {
  clientAddress,
  lastForwarded,
  parseAddress,
  trustedProxies,
  unmapped,
  type TrustedProxies,
} from '../frame/client-address.ts'
import {
  byPolicy,
  defineReadyAgent,
  type Answer,
  type Service,
  type ServiceArguments,
  type ServiceEnvironment,
  type SourceState,
} from '../frame/definition.ts'
import { geoipSchema, type GeoipConfig } from './config.ts'
import { GeoDatabase } from './database.ts'
import type { GeoFields } from './fields.ts'

/** The ready agent `geoip`. */
export const readyAgent = defineReadyAgent<GeoipConfig>({
  about: 'says where addresses are, by databases in the format of MaxMind',
  schema: geoipSchema,
  onError: 'open',
  verdicts: ['allow', 'deny'],
  passing: ['allow'],
  perConnection: true,
  outputs: {
    found: { reset: false, about: 'whether a database has the address' },
    country: { reset: '', about: 'its code, ISO 3166-1' },
    continent: { reset: '', about: 'its code' },
    registered_country: { reset: '', about: 'where the network is registered' },
    subdivision: { reset: '', about: 'its code, or its name' },
    city: { reset: '', about: 'its name, in UTF-8' },
    asn: { reset: 0, about: 'number of the autonomous system' },
    as_org: { reset: '', about: 'whose that is' },
    lat: { reset: '', about: 'latitude, as a text' },
    lon: { reset: '', about: 'longitude, as a text' },
    tz: { reset: '', about: 'time zone' },
    is_eu: { reset: false, about: 'what the database says of the European Union' },
    db_epoch: { reset: 0, about: 'when the database was made, in seconds since 1970' },
  },
  usualOutputs: ['country', 'asn', 'found'],
  messages: [
    {
      suffix: '',
      args: { src: 'ip?', ip: 'any?', xff: 'latin1?' },
      samples: { src: 'src', xff: lastForwarded },
      event: 'on-frontend-http-request',
    },
  ],
  rules: (variable) => [
    `http-request deny deny_status 403 if { var(${variable('verdict')}) -m str deny }`,
    '# Nobody but HAProxy may say where a client is.',
    'http-request del-header x-country',
    `http-request set-header x-country %[var(${variable('country')})] if { var(${variable('country')}) -m len gt 0 }`,
  ],
  create: createGeoip,
})

async function createGeoip(config: GeoipConfig, { folder, logger }: ServiceEnvironment): Promise<Service> {
  const { locale, cache, watch } = config
  const around = { folder, locale, cache, watch, logger }
  const databases = config.databases.map((each) => new GeoDatabase(each, around))
  await Promise.all(databases.map((each) => each.start()))
  return new GeoipService(config, databases)
}

/** The arguments, as the definition declares them. */
interface GeoArguments {
  readonly src?: IpAddress
  readonly ip?: TypedData
  readonly xff?: string
}

class GeoipService implements Service {
  readonly #config: GeoipConfig
  readonly #databases: readonly GeoDatabase[]
  readonly #trusted: TrustedProxies

  constructor(config: GeoipConfig, databases: readonly GeoDatabase[]) {
    this.#config = config
    this.#databases = databases
    this.#trusted = trustedProxies(config.trusted_proxies)
  }

  answer(args: ServiceArguments): Answer {
    const address = this.#addressOf(args as GeoArguments)
    if (address === undefined) return this.#judge('no_address', {})
    if (!this.#databases.some(({ ready }) => ready)) return { verdict: byPolicy, reason: 'no_data' }
    return this.#judge('not_found', this.#find(address))
  }

  /** `ip` is asked about when it is there: it may be any sample. */
  #addressOf({ src, ip, xff }: GeoArguments): IpAddress | undefined {
    if (ip === undefined || ip.type === 'null') return clientAddress(src, xff, this.#trusted)
    const value = 'value' in ip ? ip.value : undefined
    if (value instanceof IpAddress) return unmapped(value)
    return value === undefined ? undefined : parseAddress(String(value))
  }

  /** What all databases say; of the same thing the first one counts. */
  #find(address: IpAddress): GeoFields {
    let all: GeoFields = {}
    for (const database of this.#databases) {
      const fields = database.find(address)
      if (Object.keys(fields).length === 0) continue
      all = { found: true, db_epoch: database.epoch, ...fields, ...all }
    }
    return all
  }

  #judge(missing: string, outputs: GeoFields): Answer {
    const { allow, deny, unknown } = this.#config
    if (outputs['found'] !== true) {
      const isJudged = allow !== undefined || deny !== undefined
      return {
        verdict: isJudged ? unknown : 'allow',
        reason: missing,
        outputs: { db_epoch: this.#databases[0]?.epoch },
      }
    }
    if (isAmong(outputs, deny)) return { verdict: 'deny', reason: 'denied', outputs }
    if (allow === undefined) return { verdict: 'allow', reason: 'found', outputs }
    const isAllowed = isAmong(outputs, allow)
    return { verdict: isAllowed ? 'allow' : 'deny', reason: isAllowed ? 'allowed' : 'not_allowed', outputs }
  }

  sources(): readonly SourceState[] {
    return this.#databases.map(({ config, ready, trouble, ageSeconds }) => ({
      name: config.path,
      ok: ready,
      required: true,
      ageSeconds,
      maxAgeSeconds: config.max_age / 1000,
      detail: trouble,
    }))
  }

  refresh(): void {
    for (const database of this.#databases) void database.refresh()
  }

  close(): void {
    for (const database of this.#databases) database.close()
  }
}

function isAmong(
  { country, asn }: GeoFields,
  places: { readonly countries: readonly string[]; readonly asns: readonly number[] } | undefined,
): boolean {
  if (places === undefined) return false
  return places.countries.includes(String(country)) || (typeof asn === 'number' && places.asns.includes(asn))
}
