/**
 * Starts the real HAProxy for a test: in the foreground, on ports of its own, in a folder of its own that is
 * also its working directory (so a configuration names its files without a path).
 *
 * @example
 * const haproxy = await startHaproxy({
 *   ports: ['fe'],
 *   files: { 'list.txt': '192.0.2.1\n' },
 *   config: ({ fe }) => `listen fe\n  mode http\n  bind 127.0.0.1:${fe}\n  http-request return status 200`,
 * })
 * t.after(() => haproxy.stop())
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from './ports.ts'

/** What {@link startHaproxy} needs to know. */
export interface HaproxyOptions<Port extends string> {
  /** Names for the ports to be found; `config` gets a number for each. */
  readonly ports: readonly Port[]
  /** The text of haproxy.cfg. Called again, with other ports, when one of them was taken in the meantime. */
  config(ports: Readonly<Record<Port, number>>): string
  /** More files to write beside haproxy.cfg: name to text, or a function of the ports. */
  readonly files?:
    | Readonly<Record<string, string>>
    | ((ports: Readonly<Record<Port, number>>) => Readonly<Record<string, string>>)
  /** Ports of `ports` that are not HAProxy's own to listen on (an agent's, an origin's). */
  readonly foreign?: readonly Port[]
  /** Runs it in master-worker mode, which `reload` needs. @default false */
  readonly master?: boolean
  /** More arguments for the command line. */
  readonly args?: readonly string[]
  /** More environment variables. */
  readonly env?: Readonly<Record<string, string>>
}

/** A running HAProxy. */
export interface Haproxy<Port extends string> {
  readonly ports: Readonly<Record<Port, number>>
  /** Its folder, removed by `stop`. */
  readonly dir: string
  /** Of the process that was started: the master in master-worker mode. */
  readonly pid: number
  /** All that it wrote to stdout and stderr so far (`log stdout format raw local0` brings its log here). */
  logs(): string
  /** Resolves when `logs()` matches; fails after `timeout` milliseconds (default 5000) with the log. */
  waitForLog(pattern: RegExp | string, timeout?: number): Promise<string>
  /** Writes `config` (if given), sends SIGUSR2 to the master and waits until the new worker is up. */
  reload(config?: string): Promise<void>
  /** Kills it and removes its folder. Harmless when called again. */
  stop(): Promise<void>
}

/** The program to run: HAPROXY_BIN, or `haproxy` in the PATH, or /usr/sbin/haproxy. */
export function findHaproxy(): string | undefined {
  const named = process.env['HAPROXY_BIN']
  if (named !== undefined && named !== '') return named
  if (spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).status === 0) return 'haproxy'
  return existsSync('/usr/sbin/haproxy') ? '/usr/sbin/haproxy' : undefined
}

/**
 * For the `skip` option of a test: false when HAProxy is here. When it is not, says so loudly; under CI that is an
 * error instead.
 */
