/** Two workers of a cluster beside one: CPU for each NOTIFY of all workers together, in turns, under the same load. */
import { atMost, notRun, told, type Figure } from './figure.js'
import { messageName } from './payloads.js'
import { compile, median, start, startScript } from './processes.js'

const name = 'agent-cluster'

export async function runClusterCase(runs: number, seconds: number): Promise<Figure[]> {
  const load = compile('spop-load')
  if (load === undefined) return [notRun(name, 'there is no C compiler')]
  const found: Record<1 | 2, number[]> = { 1: [], 2: [] }
  for (let run = 0; run < runs; run++)
    for (const workers of [1, 2] as const) found[workers].push(await measure(load, workers, seconds))
  const ratio = median(found[2].map((cpu, run) => cpu / (found[1][run] ?? Number.NaN)))
  return [
    told(name, 'one worker: CPU per million', median(found[1]), 's'),
    told(name, 'two workers: CPU per million', median(found[2]), 's'),
    atMost(name, 'two workers: CPU over one', ratio, 'x', 1.1),
  ]
}

/** The load goes where there is room: with two workers both cores are theirs. */
async function measure(program: string, workers: number, seconds: number): Promise<number> {
  const server = await startScript(undefined, 'cluster-server', String(workers))
  try {
    const [port = '', pids = ''] = server.line.split(' ')
    const options = `-a 127.0.0.1:${port} -m ${messageName} -p ${pids} -c 8 -d 20 -t ${seconds} -w 2 -e`
    const { line } = await start(undefined, [program, ...options.split(' ')])
    if (!/\bbad=0 lost=0 dead=0\b/.test(line)) throw new Error(`${name}: ${line}`)
    return Number(/\bcpu_s_per_M=([\d.]+)/.exec(line)?.[1] ?? Number.NaN)
  } finally {
    await server.stop()
  }
}
