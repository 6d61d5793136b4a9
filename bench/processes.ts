/** Processes under test: pinned to a core, and their CPU time and memory as the operating system counts them. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

export function hasProgram(name: string): boolean {
  return spawnSync('which', [name], { stdio: 'ignore' }).status === 0
}

/** More options for node when it is what is measured, such as `--cpu-prof`. */
export const nodeOptions = (process.env['SLUICE_BENCH_NODE'] ?? '').split(' ').filter(Boolean)

/** Whether a process can be kept on one core. */
export const canPin = hasProgram('taskset')

/** A running process; `line` is the first line that it printed. */
export interface Running {
  readonly pid: number
  readonly child: ChildProcess
  readonly line: string
  /** All that it has printed. */
  output(): string
  stop(): Promise<void>
  /** Asks it to end, which is when a profile is written. */
  end(): Promise<void>
}

/** Starts `command` on one core (when taskset is there) and waits for its first line. */
export async function start(core: number | undefined, command: readonly string[]): Promise<Running> {
  const pinned = core === undefined || !canPin ? command : ['taskset', '-c', String(core), ...command]
  const [program = '', ...args] = pinned
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  const line = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${command.join(' ')} exited with ${code}: ${output}`)))
    child.once('error', reject)
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const end = output.indexOf('\n')
      if (end >= 0) resolve(output.slice(0, end))
    })
  })
  return {
    pid: child.pid ?? 0,
    child,
    line,
    output: () => output,
    stop: () => endWith(child, 'SIGKILL'),
    end: () => endWith(child, 'SIGTERM'),
  }
}

async function endWith(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

/** Starts a compiled script of this folder under node. */
export function startScript(
  core: number | undefined,
  name: string,
  ...args: readonly string[]
): Promise<Running> {
  return startScriptOf(undefined, core, name, ...args)
}

/** The same of another checkout in `folder`, which has compiled its benches; undefined: of this one. */
export function startScriptOf(
  folder: string | undefined,
  core: number | undefined,
  name: string,
  ...args: readonly string[]
): Promise<Running> {
  const script =
    folder === undefined
      ? fileURLToPath(new URL(`./${name}.js`, import.meta.url))
      : resolve(folder, '.build/bench', `${name}.js`)
  return start(core, [process.execPath, ...(core === 0 ? nodeOptions : []), script, ...args])
}

/** The path of `NAME.c` of this folder, compiled; undefined when there is no compiler, or not what it is linked with. */
export function compile(name: string, ...libraries: readonly string[]): string | undefined {
  const source = fileURLToPath(new URL(`../../bench/${name}.c`, import.meta.url))
  const program = fileURLToPath(new URL(`./${name}`, import.meta.url))
  const { status } = spawnSync('cc', ['-O2', '-o', program, source, ...libraries], { stdio: 'ignore' })
  return status === 0 ? program : undefined
}

/** The path of `NAME.go` of this folder, built; undefined when there is no Go. */
export function buildGo(name: string): string | undefined {
  const source = fileURLToPath(new URL(`../../bench/${name}.go`, import.meta.url))
  const program = fileURLToPath(new URL(`./${name}-go`, import.meta.url))
  const env = { ...process.env, GO111MODULE: 'off', GOCACHE: join(tmpdir(), 'sluice-go-cache') }
  const { status } = spawnSync('go', ['build', '-o', program, source], { stdio: 'ignore', env })
  return status === 0 ? program : undefined
}

/** Keeps a process that is running, and its children, on one core. */
export function pin(core: number, pid: number): void {
  if (!canPin) return
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  for (const each of [String(pid), ...children]) {
    execFileSync('taskset', ['-a', '-p', '-c', String(core), each], { stdio: 'ignore' })
  }
}

/** User and system time of a process so far, in seconds. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program, in brackets, may hold blanks.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1024
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}
