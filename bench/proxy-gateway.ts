/** What is measured on core 0: HAProxy, `sluice run`, and the `sluice run` of another checkout. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, waitFor } from './ports.js'
import { nodeOptions } from './processes.js'

export interface Gateway {
  readonly name: string
  /** Runs `haproxy.cfg` of its working directory in the foreground. */
  readonly command: readonly string[]
}

export interface RunningGateway {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** HAProxy is the first. `SLUICE_BENCH_NODE` has more options for node, such as `--cpu-prof`. */
export function gateways(beside: string | undefined): readonly Gateway[] {
  const sluice = (folder: string) => [
    process.execPath,
    ...nodeOptions,
    join(folder, 'dist/cli/main.js'),
    'run',
    '-f',
    'haproxy.cfg',
  ]
  return [
    { name: 'HAProxy', command: ['haproxy', '-db', '-f', 'haproxy.cfg'] },
    { name: 'sluice', command: sluice(fileURLToPath(new URL('../../', import.meta.url))) },
    ...(beside === undefined ? [] : [{ name: beside, command: sluice(resolve(beside)) }]),
  ]
}

/** The files of a gateway by their names, for the port that it listens on. */
type Configure = (port: number) => Readonly<Record<string, string>>

/**
 * Starts it in a folder of its own that holds the files which `configure` makes for the port. With `reads`, a process on core 1 reads
 * what it writes to its standard output.
 */
export async function startGateway(
  gateway: Gateway,
  configure: Configure,
  reads = false,
): Promise<RunningGateway> {
  for (let tries = 0; tries < 3; tries++) {
    const running = await tryToStart(gateway, configure, reads)
    if (running !== undefined) return running
  }
  throw new Error(`${gateway.name} does not start: ${gateway.command.join(' ')}`)
}

/** Undefined when it has ended at once: somebody else may have taken its port meanwhile. */
async function tryToStart(
  gateway: Gateway,
  configure: Configure,
  reads: boolean,
): Promise<RunningGateway | undefined> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const port = await freePort()
  for (const [name, text] of Object.entries(configure(port))) writeFileSync(join(dir, name), text)
  // It ends when the gateway does.
  const reader = reads
    ? spawn('taskset', ['-c', '1', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] })
    : undefined
  const stdout = reader?.stdin ?? 'ignore'
  const child = spawn('taskset', ['-c', '0', ...gateway.command], {
    cwd: dir,
    stdio: ['ignore', stdout, 'ignore'],
  })
  reader?.stdin?.destroy()
  const exited = once(child, 'exit')
  const stop = async () => {
    // SIGTERM first: a profile is written at the end.
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), 3000)
    await exited
    clearTimeout(killer)
    rmSync(dir, { recursive: true, force: true })
  }
  const listens = await Promise.race([
    exited.then(() => false),
    waitFor(port).then(
      () => true,
      () => false,
    ),
  ])
  if (listens && child.exitCode === null) return { pid: child.pid ?? 0, port, stop }
  await stop()
  return undefined
}
