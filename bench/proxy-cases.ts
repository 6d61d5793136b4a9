/** The cases in which `sluice run` stands beside HAProxy with one thread: a row each. */
import type { ProxySetup } from './proxy-origin.js'

export interface ProxyCase {
  readonly name: string
  readonly setup: ProxySetup
  /** Connections of the client, with one request in flight each. */
  readonly connections: number
  /** Bytes of the body of an answer. */
  readonly length: number
  /** Bytes of the body of a request, which is a POST then. */
  readonly upload?: number
  /** Header fields of a request. @default 3 */
  readonly fields?: number
  /** Each request has a connection of its own, and says `Connection: close`. @default false */
  readonly closes?: boolean
  /** What is asked for, when it is not what the setup has. */
  readonly path?: string
  /** Eight digits behind the path are other ones in each request. @default false */
  readonly varies?: boolean
  /** Requests of the warm-up, where HAProxy would need minutes for the usual number. */
  readonly warmUpRequests?: number
  /** CPU of sluice as a multiple of HAProxy's. */
  readonly bar?: number
  /** Requests a second of sluice as a share of HAProxy's: for bodies so large that it is their throughput. */
  readonly speedBar?: number
  /** p99 of sluice as a multiple of HAProxy's. */
  readonly p99Bar?: number
}

const [kib, mb] = [1024, 1_000_000]

/** Of a path that is in no list; the gateway answers itself. */
const listed = { connections: 64, length: 2, path: '/path-of/some/other/thing/' }

export const proxyCases: readonly ProxyCase[] = [
  { name: 'proxy-http', setup: 'http', connections: 64, length: kib, bar: 1.35, p99Bar: 2 },
  { name: 'proxy-http-256', setup: 'http', connections: 256, length: kib, bar: 1.35, p99Bar: 2 },
  { name: 'proxy-spoe', setup: 'spoe', connections: 64, length: 2, bar: 1.3 },
  { name: 'proxy-spoe-20x20', setup: 'spoe-20x20', connections: 64, length: 2, bar: 1.5 },
  { name: 'proxy-fcgi', setup: 'fcgi', connections: 32, length: 5, bar: 1.25 },
  { name: 'proxy-fcgi-headers', setup: 'fcgi', connections: 32, length: 5, fields: 40, bar: 1.6 },
  { name: 'proxy-fcgi-c', setup: 'fcgi-c', connections: 32, length: 5, bar: 1.25 },
  { name: 'proxy-fcgi-go', setup: 'fcgi-go', connections: 32, length: 5, bar: 1.25 },
  {
    name: 'proxy-fcgi-100m-down',
    setup: 'fcgi-c',
    path: `/down?${100 * mb}`,
    connections: 1,
    length: 100 * mb,
    speedBar: 0.7,
  },
  {
    name: 'proxy-fcgi-100m-up',
    setup: 'fcgi-c',
    path: '/up',
    connections: 1,
    length: 9,
    upload: 100 * mb,
    speedBar: 0.7,
  },
  { name: 'proxy-post-1k', setup: 'http', connections: 64, length: 2, upload: kib, bar: 1.4 },
  { name: 'proxy-post-16k', setup: 'http', connections: 64, length: 2, upload: 16 * kib, bar: 1.4 },
  { name: 'proxy-body-16k-down', setup: 'http', connections: 64, length: 16 * kib, bar: 1.5 },
  { name: 'proxy-body-256k-down', setup: 'http', connections: 16, length: 256 * kib, bar: 1.5 },
  { name: 'proxy-body-10m-down', setup: 'http', connections: 4, length: 10 * mb, bar: 1.5 },
  { name: 'proxy-body-16k-up', setup: 'http', connections: 16, length: 2, upload: 16 * kib, bar: 1.5 },
  { name: 'proxy-body-256k-up', setup: 'http', connections: 16, length: 2, upload: 256 * kib, bar: 1.5 },
  { name: 'proxy-body-10m-up', setup: 'http', connections: 4, length: 2, upload: 10 * mb, bar: 1.5 },
  { name: 'proxy-churn', setup: 'http', connections: 64, length: kib, closes: true, bar: 1.8 },
  { name: 'proxy-log-udp', setup: 'log-udp', connections: 64, length: kib, bar: 1.6 },
  { name: 'proxy-log-stdout', setup: 'log-stdout', connections: 64, length: kib, bar: 1.6 },
  { name: 'proxy-headers', setup: 'http', connections: 64, length: kib, fields: 80, bar: 1.6 },
  { name: 'proxy-list-none', setup: 'list-none', ...listed },
  { name: 'proxy-list-sub', setup: 'list-sub', ...listed, bar: 3 },
  { name: 'proxy-list-sub-varied', setup: 'list-sub', ...listed, varies: true, warmUpRequests: 100, bar: 3 },
  { name: 'proxy-list-reg', setup: 'list-reg', ...listed, bar: 3 },
  { name: 'proxy-list-reg-varied', setup: 'list-reg', ...listed, varies: true, warmUpRequests: 1000, bar: 3 },
]
