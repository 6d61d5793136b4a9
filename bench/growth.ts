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
import { hasProgram, startScript } from './processes.js'

const sizes = [10, 1000, 100_000, 1_000_000]
const fewer = [10, 1000, 10_000]

/** What is loaded, in which sizes, and the seconds that the largest may take, where there is a bar. */
const loads: readonly (readonly [kind: string, sizes: readonly number[], bar?: number])[] = [
  ...['str', 'beg', 'end', 'sub', 'dir', 'dom', 'int', 'ip', 'map'].map((kind) => [kind, sizes] as const),
  ['reg', [10, 1000]],
  ['backends by ACLs', [100, 1000, 10_000], 1],
  ['backends by a map', [100, 1000, 10_000], 1],
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

function loadFigures(kind: string, size: number, bar: number | undefined): Promise<Figure[]> {
  return withGrown(kind, size, async (file) => {
    const command = join(process.cwd(), 'dist/cli/main.js')
    if (!existsSync(command)) throw new Error(`${command} is missing: npm run build`)
    const ours = await cpuOf([process.execPath, command, 'run', '-c', '-f', file])
    const theirs = hasProgram('haproxy') ? await cpuOf(['haproxy', '-c', '-f', file]) : undefined
    const figure = told('growth', `load, ${kind}: ${size}`, ours, 's')
    const beside = theirs === undefined ? {} : { peer: 'HAProxy', ratio: ours / theirs }
    const judged = bar === undefined ? {} : { bar: `<= ${bar}`, ok: ours <= bar }
    return [{ ...figure, ...beside, ...judged }]
  })
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

export async function runGrowthCase(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [kind, each, bar] of loads) {
    const largest = each.at(-1)
    for (const size of each)
      figures.push(...(await loadFigures(kind, size, size === largest ? bar : undefined)))
  }
  for (const [kind, each, method] of operations)
    for (const size of each) figures.push(...(await operationFigures(kind, size, method)))
  return figures
}
