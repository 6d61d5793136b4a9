/** A policy, ready to be asked: whose requests it counts together, and what it says about them. */
import { hash } from 'node:crypto'
import { CidrMap } from '../../net/cidr-map.ts'
import { IpAddress } from '../../net/ip-address.ts'
import { partsOf, type PolicyConfig } from './config.ts'
import type { Limit } from './limit.ts'

/** The arguments that a key may be made of, as texts; what is not there is empty. */
export type KeyValues = Readonly<Record<string, string>>

/** A policy. */
export class Policy {
  readonly name: string
  readonly limit: Limit
  readonly dryRun: boolean
  readonly #parts: readonly string[]
  readonly #template: string
  readonly #v4: number
  readonly #v6: number
  readonly #exempt: CidrMap<true> = new CidrMap()

  constructor(config: PolicyConfig) {
    const { name, key, limit, window, algorithm, burst = limit } = config
    this.name = name
    this.limit = { algorithm, limit, window, burst }
    this.dryRun = config.dry_run
    this.#template = key
    this.#parts = partsOf(key)
    this.#v4 = config.ipv4_prefix
    this.#v6 = config.ipv6_prefix
    for (const range of config.exempt) this.#exempt.set(range, true)
  }

  isExempt(client: IpAddress | undefined): boolean {
    return client !== undefined && this.#exempt.has(client)
  }

  /**
   * A name for what is counted together: a digest, for clients write much of what goes into it. The limit is part of it:
   * counts of another window would make no sense.
   */
  keyOf(client: IpAddress | undefined, values: KeyValues): string {
    const { algorithm, limit, window, burst } = this.limit
    const parts = this.#parts.map((part) => (part === 'src' ? this.#network(client) : (values[part] ?? '')))
    const text = JSON.stringify([this.name, this.#template, algorithm, limit, window, burst, ...parts])
    return hash('sha256', text, 'base64url').slice(0, 22)
  }

  /** Whoever has one address of IPv6 has 2^64 of them. */
  #network(client: IpAddress | undefined): string {
    if (client === undefined) return ''
    const bits = client.family === 4 ? this.#v4 : this.#v6
    if (bits === client.bytes.length * 8) return client.toString()
    const masked = client.bytes.map((byte, index) => byte & maskOf(bits - index * 8))
    return IpAddress.fromBytes(masked).toString()
  }
}

function maskOf(bits: number): number {
  return bits >= 8 ? 255 : bits <= 0 ? 0 : (0xff00 >> bits) & 255
}
