/** Agents under load: ACKs per second, latency, and CPU seconds per million NOTIFYs. */
import { atMost, notRun, told, type Figure } from './figure.js'
import { messageName, type PayloadName } from './payloads.js'
import { compile, cpuSeconds, median, start, startScript, startScriptOf, type Running } from './processes.js'

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
  /** NOTIFYs in a second over all connections; without it each answer is followed by the next at once. */
  readonly rate?: number
  /** Milliseconds. */
  readonly p99Bar?: number
}

export const loadCases: readonly LoadCase[] = [
  { name: 'agent-8x20', connections: 8, depth: 20, payload: 'one', cpuBar: 0.9, echoBar: 2 },
  { name: 'agent-8x20-mixed', connections: 8, depth: 20, payload: 'mixed', cpuBar: 1.8 },
  { name: 'agent-8x20-async', connections: 8, depth: 20, payload: 'one', async: true },
  { name: 'agent-64x1', connections: 64, depth: 1, payload: 'one', echoBar: 1.06 },
  { name: 'agent-128-args', connections: 8, depth: 20, payload: 'wide', cpuBar: 9 },
  { name: 'agent-5000', connections: 5000, depth: 4, payload: 'one', rate: 20_000, p99Bar: 8 },
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

/** The load in C; undefined where there is no compiler. */
function loadInC(): string | undefined {
  if (compiled === null) compiled = compile('spop-load')
  return compiled
}

/** One run of the load against a server that listens. */
export function measure(
  server: Running,
  each: LoadCase,
  seconds: number,
  echo: boolean,
): Promise<Measurement> {
  // One in JavaScript takes a whole core, and on a machine whose two cores are one core's two threads that halves the
  // speed of what is measured.
  const program = loadInC()
  return program === undefined
    ? measureInNode(server, each, seconds)
    : measureInC(program, server, each, seconds, echo)
}

const loadOptions: Readonly<Record<PayloadName, readonly string[]>> = {
  one: [],
  mixed: ['-8'],
  wide: ['-A', '127'],
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
    ...loadOptions[each.payload],
    ...(each.rate === undefined ? [] : ['-R', String(each.rate)]),
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

/**
 * `runs` measurements of the agent, each followed by one of the echo, so that both see the same machine; and by one of the
 * agent of another checkout in `beside`.
 */
export async function runLoadCase(
  each: LoadCase,
  runs: number,
  seconds: number,
  beside: string | undefined,
): Promise<Figure[]> {
  if (each.rate !== undefined && loadInC() === undefined) return [notRun(each.name, 'there is no C compiler')]
  const kind = each.async === true ? 'async' : each.payload
  const run = async (script: 'agent-server' | 'echo-server', folder?: string): Promise<Measurement> => {
    const server = await startScriptOf(folder, 0, script, kind)
    try {
      return await measure(server, each, seconds, script === 'echo-server')
    } finally {
      await server.stop()
    }
  }
  const agents: Measurement[] = []
  const echoes: Measurement[] = []
  const others: Measurement[] = []
  for (let round = 0; round < runs; round++) {
    agents.push(await run('agent-server'))
    echoes.push(await run('echo-server'))
    if (beside !== undefined) others.push(await run('agent-server', beside))
  }
  return figuresOf(each, agents, echoes, others)
}

function pick(results: readonly Measurement[], key: keyof Measurement): number {
  return median(results.map((result) => result[key]))
}

/** CPU of the ones over that of the others, pair by pair. */
function cpuOver(these: readonly Measurement[], those: readonly Measurement[]): number {
  return median(these.map((each, round) => each.cpu / (those[round]?.cpu ?? Number.NaN)))
}

function figuresOf(
  each: LoadCase,
  agents: readonly Measurement[],
  echoes: readonly Measurement[],
  others: readonly Measurement[],
): Figure[] {
  const { name, cpuBar, echoBar, p99Bar } = each
  const ratio = cpuOver(agents, echoes)
  const judged = (figure: string, value: number, unit: string, bar: number | undefined): Figure =>
    bar === undefined ? told(name, figure, value, unit) : atMost(name, figure, value, unit, bar)
  return [
    told(name, 'ACKs', pick(agents, 'perSecond'), '1/s'),
    told(name, 'p50', pick(agents, 'p50'), 'ms'),
    judged('p99', pick(agents, 'p99'), 'ms', p99Bar),
    {
      ...judged('CPU per million NOTIFYs', pick(agents, 'cpu'), 's', cpuBar),
      peer: 'raw Node echo',
      ratio,
    },
    told(name, 'raw Node echo: CPU per million', pick(echoes, 'cpu'), 's'),
    ...(p99Bar === undefined ? [] : [told(name, 'raw Node echo: p99', pick(echoes, 'p99'), 'ms')]),
    ...(echoBar === undefined ? [] : [atMost(name, 'CPU over echo', ratio, 'x', echoBar)]),
    ...(others.length === 0 ? [] : besideFigures(name, agents, others)),
  ]
}

function besideFigures(
  name: string,
  agents: readonly Measurement[],
  others: readonly Measurement[],
): Figure[] {
  return [
    told(name, 'the other checkout: p99', pick(others, 'p99'), 'ms'),
    told(name, 'CPU over that of the other checkout', cpuOver(agents, others), 'x'),
  ]
}
