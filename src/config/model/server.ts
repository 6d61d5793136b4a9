/** The model of `server` lines and of what chooses among them. */
import type { Endpoint } from '../../net/endpoint.ts'
import type { Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'

/** Our own `inproc@NAME`: an agent in the same process, which whoever runs the proxy mounts under this name. */
export interface InprocAddress {
  readonly type: 'inproc'
  readonly name: string
}

/** Where a server is. */
export type ServerAddress = Endpoint | InprocAddress

/** One `server` line, with what it inherits from `default-server`. */
export interface Server {
  readonly place: Place
  readonly name: string
  readonly address: ServerAddress
  /** `proto`: what is spoken instead of the proxy's own protocol. */
  readonly proto: 'fcgi' | undefined
  readonly check: HealthCheck | undefined
  /** 0 to 256. @default 1 */
  readonly weight: number
  readonly backup: boolean
  /** Starts in maintenance. */
  readonly disabled: boolean
  /** Concurrent requests (HTTP) or connections (TCP); beyond it they queue. Undefined: no limit. */
  readonly maxconn: number | undefined
  /** Idle connections kept. Undefined: no limit. */
  readonly poolMaxConn: number | undefined
  readonly id: number | undefined
}

/** `check` and its numbers. */
export interface HealthCheck {
  /** Milliseconds between checks. @default 2000 */
  readonly inter: number
  /** While the state is changing. @default inter */
  readonly fastInter: number | undefined
  /** While the server is down. @default inter */
  readonly downInter: number | undefined
  /** Checks that must pass to come up. @default 2 */
  readonly rise: number
  /** Checks that must fail to go down. @default 3 */
  readonly fall: number
  /** `check-proto`: what checks speak, when it is not what the server speaks. */
  readonly proto: 'fcgi' | 'h1' | undefined
  /** `port`: where to check, when it is not the server's own port. */
  readonly port: number | undefined
  /** `addr`: where to check, when it is not the server's own address. */
  readonly address: Word | undefined
}

/** Every `balance` algorithm of HAProxy 2.6. */
export const balanceAlgorithms = [
  'roundrobin',
  'static-rr',
  'leastconn',
  'first',
  'random',
  'source',
  'uri',
  'url_param',
  'hdr',
  'hash',
  'rdp-cookie',
] as const

/** The name of one. */
export type BalanceAlgorithm = (typeof balanceAlgorithms)[number]

/** `balance`. */
export interface Balance {
  /** @default 'roundrobin' */
  readonly algorithm: BalanceAlgorithm
  /** What stands in parentheses: the header of `hdr(name)`, the draws of `random(n)`. */
  readonly parameter: string | undefined
  readonly args: readonly Word[]
}
