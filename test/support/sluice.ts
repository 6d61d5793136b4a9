/**
 * The `sluice` command as a child process, and `sluice run` with the manners of `startHaproxy`: ports and a
 * folder of its own that is also its working directory, the same names for the same things. So one function of
 * the ports can start both.
 *
 * @example
 * const config = ({ fe }) => `listen fe\n  mode http\n  bind 127.0.0.1:${fe}\n  http-request return status 200`
 * const sluice = await startSluice({ ports: ['fe'], config })
 * t.after(() => sluice.stop())
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from './ports.ts'

/** The folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.resolve('sluice'))))

const command = join(root, 'dist/cli/main.js')

/** Where and with what a command runs. */
export interface CliOptions {
  /** @default the folder of the repository */
  readonly cwd?: string
  /** More environment variables; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** What a command has said and how it ended. */
export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that is running, or has run. */
export class Cli {
  readonly ended: Promise<CliResult>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''
  #over = false

  constructor(args: readonly string[], { cwd = root, env = {} }: CliOptions = {}) {
    this.#child = spawn(process.execPath, [command, ...args], {
      cwd,
      env: { ...process.env, PORT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        this.#over = true
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
    // Whoever waits for it hears of it; nobody has to.
    this.ended.catch(() => {})
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return !this.#over
  }

  /** All that it wrote so far: stdout, then stderr. */
  get output(): string {
    return this.#stdout + this.#stderr
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Resolves when `output` matches; fails after `timeout` milliseconds, or when the command ends before. */
  async waitFor(pattern: RegExp, timeout = 10_000): Promise<RegExpExecArray> {
    for (let waited = 0; waited < timeout; waited += 10) {
      const over = this.#over
      const match = pattern.exec(this.output)
      if (match !== null) return match
      if (over) break
      await sleep(10)
    }
    throw new Error(`sluice did not print ${String(pattern)}\n--- output\n${this.output}`)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it for good. Harmless when called again. */
  async stop(): Promise<void> {
    if (!this.#over) this.#child.kill('SIGKILL')
    await this.ended
  }
}

/** Runs a command to its end; one that takes longer than `timeout` milliseconds is killed. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
  timeout = 60_000,
): Promise<CliResult> {
  const cli = new Cli(args, options)
  const timer = setTimeout(() => cli.signal('SIGKILL'), timeout)
  const result = await cli.ended
  clearTimeout(timer)
  return result
}

/** A folder with these files: name to text. `remove` deletes it. */
export function makeFolder(files: Readonly<Record<string, string>>): { dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

type Ports<Port extends string> = Readonly<Record<Port, number>>

/** What {@link startSluice} needs to know: what `startHaproxy` does, as far as it can be had. */
export interface SluiceOptions<Port extends string> {
  /** Names for the ports to be found; `config` gets a number for each. */
  readonly ports: readonly Port[]
  /** The text of haproxy.cfg. Called again, with other ports, when one of them was taken in the meantime. */
  config(ports: Ports<Port>): string
  /** More files to write beside haproxy.cfg: name to text, or a function of the ports. */
  readonly files?:
    | Readonly<Record<string, string>>
    | ((ports: Ports<Port>) => Readonly<Record<string, string>>)
  /** More arguments for the command line. */
  readonly args?: readonly string[]
  /** More environment variables. */
  readonly env?: Readonly<Record<string, string>>
}

/** A running `sluice run`. */
export interface Sluice<Port extends string> {
  readonly ports: Ports<Port>
  /** Its folder, removed by `stop`. */
  readonly dir: string
  readonly pid: number
  readonly cli: Cli
  /** All that it wrote to stdout and stderr so far. */
  logs(): string
  /** Resolves when `logs()` matches; fails after `timeout` milliseconds (default 5000) with the log. */
  waitForLog(pattern: RegExp | string, timeout?: number): Promise<string>
  /** Kills it and removes its folder. Harmless when called again. */
  stop(): Promise<void>
}

/** Starts `sluice run -f haproxy.cfg` and waits until it listens; throws with its output when it does not. */
export async function startSluice<const Port extends string>(
  options: SluiceOptions<Port>,
): Promise<Sluice<Port>> {
  for (let attempt = 1; ; attempt++) {
    const numbers = await freePorts(options.ports.length)
    const ports = Object.fromEntries(options.ports.map((name, at) => [name, numbers[at]])) as Ports<Port>
    const files = typeof options.files === 'function' ? options.files(ports) : (options.files ?? {})
    const { dir, remove } = makeFolder({ ...files, 'haproxy.cfg': `${options.config(ports)}\n` })
    const env = options.env ?? {}
    const cli = new Cli(['run', '-f', 'haproxy.cfg', ...(options.args ?? [])], { cwd: dir, env })
    const stop = async (): Promise<void> => {
      await cli.stop()
      remove()
    }
    try {
      await cli.waitFor(/close gracefully/)
    } catch (error) {
      await stop()
      // Between freePorts and bind somebody else may have taken one.
      if (attempt < 4 && cli.output.includes('EADDRINUSE')) continue
      throw error
    }
    const waitForLog = async (pattern: RegExp | string, timeout = 5000): Promise<string> => {
      const text = typeof pattern === 'string' ? pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : pattern
      await cli.waitFor(new RegExp(text), timeout)
      return cli.output
    }
    return { ports, dir, pid: cli.pid, cli, logs: () => cli.output, waitForLog, stop }
  }
}
