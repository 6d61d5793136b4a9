/** Runs a case: CPU seconds of each gateway per million requests, and their ratio. */
import { atLeast, atMost, notRun, told, type Figure } from './figure.js'
import type { ProxyCase } from './proxy-cases.js'
import { gateways, startGateway, type Gateway, type RunningGateway } from './proxy-gateway.js'
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
  const standing = await stand(each, gateway)
  try {
    return await sample(standing, each, load, seconds, warmUpOf(each))
  } finally {
    await standing.stop()
  }
}

/** A gateway, and the servers behind it. */
interface Standing {
  readonly name: string
  readonly gateway: RunningGateway
  readonly path: string
  stop(): Promise<void>
}

async function stand(each: ProxyCase, gateway: Gateway): Promise<Standing> {
  const { setup, name } = each
  const origin = await startOrigin(setup, each.length)
  try {
    const configure = (port: number) => proxyConfiguration(setup, port, origin)
    const running = await startGateway(gateway, configure, setup === 'log-stdout')
    const stop = async () => {
      await running.stop().finally(() => origin.stop())
    }
    return { name: `${name}, ${gateway.name}`, gateway: running, path: each.path ?? origin.path, stop }
  } catch (error) {
    await origin.stop()
    throw error
  }
}

/** The seconds and the answers that a load begins with, which do not count. */
interface WarmUp {
  readonly seconds: number
  readonly requests: number
}

function warmUpOf({ length, upload, warmUpRequests }: ProxyCase): WarmUp {
  const requests = Math.ceil(warmUp.bytes / (length + (upload ?? 0)))
  return { seconds: warmUp.seconds, requests: Math.min(warmUpRequests ?? warmUp.requests, requests) }
}

async function sample(
  { name, gateway, path }: Standing,
  each: ProxyCase,
  load: string,
  seconds: number,
  before: WarmUp,
): Promise<Measurement> {
  const to = `-a ${gateway.port} -u ${path} -p ${gateway.pid} -t ${seconds} -w ${before.seconds} -n ${before.requests}`
  const client = await start(1, [load, ...to.split(' '), ...loadOptions(each)])
  await client.stop()
  return readLoad(client.line, name)
}

/** What http-load is told of a case. */
function loadOptions({ connections, length, upload, fields, closes, varies }: ProxyCase): string[] {
  const options = ['-c', `${connections}`, '-l', `${length}`]
  if (upload !== undefined) options.push('-b', `${upload}`)
  if (fields !== undefined) options.push('-f', `${fields}`)
  if (closes === true) options.push('-x')
  if (varies === true) options.push('-v')
  return options
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

/** Short, for other guests of a host come and go within a second; a sample has hundreds of answers nevertheless. */
const sampleSeconds = 0.3
/** The connections are made anew for each, and have had some answers before it. */
function warmUpAgain({ connections }: ProxyCase): WarmUp {
  return { seconds: 0.1, requests: Math.max(500, 10 * connections) }
}
/** Cases with larger answers or requests are measured in one piece. */
const largeBody = 1_000_000

/** One gateway, and the samples of all runs. */
interface Measured {
  readonly gateway: Gateway
  readonly samples: Measurement[]
}

/**
 * `runs` rounds. In each one all gateways are started, and warm; then short samples of them are taken in turns, `seconds` of each:
 * so all see the same machine. `beside` is the folder of another checkout, to be compared with.
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

  const all = gateways(beside).map((gateway): Measured => ({ gateway, samples: [] }))
  for (let run = 0; run < runs; run++) await measureInTurns(each, all, seconds, load)
  const [haproxy, ...others] = all
  return all.flatMap((measured) => {
    const figures = figuresOf(each, measured)
    if (haproxy === undefined || measured === haproxy) return figures
    return [...figures, ...ratiosOf(each, measured, haproxy, measured === others[0])]
  })
}

async function measureInTurns(
  each: ProxyCase,
  all: readonly Measured[],
  seconds: number,
  load: string,
): Promise<void> {
  const standing: Standing[] = []
  const isLarge = each.length + (each.upload ?? 0) > largeBody
  const count = isLarge ? 1 : Math.max(1, Math.round(seconds / sampleSeconds))
  const before = isLarge ? warmUpOf(each) : warmUpAgain(each)
  try {
    for (const { gateway } of all) standing.push(await stand(each, gateway))
    for (const one of isLarge ? [] : standing) await sample(one, each, load, sampleSeconds, warmUpOf(each))
    for (let turn = 0; turn < count; turn++) {
      for (const [at, one] of standing.entries())
        all[at]?.samples.push(await sample(one, each, load, seconds / count, before))
    }
  } finally {
    for (const one of standing) await one.stop()
  }
}

function figuresOf({ name }: ProxyCase, { gateway, samples }: Measured): Figure[] {
  const pick = (key: keyof Measurement) => median(samples.map((each) => each[key]))
  return [
    told(name, `${gateway.name}: requests`, pick('perSecond'), '1/s'),
    told(name, `${gateway.name}: p99`, pick('p99'), 'ms'),
    told(name, `${gateway.name}: CPU per million requests`, calm(samples), 's'),
  ]
}

/**
 * CPU seconds per million requests while nobody else wants the machine: the median of the cheapest quarter, or the cheapest of few. What other guests of a
 * host do with its caches makes a sample dearer, by as much as half, and never cheaper.
 */
function calm(samples: readonly Measurement[]): number {
  const costs = samples.map(({ cpu }) => cpu).toSorted((left, right) => left - right)
  return median(costs.slice(0, Math.max(1, Math.floor(costs.length / 4))))
}

/** Pair by pair, but for the CPU. `own`: the bars are for this one. */
function ratiosOf(
  each: ProxyCase,
  { gateway, samples }: Measured,
  haproxy: Measured,
  own: boolean,
): Figure[] {
  const figure = (what: string) => `${gateway.name}: ${what}`
  const paired = (key: keyof Measurement) =>
    median(samples.map((sample, at) => sample[key] / (haproxy.samples[at]?.[key] ?? Number.NaN)))
  const most = (what: string, value: number, bar: number | undefined) =>
    own && bar !== undefined
      ? atMost(each.name, figure(what), value, 'x', bar)
      : told(each.name, figure(what), value, 'x')
  const ratios = [
    most('CPU over HAProxy', calm(samples) / calm(haproxy.samples), each.bar),
    told(each.name, figure('CPU over HAProxy, all samples'), paired('cpu'), 'x'),
    most('p99 over HAProxy', paired('p99'), each.p99Bar),
  ]
  if (each.speedBar === undefined) return ratios
  const what = figure("share of HAProxy's throughput")
  const share = own
    ? atLeast(each.name, what, paired('perSecond'), 'x', each.speedBar)
    : told(each.name, what, paired('perSecond'), 'x')
  return [...ratios, share]
}
