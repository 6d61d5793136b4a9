/**
 * What grows with its size: a line for each size, so that a bend in the curve is seen. Loading is compared with HAProxy's, in
 * CPU of the whole process, the start of Node.js included; searches and calls are told in microseconds of CPU.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { told, type Figure } from './figure.js'
import { withGrown } from './growth-lists.js'
import { hasProgram, median, nodeOptions, startScript } from './processes.js'
import { runProxyCase } from './proxy-run.js'

const sizes = [10, 1000, 100_000, 1_000_000]
const fewer = [10, 1000, 10_000]
const connections = [64, 1024, 5000]

/** What the largest size may take: CPU seconds, or a multiple of HAProxy's. */
type Bar = { readonly seconds: number } | { readonly ratio: number }

const oneSecond: Bar = { seconds: 1 }
const twice: Bar = { ratio: 2 }

/** What is loaded, in which sizes, and the bar, where there is one. */
const loads: readonly (readonly [kind: string, sizes: readonly number[], bar?: Bar])[] = [
  ...['str', 'beg', 'end', 'sub', 'dir', 'dom', 'int', 'ip', 'ip6', 'map'].map(
    (kind) => [kind, sizes, twice] as const,
  ),
  ['reg', [10, 1000]],
  ['backends by ACLs', [100, 1000, 10_000], oneSecond],
  ['backends by a map', [100, 1000, 10_000], oneSecond],
  ['rules', fewer],
]

/** What is done in one process, in which sizes. */
const operations: readonly (readonly [kind: string, sizes: readonly number[], method?: string])[] = [
  ...['str', 'beg', 'end', 'sub', 'dir', 'dom', 'int', 'ip'].map(
    (method) => ['search', sizes, method] as const,
  ),
  ['search', [10, 1000], 'reg'],
  ['again', [10, 1000], 'reg'],
  ['again', sizes, 'sub'],
  ['messages', fewer],
  ['arguments', [1, 8, 32, 128]],
  ['payload', [100, 10_000, 200_000]],
]

const titles: Readonly<Record<string, string>> = {
  search: 'search, another text each time',
  again: 'search, the same text',
  messages: 'call of the last message of',
  arguments: 'call, arguments',
  payload: 'call, bytes of an argument',
}

/** CPU seconds of a command that ends by itself. */
async function cpuOf(command: readonly string[]): Promise<number> {
  // The shell tells the times of its children when it has ended.
  const script = '"$@" > /dev/null 2>&1; times'
  const child = spawn('sh', ['-c', script, 'sh', ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  const [, children = ''] = output.trim().split('\n')
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s))
  return seconds.reduce((sum, each) => sum + each, 0)
}

/** The two take turns: medians of three rounds, and of their ratios. */
const rounds = 3

function loadFigures(kind: string, size: number, bar: Bar | undefined): Promise<Figure[]> {
  return withGrown(kind, size, async (file) => {
    const command = join(process.cwd(), 'dist/cli/main.js')
    if (!existsSync(command)) throw new Error(`${command} is missing: npm run build`)
    const ours: number[] = []
    const ratios: number[] = []
    for (let round = 0; round < rounds; round++) {
      const own = await cpuOf([process.execPath, ...nodeOptions, command, 'run', '-c', '-f', file])
      ours.push(own)
      if (hasProgram('haproxy')) ratios.push(own / (await cpuOf(['haproxy', '-c', '-f', file])))
    }
    const figure = told('growth', `load, ${kind}: ${size}`, median(ours), 's')
    if (ratios.length === 0) return [figure]
    return [
      { ...figure, peer: 'HAProxy', ratio: median(ratios), ...judge(median(ours), median(ratios), bar) },
    ]
  })
}

function judge(seconds: number, ratio: number, bar: Bar | undefined): Partial<Figure> {
  if (bar === undefined) return {}
  return 'seconds' in bar
    ? { bar: `<= ${bar.seconds}`, ok: seconds <= bar.seconds }
    : { bar: `<= ${bar.ratio}x HAProxy's`, ok: ratio <= bar.ratio }
}

async function operationFigures(kind: string, size: number, method?: string): Promise<Figure[]> {
  const script = await startScript(
    0,
    'growth-run',
    kind,
    String(size),
    ...(method === undefined ? [] : [method]),
  )
  await script.stop()
  const name = [titles[kind], method].filter((word) => word !== undefined).join(', ')
  return [told('growth', `${name}: ${size}`, Number(script.line), 'us')]
}

/** What a request costs with so many connections, each of which has one in flight. */
async function connectionFigures(
  connections: number,
  runs: number,
  seconds: number,
  beside: string | undefined,
): Promise<Figure[]> {
  const each = { name: 'growth', setup: 'http', connections, length: 1024 } as const
  const figures = await runProxyCase(each, runs, seconds, beside)
  return figures.map((figure) => ({ ...figure, figure: `connections, ${connections}: ${figure.figure}` }))
}

export async function runGrowthCase(
  runs: number,
  seconds: number,
  beside: string | undefined,
): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [kind, each, bar] of loads) {
    const largest = each.at(-1)
    for (const size of each)
      figures.push(...(await loadFigures(kind, size, size === largest ? bar : undefined)))
  }
  for (const [kind, each, method] of operations)
    for (const size of each) figures.push(...(await operationFigures(kind, size, method)))
  for (const count of connections) figures.push(...(await connectionFigures(count, runs, seconds, beside)))
  return figures
}
