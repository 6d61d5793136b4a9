/**
 * A MariaDB of a test's own: a folder, a socket, no port, and no accounts (any name and password will do).
 *
 * @example
 * const database = await startMariadb(['CREATE DATABASE blog CHARACTER SET utf8mb4'])
 * after(() => database.stop())
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.ts'

const program = '/usr/sbin/mariadbd'

/** A running one. */
export interface Mariadb {
  /** The path of its socket. */
  readonly socket: string
  /** Ends it and removes its folder. Harmless when called again. */
  stop(): Promise<void>
}

/** For the `skip` option of a test: false when it is here; under CI a missing one is an error. */
export function skipWithoutMariadb(): false | string {
  if (existsSync(program)) return false
  const reason = 'mariadbd is not installed (Debian: apt-get install mariadb-server-core)'
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

/** Starts one that runs `statements` first, and waits until it accepts; throws with its log when it does not. */
export async function startMariadb(statements: readonly string[]): Promise<Mariadb> {
  const dir = mkdtempSync(join(tmpdir(), 'mariadb-test-'))
  const socket = join(dir, 'db.sock')
  mkdirSync(join(dir, 'data'))
  writeFileSync(join(dir, 'init.sql'), statements.map((each) => `${each};\n`).join(''))
  const child = spawn(program, options(dir, socket), { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString('latin1')))
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString('latin1')))
  let over = false
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  void ended.then(() => (over = true))
  const stop = async (): Promise<void> => {
    // What it would save on its way out is thrown away.
    if (!over) child.kill('SIGKILL')
    await ended
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await until(async () => over || (await accepts(socket)), 'mariadbd accepts connections', 60_000)
    if (over) throw new Error('mariadbd has ended')
    return { socket, stop }
  } catch (error) {
    await stop()
    throw new Error(`mariadbd did not start\n${log}`, { cause: error })
  }
}

function options(dir: string, socket: string): string[] {
  return [
    '--no-defaults',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    `--datadir=${join(dir, 'data')}`,
    `--socket=${socket}`,
    `--pid-file=${join(dir, 'db.pid')}`,
    `--init-file=${join(dir, 'init.sql')}`,
    '--skip-networking',
    // There are no tables of accounts in an empty folder.
    '--skip-grant-tables',
    '--skip-log-bin',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=32M',
    '--innodb-log-file-size=8M',
  ]
}

/** It makes its socket, and accepts, when the first statements have run. */
function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
