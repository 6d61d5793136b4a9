/** `sluice agent NAME… --config FILE`: ready agents on one listener, until a signal. */
import { resolve } from 'node:path'
import { watchFile } from '../base/file-watch.ts'
import { errorMessage, UsageError } from '../base/errors.ts'
import { createStderrLogger } from '../base/stderr-logger.ts'
import { formatEndpoint, parseEndpoint, type Endpoint } from '../net/endpoint.ts'
import { readReadyConfig, type ReadyConfig, type TlsFiles } from '../services/host/config.ts'
import { isModulePath } from '../services/host/registry.ts'
import { notifySystemd } from '../agent/index.ts'
import { startReadyAgents, type ReadyAgents } from '../services/host/host.ts'
import { refuseFlags, type AgentCommandOptions } from './agent-options.ts'
import { readCertificates } from './agent-tls.ts'
import { announce, note, print } from './output.ts'
import { serveUntilSignal } from './signals.ts'
import { traceSwitch } from './trace-switch.ts'

/** Serves until a signal. Resolves to the exit code. */
export async function readyAgentsCommand(
  names: readonly string[],
  options: AgentCommandOptions,
): Promise<number> {
  refuseFlags(options, ['list'], 'is for ip-reputation without --config')
  refuseFlags(
    options,
    ['mode', 'cert', 'key', 'clientCa'],
    "is for the configuration: 'socket_mode:' and 'tls:'",
  )
  const needy = names.find((name) => !isModulePath(name))
  if (options.config === undefined && (names.length === 0 || needy !== undefined))
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `${needy ?? 'sluice agent'} wants --config FILE; see docs/ready-agents.md`,
    )
  const read = () => readReadyConfig({ file: options.config, names })
  const config = await read()
  if (options.check === true) return printCheck(config)
  const listen = options.listen ?? config.listen
  if (listen.length === 0)
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      "nothing to listen on: write 'listen:' in the configuration, or --listen",
    )
  const logger = createStderrLogger(options.logLevel ?? config.logLevel)
  const tls = readTls(config)
  const agents = await startReadyAgents(config, logger, tls === undefined ? {} : { tls })
  const reloader = new Reloader(agents, read)
  const switchTrace = traceSwitch(agents.agent, options.trace === true)
  process.on('SIGUSR2', switchTrace)
  process.on('SIGHUP', () => {
    agents.refresh()
    void reloader.reload('SIGHUP')
  })
  const open = async () => {
    const stop = await listenAll(agents, listen.map(parseEndpoint), options.status ?? config.status).catch(
      async (error: unknown) => {
        await agents.close()
        throw error
      },
    )
    const watcher = options.config === undefined ? undefined : watchConfig(options.config, reloader)
    return { stop, watcher, endNotices: notifySystemd(agents.agent, { logger }) }
  }
  await serveUntilSignal(open, async ({ stop, watcher, endNotices }) => {
    await agents.close()
    endNotices()
    watcher?.close()
    stop()
  })
  process.off('SIGUSR2', switchTrace)
  return 0
}

function printCheck({ file, agents }: ReadyConfig): number {
  print(`${file}: the configuration is valid: ${agents.map(({ name }) => name).join(', ')}`)
  return 0
}

/** Listens everywhere, and says where and with what. */
async function listenAll(
  agents: ReadyAgents,
  endpoints: readonly Endpoint[],
  status: string | undefined,
): Promise<() => void> {
  const { socketMode } = agents.config
  const names = agents.config.agents.map(({ name }) => name).join(', ')
  if (status !== undefined) {
    const port = await agents.agent.serveStatus(status, { name: names.slice(0, 100), verdict: 'txn.verdict' })
    announce(`status on ${port.url}`)
  }
  for (const endpoint of endpoints) {
    const hasFile = endpoint.type === 'unix' && !endpoint.path.startsWith('\0')
    const mode = hasFile && socketMode !== undefined ? { mode: socketMode } : {}
    const address = await agents.agent.listen(endpoint, mode)
    announce(`${names} on ${formatEndpoint(address)}${agents.ready ? '' : ', not ready yet'}`)
  }
  return tellReadiness(agents)
}

/** How often readiness is looked at, in milliseconds. */
const readinessInterval = 500

/** Tells when agents become ready, and when they are no more. */
function tellReadiness(agents: ReadyAgents): () => void {
  let before = ''
  const look = () => {
    const now = agents.troubles().join('; ')
    if (now !== before) note(now === '' ? 'ready' : `not ready: ${now}`)
    before = now
  }
  look()
  const timer = setInterval(look, readinessInterval).unref()
  return () => clearInterval(timer)
}

function readTls({ tls, folder }: { readonly tls: TlsFiles | undefined; readonly folder: string }) {
  if (tls === undefined) return undefined
  const at = (path: string) => resolve(folder, path)
  const { client_ca: ca } = tls
  return readCertificates({
    cert: at(tls.cert),
    key: at(tls.key),
    ...(ca === undefined ? {} : { clientCa: at(ca) }),
  })
}

/** Goes over to what the file says now; one after the other. */
class Reloader {
  readonly #agents: ReadyAgents
  readonly #read: () => Promise<ReadyConfig>
  #last: Promise<void> = Promise.resolve()

  constructor(agents: ReadyAgents, read: () => Promise<ReadyConfig>) {
    this.#agents = agents
    this.#read = read
  }

  reload(why: string): Promise<void> {
    this.#last = this.#last.then(() => this.#reload(why))
    return this.#last
  }

  async #reload(why: string): Promise<void> {
    try {
      const config = await this.#read()
      this.#replaceCertificates(config)
      const restart = await this.#agents.reload(config)
      note(`${why}: ${config.file}: read again`)
      for (const line of restart) note(`${why}: ${line}`)
    } catch (error) {
      this.#agents.refuseReload()
      note(`${why}: kept the old configuration: ${errorMessage(error).trim()}`)
    }
  }

  #replaceCertificates(config: ReadyConfig): void {
    const tls = this.#agents.config.tls === undefined ? undefined : readTls(config)
    if (tls === undefined) return
    const { cert, key, ca } = tls
    this.#agents.agent.setSecureContext(ca === undefined ? { cert, key } : { cert, key, ca })
  }
}

function watchConfig(file: string, reloader: Reloader): { close(): void } {
  return watchFile(
    file,
    () => void reloader.reload(file),
    (error) => note(`${file}: changes are not noticed any more: ${error.message}`),
  )
}
