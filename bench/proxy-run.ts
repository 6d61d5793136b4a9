/** Runs a case: CPU seconds of each gateway per million requests, and their ratio. */
import { atLeast, atMost, notRun, told, type Figure } from './figure.js'
import type { ProxyCase } from './proxy-cases.js'
import { gateways, startGateway, type Gateway } from './proxy-gateway.js'
import { proxyConfiguration, startOrigin } from './proxy-origin.js'
import { compile, hasProgram, median, start } from './processes.js'
import { isFcgi, missingForFcgi } from './fcgi-origin.js'

/** Of a run; times in milliseconds. */
export interface Measurement {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** CPU seconds of the gateway per million answers. */
  readonly cpu: number
}

/**
 * Seconds, requests, and the most bytes of them: the just-in-time compiler counts calls, and a busy machine makes few of them in a
 * second.
 */
const warmUp = { seconds: 2, requests: 40_000, bytes: 2_000_000_000 }

/** One run of one gateway, started for it. */
export async function measure(
  each: ProxyCase,
  gateway: Gateway,
  seconds: number,
  load: string,
): Promise<Measurement> {
  const { setup } = each
  const origin = await startOrigin(setup, each.length)
  try {
    const configure = (port: number) => proxyConfiguration(setup, port, origin)
    const running = await startGateway(gateway, configure, setup === 'log-stdout')
    try {
      const to = `-a ${running.port} -u ${each.path ?? origin.path} -p ${running.pid} -t ${seconds} ${loadOptions(each)}`
      const client = await start(1, [load, ...to.split(' ')])
      await client.stop()
      return readLoad(client.line, `${each.name}, ${gateway.name}`)
    } finally {
      await running.stop()
    }
  } finally {
    await origin.stop()
  }
}

/** What http-load is told of a case. */
function loadOptions(each: ProxyCase): string {
  const { connections, length, upload, fields, closes, varies } = each
  const bytes = length + (upload ?? 0)
  const requests = Math.min(each.warmUpRequests ?? warmUp.requests, Math.ceil(warmUp.bytes / bytes))
  return [
    `-c ${connections} -l ${length} -w ${warmUp.seconds} -n ${requests}`,
    ...(upload === undefined ? [] : [`-b ${upload}`]),
    ...(fields === undefined ? [] : [`-f ${fields}`]),
    ...(closes === true ? ['-x'] : []),
    ...(varies === true ? ['-v'] : []),
  ].join(' ')
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
  if (isFcgi(each.setup)) missing.push(...missingForFcgi(each.setup))
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
    const own = gateway === others[0]?.gateway
    const beside = (what: string, key: 'cpu' | 'p99', bar: number | undefined): Figure => {
      const all = results.map((each, run) => each[key] / (haproxy.results[run]?.[key] ?? Number.NaN))
      const figure = `${gateway.name}: ${what} over HAProxy`
      return own && bar !== undefined
        ? atMost(each.name, figure, median(all), 'x', bar)
        : told(each.name, figure, median(all), 'x')
    }
    const ratios = [beside('CPU', 'cpu', each.bar), beside('p99', 'p99', each.p99Bar)]
    if (each.speedBar === undefined) return [...figures, ...ratios]
    const shares = results.map(
      ({ perSecond }, run) => perSecond / (haproxy.results[run]?.perSecond ?? Number.NaN),
    )
    const figure = `${gateway.name}: share of HAProxy's throughput`
    const share = own
      ? atLeast(each.name, figure, median(shares), 'x', each.speedBar)
      : told(each.name, figure, median(shares), 'x')
    return [...figures, ...ratios, share]
  })
}
