/** Agents under closed-loop load: ACKs per second, latency, and CPU seconds per million NOTIFYs. */
import { atMost, told, type Figure } from './figure.js'
import { messageName, type PayloadName } from './payloads.js'
import { compile, cpuSeconds, median, start, startScript, type Running } from './processes.js'

interface Measurement {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** CPU seconds of the server per million answers. */
  readonly cpu: number
}

export interface LoadCase {
  readonly name: string
  readonly connections: number
  readonly depth: number
  readonly payload: PayloadName
  /** The handler waits for a turn of the event loop before it answers. */
  readonly async?: true
  /** CPU seconds per million NOTIFYs. */
  readonly cpuBar?: number
  /** CPU as a multiple of the echo's. */
  readonly echoBar?: number
}

export const loadCases: readonly LoadCase[] = [
  { name: 'agent-8x20', connections: 8, depth: 20, payload: 'one', cpuBar: 1.2 },
  { name: 'agent-8x20-mixed', connections: 8, depth: 20, payload: 'mixed', cpuBar: 2.2 },
  { name: 'agent-8x20-async', connections: 8, depth: 20, payload: 'one', async: true },
  { name: 'agent-64x1', connections: 64, depth: 1, payload: 'one', echoBar: 1.15 },
]

/** The next line that a process prints. */
export async function nextLine(load: Running): Promise<string> {
  const seen = load.output().length
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const text = load.output().slice(seen)
    const end = text.indexOf('\n')
    if (end >= 0) return text.slice(0, end)
    if (load.child.exitCode !== null || load.child.signalCode !== null) throw new Error('the load has died')
  }
}

let compiled: string | undefined | null = null

/** One run of the load against a server that listens. */
export function measure(
  server: Running,
  each: LoadCase,
  seconds: number,
  echo: boolean,
): Promise<Measurement> {
  // One in JavaScript takes a whole core, and on a machine whose two cores are one core's two threads that halves the
  // speed of what is measured.
  if (compiled === null) compiled = compile('spop-load')
  return compiled === undefined
    ? measureInNode(server, each, seconds)
    : measureInC(compiled, server, each, seconds, echo)
}

async function measureInC(
  program: string,
  server: Running,
  each: LoadCase,
  seconds: number,
  echo: boolean,
): Promise<Measurement> {
  const load = await start(1, [
    program,
    ...`-a 127.0.0.1:${server.line} -m ${messageName} -p ${server.pid}`.split(' '),
    ...`-c ${each.connections} -d ${each.depth} -t ${seconds} -w 2`.split(' '),
    ...(each.payload === 'mixed' ? ['-8'] : []),
    echo ? '-r' : '-e',
  ])
  const value = (key: string) => Number(new RegExp(`\\b${key}=([\\d.]+)`).exec(load.line)?.[1] ?? Number.NaN)
  if (value('bad') !== 0 || value('lost') !== 0 || value('dead') !== 0)
    throw new Error(`${each.name}: ${load.line}`)
  return {
    perSecond: value('acks/s'),
    p50: value('p50us') / 1000,
    p99: value('p99us') / 1000,
    cpu: value('cpu_s_per_M'),
  }
}

async function measureInNode(server: Running, each: LoadCase, seconds: number): Promise<Measurement> {
  const args = [server.line, String(each.connections), String(each.depth), String(seconds), each.payload]
  const load = await startScript(1, 'load', ...args)
  try {
    load.child.kill('SIGUSR2')
    // The first round warms both ends up.
    await nextLine(load)
    const before = cpuSeconds(server.pid)
    load.child.kill('SIGUSR2')
    const result = JSON.parse(await nextLine(load)) as Record<string, number>
    const used = cpuSeconds(server.pid) - before
    if (result['wrong'] !== 0 || result['closed'] !== 0) {
      throw new Error(`${each.name}: ${result['wrong']} wrong answers, ${result['closed']} connections lost`)
    }
    const answers = result['answers'] ?? 0
    return {
      perSecond: answers / (result['elapsed'] ?? 1),
      p50: result['p50'] ?? 0,
      p99: result['p99'] ?? 0,
      cpu: (used / answers) * 1e6,
    }
  } finally {
    await load.stop()
  }
}

/** `runs` measurements of the agent, each followed by one of the echo, so that both see the same machine. */
export async function runLoadCase(each: LoadCase, runs: number, seconds: number): Promise<Figure[]> {
  const agents: Measurement[] = []
  const echoes: Measurement[] = []
  for (let run = 0; run < runs; run++) {
    for (const [script, results] of [
      ['agent-server', agents],
      ['echo-server', echoes],
    ] as const) {
      const server = await startScript(0, script, each.async === true ? 'async' : each.payload)
      try {
        results.push(await measure(server, each, seconds, script === 'echo-server'))
      } finally {
        await server.stop()
      }
    }
  }
  const pick = (results: readonly Measurement[], key: keyof Measurement) =>
    median(results.map((result) => result[key]))
  const ratio = median(agents.map((agent, run) => agent.cpu / (echoes[run]?.cpu ?? Number.NaN)))
  return [
    told(each.name, 'ACKs', pick(agents, 'perSecond'), '1/s'),
    told(each.name, 'p50', pick(agents, 'p50'), 'ms'),
    told(each.name, 'p99', pick(agents, 'p99'), 'ms'),
    { ...cpuFigure(each, pick(agents, 'cpu')), peer: 'raw Node echo', ratio },
    told(each.name, 'raw Node echo: CPU per million', pick(echoes, 'cpu'), 's'),
    ...(each.echoBar === undefined ? [] : [atMost(each.name, 'CPU over echo', ratio, 'x', each.echoBar)]),
  ]
}

function cpuFigure(each: LoadCase, value: number): Figure {
  const figure = 'CPU per million NOTIFYs'
  return each.cpuBar === undefined
    ? told(each.name, figure, value, 's')
    : atMost(each.name, figure, value, 's', each.cpuBar)
}
