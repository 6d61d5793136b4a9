/** `sluice run -f haproxy.cfg`: the proxy, until a signal. */
import { basename } from 'node:path'
import { evaluateCondition } from '../config/index.ts'
import { formatEndpoint } from '../net/endpoint.ts'
import { errorMessage, UsageError } from '../base/errors.ts'
import { silentLogger, type Logger } from '../base/logger.ts'
import { createStderrLogger } from '../base/stderr-logger.ts'
import { loadProxy } from '../proxy/load.ts'
import type { LoadedProxy, MountedAgent, Plan, Proxy } from '../proxy/index.ts'
import type { Recorder } from '../recording/index.ts'
import { isDaemonChild, reportToParent, startDaemon } from './daemon.ts'
import { findAgents, loadAgents, type LoadedAgent } from './mounted-agents.ts'
import { announce, describeError, note, print, printDiagnostics } from './output.ts'
import type { RunFlags } from './run-flags.ts'
import { serveUntilSignal, exitCodeOf } from './signals.ts'
import { writeFile } from './write-file.ts'

/** One that is only looked at has nothing to close. */
type Mounted = MountedAgent & Partial<LoadedAgent>

/** Resolves to the exit code: 1 for a configuration with errors, or an address that cannot be listened on. */
export async function runCommand(flags: RunFlags): Promise<number> {
  const cwd = process.cwd()
  if (flags.folder !== undefined) changeFolder(flags.folder)
  if (flags.localPeer !== undefined) process.env['HAPROXY_LOCALPEER'] = flags.localPeer
  if (flags.condition !== undefined) return evaluate(flags.condition)
  const agents = await mountAgents(flags)
  const loaded = await load(flags, agents)
  if (loaded.plan === undefined || flags.check) return checked(loaded, flags)
  if (loaded.listeners === 0) {
    if (!flags.quiet) note('no address to listen on: no bind line')
    return 1
  }
  if (flags.daemon && !isDaemonChild()) return startDaemon(cwd)
  const logger = flags.quiet ? silentLogger : createStderrLogger(flags.logLevel)
  const { plan } = loaded
  const open = async () => {
    const running = await start(plan, flags, logger)
    announceAddresses(running.proxy, flags)
    await reportToParent('listening')
    return running
  }
  const close = async ({ proxy, recorder }: Running) => {
    await proxy.close()
    await recorder?.close()
    for (const agent of Object.values(agents)) await agent.close?.()
  }
  const signal = await serveUntilSignal(open, close, { quiet: flags.quiet, reload: true })
  // So HAProxy's master: 130 for SIGINT, 0 for SIGTERM and SIGUSR1.
  return flags.worker && signal === 'SIGINT' ? exitCodeOf(signal) : 0
}

/** @throws UsageError `ERR_SLUICE_OPTION`. */
function changeFolder(folder: string): void {
  try {
    process.chdir(folder)
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `-C ${folder}: ${errorMessage(error)}`, error)
  }
}

/** Nothing of an agent runs where the configuration is only looked at, which the parent of a daemon does, too. */
async function mountAgents({ agents, check, daemon }: RunFlags): Promise<Record<string, Mounted>> {
  if (check || (daemon && !isDaemonChild())) return findAgents(agents)
  try {
    return await loadAgents(agents)
  } catch (error) {
    await reportToParent({ failed: describeError(error) })
    throw error
  }
}

interface Running {
  readonly proxy: Proxy
  readonly recorder: Recorder | undefined
}

async function start(plan: Plan, flags: RunFlags, logger: Logger): Promise<Running> {
  let proxy: Proxy | undefined
  try {
    const recorder = await startRecording(flags, logger)
    const { createProxy } = await import('../proxy/index.ts')
    proxy = createProxy(plan, { logger, recorder })
    await openStatus(proxy, flags)
    await proxy.start()
    if (flags.pidFile !== undefined) writeFile('-p', flags.pidFile, `${process.pid}\n`)
    return { proxy, recorder }
  } catch (error) {
    proxy?.destroy()
    await reportToParent({ failed: describeError(error) })
    throw error
  }
}

/** Before the proxy listens: whoever asks is told that it is not ready. */
async function openStatus(proxy: Proxy, { status, files, quiet }: RunFlags): Promise<void> {
  if (status === undefined) return
  const { url } = await proxy.serveStatus(status, { name: basename(files[0] ?? 'proxy') })
  if (!quiet) announce(`status on ${url}`)
}

/** What most do not ask for is loaded when it is: `run` has enough to read before it listens. */
async function startRecording(flags: RunFlags, logger: Logger): Promise<Recorder | undefined> {
  const { record, recordSize, recordFiles, recordOmit } = flags
  if (record === undefined) return undefined
  const { createRecorder } = await import('../recording/index.ts')
  return createRecorder(record, {
    logger,
    omit: recordOmit,
    ...(recordSize === undefined ? {} : { maxSize: recordSize }),
    ...(recordFiles === undefined ? {} : { maxFiles: recordFiles }),
  })
}

/** What HAProxy returns for `-cc`. */
function evaluate(condition: string): number {
  const environment = new Map<string, string>()
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined) environment.set(name, value)
  const value = evaluateCondition(condition, environment)
  if (typeof value === 'boolean') return value ? 0 : 1
  note(`-cc '${condition}': ${value.problem}`)
  return 2
}

/** Its plan is undefined when it must not run. */
async function load(flags: RunFlags, agents: Record<string, MountedAgent>): Promise<LoadedProxy> {
  const { files, maxconn } = flags
  const loaded = loadProxy({
    files,
    env: process.env,
    cwd: process.cwd(),
    agents,
    ...(maxconn === undefined ? {} : { maxconn }),
  })
  // A daemon's parent has printed them.
  if (!flags.quiet && !isDaemonChild()) await showDiagnostics(loaded, files)
  if (loaded.diagnostics.length === 0 || !flags.zeroWarnings) return loaded
  if (!flags.quiet && loaded.plan !== undefined) note('there are warnings, and -dW makes them errors')
  return { ...loaded, plan: undefined }
}

async function showDiagnostics({ diagnostics }: LoadedProxy, files: readonly string[]): Promise<void> {
  if (diagnostics.length === 0) return
  const { CheckSources } = await import('./check-sources.ts')
  const sources = new CheckSources(files)
  printDiagnostics(diagnostics, note, (file) => sources.lines(file))
}

/** What HAProxy says and returns for `-c`. */
function checked({ plan, listeners, diagnostics }: LoadedProxy, { quiet }: RunFlags): number {
  if (plan === undefined) return 1
  if (listeners === 0) {
    if (!quiet) print('Configuration file has no error but will not start (no listener) => exit(2).')
    return 2
  }
  if (quiet) return 0
  if (diagnostics.length > 0) print('Warnings were found.')
  print('Configuration file is valid')
  return 0
}

function announceAddresses(proxy: Proxy, { quiet, masterCli }: RunFlags): void {
  if (quiet) return
  for (const [frontend, addresses] of proxy.addresses) {
    for (const address of addresses) announce(`${frontend}: listening on ${formatEndpoint(address)}`)
  }
  if (masterCli !== undefined) note(`-S ${masterCli}: there is no master CLI, nobody listens there`)
  note('send SIGTERM or press Ctrl-C to close gracefully')
}
