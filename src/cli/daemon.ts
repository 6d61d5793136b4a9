/**
 * `sluice run -D`: a process of its own that outlives the terminal. Node.js cannot fork, so the same command is started
 * again; the first process stays until the second one listens, and ends with its verdict.
 */
import { spawn } from 'node:child_process'
import { fstatSync, readdirSync } from 'node:fs'
import { note } from './output.ts'

/** Set in the environment of the second process, which takes it out: a configuration may read the environment. */
const mark = 'SLUICE_DAEMON'
const marked = process.env[mark] !== undefined && process.send !== undefined
delete process.env[mark]

/** What the second process tells the first. */
type Report = 'listening' | { readonly failed: string }

/** Whether this process is the second one. */
export function isDaemonChild(): boolean {
  return marked
}

/** Tells the first process, if there is one, and lets it go. */
export async function reportToParent(report: Report): Promise<void> {
  if (!marked || !process.connected) return
  await new Promise((resolve) => process.send?.(report, resolve))
  process.disconnect()
}

/** Starts the second process, and resolves to the exit code of the first: 0 once the second one listens. `cwd` is where `-C` begins. */
export function startDaemon(cwd: string): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    cwd,
    detached: true,
    env: { ...process.env, [mark]: '1' },
    stdio: stdioWithListeners(),
  })
  return new Promise((resolve, reject) => {
    let failed: string | undefined
    child.once('error', reject)
    child.on('message', (report: Report) => {
      if (report !== 'listening') return void (failed = report.failed)
      child.unref()
      resolve(0)
    })
    child.once('exit', (code) => {
      if (failed !== undefined) note(`sluice: ${failed}`)
      resolve(code ?? 1)
    })
  })
}

/** Node.js hands down only what it is told to, so sockets behind `fd@N` are named one by one, each under its own number. */
function stdioWithListeners(): (number | 'ignore' | 'ipc')[] {
  const sockets = readdirSync('/dev/fd').map(Number).filter(isSocket)
  const highest = Math.max(2, ...sockets)
  const stdio: (number | 'ignore' | 'ipc')[] = Array.from({ length: highest + 1 }, (_, fd) =>
    sockets.includes(fd) ? fd : 'ignore',
  )
  return [...stdio, 'ipc']
}

function isSocket(fd: number): boolean {
  try {
    return fd > 2 && fstatSync(fd).isSocket()
  } catch {
    // The descriptor of the folder itself is closed by now.
    return false
  }
}
