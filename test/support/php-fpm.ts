/**
 * Starts the real php-fpm for a test: in the foreground, on a unix socket in a folder of its own, with the scripts that
 * the test gives.
 *
 * @example
 * const php = await startPhpFpm({ scripts: { 'hello.php': '<?php echo "hello";' }, children: 2 })
 * t.after(() => php.stop())
 * const client = createFcgiClient({ endpoint: php.socket })
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What {@link startPhpFpm} needs to know. */
export interface PhpFpmOptions {
  /** File name to text; they are put into `docroot`. */
  readonly scripts: Readonly<Record<string, string>>
  /** Workers (`pm.max_children`, static). @default 2 */
  readonly children?: number
  /** Requests after which a worker is replaced (`pm.max_requests`); 0 is never. @default 0 */
  readonly maxRequests?: number
  /** Listens on this port of 127.0.0.1 instead of the socket. */
  readonly port?: number
  /** More lines for the pool section, `php_admin_value[memory_limit] = 64M` for example. */
  readonly settings?: readonly string[]
  /** Lines for php.ini, `extension=gd` for example: what the machine's own php.ini says is not read. */
  readonly ini?: readonly string[]
}

/** A running php-fpm. */
export interface PhpFpm {
  /** What to connect to: the path of the socket, or `127.0.0.1:port`. */
  readonly socket: string
  /** Where the scripts are. */
  readonly docroot: string
  readonly pid: number
  /** All that it wrote to its log so far. */
  logs(): string
  /** Sends a signal to the master: SIGUSR2 reloads it, which replaces all workers. */
  signal(name: NodeJS.Signals): void
  /** Kills it and removes its folder. Harmless when called again. */
  stop(): Promise<void>
}

/** The program to run: PHP_FPM_BIN, or php-fpm8.2 where Debian puts it. */
export function findPhpFpm(): string | undefined {
  const named = process.env['PHP_FPM_BIN']
  if (named !== undefined && named !== '') return named
  for (const path of ['/usr/sbin/php-fpm8.2', '/usr/sbin/php-fpm']) if (existsSync(path)) return path
  return spawnSync('php-fpm8.2', ['-v'], { stdio: 'ignore' }).status === 0 ? 'php-fpm8.2' : undefined
}

/**
 * For the `skip` option of a test: false when php-fpm is here. When it is not, says so loudly; under CI that is an error
 * instead.
 */
export function skipWithoutPhpFpm(): false | string {
  if (findPhpFpm() !== undefined) return false
  const reason = 'php-fpm is not installed (Debian: apt-get install php8.2-fpm, or set PHP_FPM_BIN)'
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

/** Starts php-fpm and waits until it accepts; throws with its log when it does not. */
export async function startPhpFpm(options: PhpFpmOptions): Promise<PhpFpm> {
  const program = findPhpFpm()
  if (program === undefined) throw new Error('php-fpm is not installed')
  const running = new RunningPhpFpm(program, options)
  try {
    await running.started()
  } catch (error) {
    await running.stop()
    throw error
  }
  return running
}

class RunningPhpFpm implements PhpFpm {
  readonly socket: string
  readonly docroot: string
  readonly #dir: string
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #over = false
  #output = ''

  constructor(program: string, options: PhpFpmOptions) {
    this.#dir = mkdtempSync(join(tmpdir(), 'php-fpm-test-'))
    this.docroot = join(this.#dir, 'www')
    this.socket = options.port === undefined ? join(this.#dir, 'fpm.sock') : `127.0.0.1:${options.port}`
    mkdirSync(this.docroot)
    for (const [name, text] of Object.entries(options.scripts)) {
      mkdirSync(dirname(join(this.docroot, name)), { recursive: true })
      writeFileSync(join(this.docroot, name), text)
    }
    writeFileSync(join(this.#dir, 'fpm.conf'), configuration(this.#dir, this.socket, options))
    const root = process.getuid?.() === 0 ? ['-R'] : []
    const ini = (options.ini ?? []).flatMap((line) => ['-d', line])
    this.#child = spawn(program, ['-n', ...ini, '-F', ...root, '-y', join(this.#dir, 'fpm.conf')], {
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
    const log = join(this.#dir, 'fpm.log')
    return this.#output + (existsSync(log) ? readFileSync(log, 'latin1') : '')
  }

  async started(): Promise<void> {
    for (let tries = 0; tries < 500 && !this.#over; tries++) {
      if (this.logs().includes('ready to handle connections') && (await accepts(this.socket))) return
      await sleep(20)
    }
    throw new Error(`php-fpm did not start\n${this.logs()}`)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async stop(): Promise<void> {
    if (!this.#over && this.#child.pid !== undefined) {
      // The master takes its workers down with it on SIGTERM; SIGKILL would orphan them.
      this.#child.kill('SIGTERM')
      const killer = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
      await this.#exited
      clearTimeout(killer)
    }
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

function configuration(dir: string, socket: string, options: PhpFpmOptions): string {
  const root = process.getuid?.() === 0 ? ['user = root', 'group = root'] : []
  return `${[
    '[global]',
    `error_log = ${join(dir, 'fpm.log')}`,
    'log_level = notice',
    'daemonize = no',
    // Without it a reload kills workers in the middle of their requests.
    'process_control_timeout = 5s',
    '[www]',
    ...root,
    `listen = ${socket}`,
    'pm = static',
    `pm.max_children = ${options.children ?? 2}`,
    `pm.max_requests = ${options.maxRequests ?? 0}`,
    'catch_workers_output = no',
    'php_admin_flag[log_errors] = on',
    'php_admin_flag[html_errors] = off',
    ...(options.settings ?? []),
  ].join('\n')}\n`
}

function accepts(socket: string): Promise<boolean> {
  const colon = socket.lastIndexOf(':')
  const target = socket.startsWith('/')
    ? { path: socket }
    : { host: socket.slice(0, colon), port: Number(socket.slice(colon + 1)) }
  return new Promise((resolve) => {
    const probe = connect(target)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