export function skipWithoutHaproxy(): false | string {
  if (findHaproxy() !== undefined) return false
  const reason = 'haproxy is not installed (Debian: apt-get install haproxy, or set HAPROXY_BIN)'
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

/** Starts HAProxy and waits until it listens; throws with its configuration and its output when it does not. */
export async function startHaproxy<const Port extends string>(
  options: HaproxyOptions<Port>,
): Promise<Haproxy<Port>> {
  const program = findHaproxy()
  if (program === undefined) throw new Error('haproxy is not installed')
  for (let attempt = 1; ; attempt++) {
    const numbers = await freePorts(options.ports.length)
    const ports = Object.fromEntries(options.ports.map((name, at) => [name, numbers[at]])) as Record<
      Port,
      number
    >
    const running = new RunningHaproxy(program, options, ports)
    const failure = await running.started()
    if (failure === undefined) return running
    await running.stop()
    // Between freePorts and bind somebody else may have taken one.
    if (attempt < 4 && failure.includes('Address already in use')) continue
    throw new Error(failure)
  }
}

class RunningHaproxy<Port extends string> implements Haproxy<Port> {
  readonly ports: Readonly<Record<Port, number>>
  readonly dir: string
  readonly #child: ChildProcess
  readonly #listening: readonly number[]
  readonly #exited: Promise<void>
  #over = false
  #config: string
  #output = ''

  constructor(program: string, options: HaproxyOptions<Port>, ports: Record<Port, number>) {
    this.ports = ports
    this.#listening = options.ports
      .filter((name) => !(options.foreign ?? []).includes(name))
      .map((name) => ports[name])
    this.dir = mkdtempSync(join(tmpdir(), 'haproxy-test-'))
    const files = typeof options.files === 'function' ? options.files(ports) : (options.files ?? {})
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.dir, name), text)
    this.#config = this.#writeConfig(options.config(ports))
    const mode = options.master === true ? ['-W', '-db'] : ['-db']
    this.#child = spawn(program, [...mode, '-f', 'haproxy.cfg', ...(options.args ?? [])], {
      cwd: this.dir,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const collect = (chunk: Buffer) => void (this.#output += chunk.toString('latin1'))
    this.#child.stdout?.on('data', collect)
    this.#child.stderr?.on('data', collect)
    this.#child.on('error', (error) => void (this.#output += `${error.message}\n`))
    this.#exited = new Promise((resolve) => this.#child.once('close', () => resolve()))
    void this.#exited.then(() => (this.#over = true))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  logs(): string {
    return this.#output
  }

  /** Undefined when all ports listen, else what went wrong. */
  async started(): Promise<string | undefined> {
    for (let tries = 0; tries < 500 && !this.#over; tries++) {
      if (await allListening(this.#listening)) return this.#over ? this.#report('exited') : undefined
      await sleep(20)
    }
    return this.#report(this.#over ? 'exited' : 'does not listen')
  }

  async waitForLog(pattern: RegExp | string, timeout = 5000): Promise<string> {
    for (let waited = 0; waited < timeout; waited += 10) {
      if (typeof pattern === 'string' ? this.#output.includes(pattern) : pattern.test(this.#output))
        return this.#output
      await sleep(10)
    }
    throw new Error(this.#report(`did not log ${String(pattern)}`))
  }

  async reload(config?: string): Promise<void> {
    if (config !== undefined) this.#config = this.#writeConfig(config)
    const loaded = () => this.#output.split('Loading success').length
    const before = loaded()
    this.#child.kill('SIGUSR2')
    for (let tries = 0; tries < 500 && !this.#over; tries++) {
      if (loaded() > before) return
      await sleep(20)
    }
    throw new Error(this.#report('did not reload'))
  }

  async stop(): Promise<void> {
    if (!this.#over && this.#child.pid !== undefined) {
      // SIGTERM stops at once in HAProxy, and its master passes it on; SIGKILL would orphan workers.
      this.#child.kill('SIGTERM')
      const killer = setTimeout(() => this.#child.kill('SIGKILL'), 3000)
      await this.#exited
      clearTimeout(killer)
    }
    rmSync(this.dir, { recursive: true, force: true })
  }

  #writeConfig(text: string): string {
    // HAProxy refuses a last line without its line feed.
    const whole = text.endsWith('\n') ? text : `${text}\n`
    writeFileSync(join(this.dir, 'haproxy.cfg'), whole)
    return whole
  }

  #report(what: string): string {
    const lines = this.#config.split('\n').map((line, at) => `${String(at + 1).padStart(4)}  ${line}`)
    return `haproxy ${what}\n--- haproxy.cfg\n${lines.join('\n')}\n--- output\n${this.#output}`
  }
}

/** On Linux the kernel is asked, since connecting would leave an empty session in HAProxy's log. */
async function allListening(ports: readonly number[]): Promise<boolean> {
  if (existsSync('/proc/net/tcp')) {
    const listening = new Set([...listeningIn('/proc/net/tcp'), ...listeningIn('/proc/net/tcp6')])
    return ports.every((port) => listening.has(port))
  }
  const accepted = await Promise.all(ports.map(accepts))
  return accepted.every(Boolean)
}

function listeningIn(table: string): number[] {
  if (!existsSync(table)) return []
  const found: number[] = []
  for (const line of readFileSync(table, 'latin1').split('\n')) {
    const match = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /.exec(line)
    if (match?.[1] !== undefined) found.push(Number.parseInt(match[1], 16))
  }
  return found
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
