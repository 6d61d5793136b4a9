/** What a client costs that has been answered and keeps its connection: memory of the gateway for each. */
import { atMost, notRun, told, type Figure } from './figure.js'
import { gateways, startGateway, type Gateway } from './proxy-gateway.js'
import { proxyConfiguration, startOrigin } from './proxy-origin.js'
import { compile, hasProgram, residentBytes, start } from './processes.js'

const name = 'proxy-idle'
const count = 5000
/** Connections that load code; they are not counted. */
const first = 200
/** Seconds of load, as before any other figure: what a process needs that has worked is there when clients are counted. */
const warmUp = 3
/** KB. */
const bar = 6
const length = 1024

/** KB for each connection, in a process that has worked, or in one that has just begun. */
async function measure(gateway: Gateway, load: string, warm: boolean): Promise<number> {
  const origin = await startOrigin('http', length)
  const running = await startGateway(gateway, (port) => proxyConfiguration('http', port, origin))
  const run = (options: string) =>
    start(1, [load, ...`-a ${running.port} -l ${length} ${options}`.split(' ')])
  const open = async (connections: number) => {
    const client = await run(`-i -c ${connections}`)
    if (client.line !== 'ready bad=0 lost=0') throw new Error(`${name}, ${gateway.name}: ${client.line}`)
    // What was used for the requests is given back, or would be used for the next ones.
    await new Promise((resolve) => setTimeout(resolve, 2000))
    return client
  }
  try {
    if (warm) await (await run(`-p ${running.pid} -c 64 -t ${warmUp} -w 0 -n 0`)).stop()
    const others = await open(first)
    const before = residentBytes(running.pid)
    const clients = await open(count)
    const after = residentBytes(running.pid)
    await Promise.all([others.stop(), clients.stop()])
    return (after - before) / count / 1024
  } finally {
    await running.stop()
    await origin.stop()
  }
}

export async function runProxyIdleCase(beside: string | undefined): Promise<Figure[]> {
  const missing = ['haproxy', 'taskset'].filter((program) => !hasProgram(program))
  if (missing.length > 0) return [notRun(name, `${missing.join(', ')} is not installed`)]
  const load = compile('http-load')
  if (load === undefined) return [notRun(name, 'no C compiler')]
  const figures: Figure[] = []
  for (const [at, gateway] of gateways(beside).entries()) {
    const figure = `${gateway.name}: RSS per client, ${count} idle`
    const value = await measure(gateway, load, true)
    figures.push(at === 1 ? atMost(name, figure, value, 'KB', bar) : told(name, figure, value, 'KB'))
    figures.push(told(name, `${figure}, none before`, await measure(gateway, load, false), 'KB'))
  }
  return figures
}
