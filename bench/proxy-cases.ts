/** `sluice run` beside HAProxy with one thread: CPU seconds of each per million requests, and their ratio. */
import { atMost, notRun, told, type Figure } from './figure.js'
import { gateways, startGateway, type Gateway } from './proxy-gateway.js'
import { proxyConfiguration, startOrigin, type ProxyCaseName } from './proxy-origin.js'
import { compile, hasProgram, median, start } from './processes.js'
import { findPhpFpm } from '../test/support/php-fpm.js'

export interface ProxyCase {
  readonly name: ProxyCaseName
  /** Kept connections of the client, with one request in flight each. */
  readonly connections: number
  /** Bytes of the body of an answer. */
  readonly length: number
  /** CPU of sluice as a multiple of HAProxy's. */
  readonly bar: number
}

export const proxyCases: readonly ProxyCase[] = [
  { name: 'proxy-http', connections: 64, length: 1024, bar: 1.6 },
  { name: 'proxy-spoe', connections: 64, length: 2, bar: 1.57 },
  { name: 'proxy-fcgi', connections: 32, length: 5, bar: 1.47 },
]

/** Of a run; times in milliseconds. */
export interface Measurement {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** CPU seconds of the gateway per million answers. */
  readonly cpu: number
}

/** Seconds, and requests: the just-in-time compiler counts calls, and a busy machine makes few of them in a second. */
const warmUp = { seconds: 2, requests: 40_000 }

/** One run of one gateway, started for it. */
async function measure(
  each: ProxyCase,
  gateway: Gateway,
  seconds: number,
  load: string,
): Promise<Measurement> {
  const origin = await startOrigin(each.name, each.length)
  try {
    const running = await startGateway(gateway, (port) => proxyConfiguration(each.name, port, origin))
    try {
      const client = await start(1, [
        load,
        ...`-a ${running.port} -u ${origin.path} -l ${each.length} -p ${running.pid}`.split(' '),
        ...`-c ${each.connections} -t ${seconds} -w ${warmUp.seconds} -n ${warmUp.requests}`.split(' '),
      ])
      await client.stop()
      return readLoad(client.line, `${each.name}, ${gateway.name}`)
    } finally {
      await running.stop()
    }
  } finally {
    await origin.stop()
  }
}

/** What http-load has printed. @throws for bad and lost answers. */
export function readLoad(line: string, what: string): Measurement {
  const value = (key: string) => Number(new RegExp(`(?:^| )${key}=([\\d.]+)`).exec(line)?.[1] ?? Number.NaN)
  if (value('bad') !== 0 || value('lost') !== 0) throw new Error(`${what}: ${line}`)
  return {
    perSecond: value('answers/s'),
    p50: value('p50us') / 1000,
    p99: value('p99us') / 1000,
    cpu: value('cpu_s_per_M'),
  }
}

/**
 * `runs` rounds; in each one every gateway has its turn, so that all see the same machine. `beside` is the folder of
 * another checkout, to be compared with.
 */
export async function runProxyCase(
  each: ProxyCase,
  runs: number,
  seconds: number,
  beside: string | undefined,
): Promise<Figure[]> {
  const missing = ['haproxy', 'taskset'].filter((program) => !hasProgram(program))
  if (each.name === 'proxy-fcgi' && findPhpFpm() === undefined) missing.push('php-fpm')
  if (missing.length > 0) return [notRun(each.name, `${missing.join(', ')} is not installed`)]
  const load = compile('http-load')
  if (load === undefined || compile('http-origin') === undefined) return [notRun(each.name, 'no C compiler')]

  const rounds = gateways(beside).map((gateway) => ({ gateway, results: [] as Measurement[] }))
  for (let run = 0; run < runs; run++) {
    for (const { gateway, results } of rounds) results.push(await measure(each, gateway, seconds, load))
  }
  const [haproxy, ...others] = rounds
  return rounds.flatMap(({ gateway, results }) => {
    const pick = (key: keyof Measurement) => median(results.map((result) => result[key]))
    const figures = [
      told(each.name, `${gateway.name}: requests`, pick('perSecond'), '1/s'),
      told(each.name, `${gateway.name}: p99`, pick('p99'), 'ms'),
      told(each.name, `${gateway.name}: CPU per million requests`, pick('cpu'), 's'),
    ]
    if (haproxy === undefined || gateway === haproxy.gateway) return figures
    const ratio = median(results.map(({ cpu }, run) => cpu / (haproxy.results[run]?.cpu ?? Number.NaN)))
    const figure = `${gateway.name}: CPU over HAProxy`
    const own = gateway === others[0]?.gateway
    return [
      ...figures,
      own ? atMost(each.name, figure, ratio, 'x', each.bar) : told(each.name, figure, ratio, 'x'),
    ]
  })
}
