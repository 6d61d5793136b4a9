/** What `sluice bench` costs itself, beside the load generator in C, when both saturate the same agent. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { atMost, notRun, told, type Figure } from './figure.js'
import { messageName } from './payloads.js'
import { canPin, compile, cpuSeconds, median, start, startScript } from './processes.js'

const name = 'load-own-cpu'
const [connections, depth, warmup] = [8, 20, 3]
const bar = 1.5

/** CPU seconds of a load generator per million answers, and how many there were in a second. */
interface Cost {
  readonly cpu: number
  readonly perSecond: number
}

async function costOfC(program: string, port: string, seconds: number): Promise<Cost> {
  const { line } = await start(1, [
    program,
    ...`-a 127.0.0.1:${port} -m ${messageName} -c ${connections} -d ${depth} -t ${seconds} -w ${warmup} -e`.split(
      ' ',
    ),
  ])
  const value = (key: string) => Number(new RegExp(`\\b${key}=([\\d.]+)`).exec(line)?.[1] ?? Number.NaN)
  const perSecond = value('acks/s')
  // A share of one core, in percent.
  return { cpu: (value('load_cpu') / 100 / perSecond) * 1e6, perSecond }
}

/** CPU time of a process at that time, from what was seen of it before and after. */
function cpuAt(seen: readonly (readonly [at: number, cpu: number])[], time: number): number {
  const after = seen.findIndex(([at]) => at >= time)
  const [left, right] = [seen[after - 1], seen[after]]
  if (left === undefined || right === undefined) return Number.NaN
  return left[1] + ((right[1] - left[1]) * (time - left[0])) / (right[0] - left[0])
}

async function costOfSluice(port: string, seconds: number): Promise<Cost> {
  const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  const args = [
    ...`bench spop://127.0.0.1:${port} --message ${messageName} --arg ip=ip:192.0.2.1`.split(' '),
    ...`--connections ${connections} --inflight ${depth} --warmup ${warmup}s --duration ${seconds}s`.split(
      ' ',
    ),
    ...'--expect sess.ip_score --json --quiet'.split(' '),
  ]
  const node = [process.execPath, command, ...args]
  const [program = '', ...rest] = canPin ? ['taskset', '-c', '1', ...node] : node
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const seen: [number, number][] = []
  const timer = setInterval(() => {
    try {
      seen.push([Date.now(), cpuSeconds(child.pid ?? 0)])
    } catch {
      // It has ended.
    }
  }, 25)
  await once(child, 'close')
  clearInterval(timer)
  const result = JSON.parse(output) as { startedAt: number; duration: number; rate: number; errors: number }
  if (result.errors > 0) throw new Error(`${name}: ${output.slice(0, 400)}`)
  const from = result.startedAt + warmup * 1000
  const used = cpuAt(seen, from + result.duration) - cpuAt(seen, from)
  return { cpu: (used / (result.rate * (result.duration / 1000))) * 1e6, perSecond: result.rate }
}

/** Rounds of the two, one after the other, so that both see the same machine. */
export async function runOwnCpuCase(runs: number, seconds: number): Promise<Figure[]> {
  const program = compile('spop-load')
  if (program === undefined) return [notRun(name, 'no C compiler, so there is nothing beside it')]
  const [ours, theirs]: Cost[][] = [[], []]
  for (let run = 0; run < runs; run++) {
    const agent = await startScript(0, 'agent-server', 'one')
    try {
      theirs?.push(await costOfC(program, agent.line, seconds))
      ours?.push(await costOfSluice(agent.line, seconds))
    } finally {
      await agent.stop()
    }
  }
  const pick = (costs: readonly Cost[] = [], key: keyof Cost) => median(costs.map((cost) => cost[key]))
  const ratio = median((ours ?? []).map((cost, run) => cost.cpu / (theirs?.[run]?.cpu ?? Number.NaN)))
  return [
    told(name, 'sluice bench: ACKs', pick(ours, 'perSecond'), '1/s'),
    told(name, 'sluice bench: own CPU per million NOTIFYs', pick(ours, 'cpu'), 's'),
    told(name, 'in C: ACKs', pick(theirs, 'perSecond'), '1/s'),
    told(name, 'in C: own CPU per million NOTIFYs', pick(theirs, 'cpu'), 's'),
    atMost(name, 'own CPU over that of the one in C', ratio, 'x', bar),
  ]
}
