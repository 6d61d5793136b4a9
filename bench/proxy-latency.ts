/** What a SPOE filter adds to a request when the gateway has time: the same file with the filter and without, at a fixed rate. */
import { atMost, notRun, told, type Figure } from './figure.js'
import { readLoad, type Measurement } from './proxy-run.js'
import { gateways, startGateway, type Gateway } from './proxy-gateway.js'
import { proxyConfiguration, startOrigin } from './proxy-origin.js'
import { compile, hasProgram, median, start } from './processes.js'

const name = 'proxy-spoe-latency'
/** Requests a second, and connections of the client: more than are ever in use. */
const [rate, connections] = [1000, 32]
/** Milliseconds. */
const bar = 1
/** As in proxy-run.ts: the just-in-time compiler counts calls. */
const warmUp = '-w 2 -n 40000'

/** One run of one gateway. */
async function measure(
  gateway: Gateway,
  filter: boolean,
  seconds: number,
  load: string,
): Promise<Measurement> {
  const agent = await startOrigin('spoe', 2)
  const configure = (port: number): Readonly<Record<string, string>> => {
    const files = proxyConfiguration('spoe', port, agent)
    const config = files['haproxy.cfg'] ?? ''
    return filter ? files : { ...files, 'haproxy.cfg': config.replace(/^ +filter spoe .*\n/m, '') }
  }
  try {
    const running = await startGateway(gateway, configure)
    try {
      const args = `-a ${running.port} -l 2 -p ${running.pid} -c ${connections} -t ${seconds} -r ${rate} ${warmUp}`
      const client = await start(1, [load, ...args.split(' ')])
      await client.stop()
      return readLoad(client.line, `${name}, ${gateway.name}`)
    } finally {
      await running.stop()
    }
  } finally {
    await agent.stop()
  }
}

/** Rounds as in proxy-run.ts; each gateway runs without the filter and with it, one after the other. */
export async function runLatencyCase(
  runs: number,
  seconds: number,
  beside: string | undefined,
): Promise<Figure[]> {
  const missing = ['haproxy', 'taskset'].filter((program) => !hasProgram(program))
  if (missing.length > 0) return [notRun(name, `${missing.join(', ')} is not installed`)]
  const load = compile('http-load')
  if (load === undefined) return [notRun(name, 'no C compiler')]
  const all = gateways(beside)
  const rounds = all.map((gateway) => ({
    gateway,
    without: [] as Measurement[],
    behind: [] as Measurement[],
  }))
  for (let run = 0; run < runs; run++) {
    for (const { gateway, without, behind } of rounds) {
      without.push(await measure(gateway, false, seconds, load))
      behind.push(await measure(gateway, true, seconds, load))
    }
  }
  return rounds.flatMap(({ gateway, without, behind }) => {
    const added = (key: 'p50' | 'p99') =>
      median(behind.map((each, run) => each[key] - (without[run]?.[key] ?? Number.NaN)))
    const title = (what: string) => `${gateway.name}: ${what}`
    const p99 = title('added by the filter, p99')
    return [
      told(name, title('p99 without the filter'), median(without.map((each) => each.p99)), 'ms'),
      told(name, title('added by the filter, p50'), added('p50'), 'ms'),
      gateway === all[1] ? atMost(name, p99, added('p99'), 'ms', bar) : told(name, p99, added('p99'), 'ms'),
    ]
  })
}
