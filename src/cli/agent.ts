/**
 * `sluice agent NAME…`: with a configuration, ready agents; without one, the agent of the specification's example with a list
 * for its scores.
 */
import { readFileSync } from 'node:fs'
import { createAgent, notifySystemd, type Agent, type ListenerOptions } from '../agent/index.ts'
import { CidrMap } from '../net/cidr-map.ts'
import { formatEndpoint, parseEndpoint, type Endpoint } from '../net/endpoint.ts'
import { errorMessage, UsageError } from '../base/errors.ts'
import { createStderrLogger } from '../base/stderr-logger.ts'
import { parseReputationList, serveIpReputation, type ReputationList } from '../services/ip-reputation.ts'
import { refuseFlags, type AgentCommandOptions } from './agent-options.ts'
import { readCertificates, type CertificateFlags } from './agent-tls.ts'
import { watchFile } from '../base/file-watch.ts'
import { announce, note } from './output.ts'
import { serveUntilSignal } from './signals.ts'
import { traceSwitch } from './trace-switch.ts'

/** The example's agent is called so, and so is the ready agent that has grown from it. */
const example = 'ip-reputation'

/** Serves until a signal. Resolves to the exit code. */
export async function agentCommand(names: readonly string[], options: AgentCommandOptions): Promise<number> {
  const alone = names.length === 1 ? names[0] : undefined
  if (options.config === undefined && alone === example) return ipReputationCommand(options)
  return (await import('./ready-agents.ts')).readyAgentsCommand(names, options)
}

/**
 * Reads a list; wrong lines are all named.
 * @throws UsageError when it cannot be read, or has wrong lines.
 */
export function loadReputationList(path: string | undefined): ReputationList {
  if (path === undefined) return new CidrMap()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `--list ${path}: ${(error as Error).message}`, error)
  }
  const { list, errors } = parseReputationList(text)
  if (errors.length === 0) return list
  const lines = errors.map(({ line, message }) => `${path}:${line}: ${message}`)
  throw new UsageError('ERR_SLUICE_OPTION', lines.join('\n'))
}

async function ipReputationCommand(options: AgentCommandOptions): Promise<number> {
  refuseFlags(options, ['check'], 'is for a configuration: --config FILE')
  if (options.listen === undefined)
    throw new UsageError('ERR_SLUICE_OPTION', 'ip-reputation wants --listen ADDRESS, or --config FILE')
  const logger = createStderrLogger(options.logLevel ?? 'info')
  let list = loadReputationList(options.list)
  const tls = readCertificates(options)
  const agent = serveIpReputation(createAgent(tls === undefined ? { logger } : { logger, tls }), () => list)
  const loaded = tellOfList(agent, options.list, () => list.size)
  const switchTrace = traceSwitch(agent, options.trace === true)
  process.on('SIGUSR2', switchTrace)
  const use = (next: ReputationList) => {
    list = next
    loaded()
  }
  const reload = () => {
    if (options.list !== undefined) reloadList(options.list, use)
    if (tls !== undefined) reloadCertificates(agent, options)
  }
  process.on('SIGHUP', reload)
  const watcher = options.list === undefined ? undefined : watchList(options.list, use)
  const open = async () => {
    if (options.status !== undefined) {
      const { url } = await agent.serveStatus(options.status, { name: example, verdict: 'ip_score' })
      announce(`status on ${url}`)
    }
    for (const [where, how] of listeners(options)) {
      const address = await agent.listen(where, how)
      announce(`ip-reputation listens on ${formatEndpoint(address)} (${list.size} ranges)`)
    }
    return notifySystemd(agent, { logger })
  }
  await serveUntilSignal(open, async (endNotices) => {
    await agent.close()
    endNotices()
  })
  process.off('SIGUSR2', switchTrace)
  process.off('SIGHUP', reload)
  watcher?.close()
  return 0
}

/** Lets the status page tell of the list. Returns what is called when it was read again. */
export function tellOfList(agent: Agent, path: string | undefined, size: () => number): () => void {
  let loaded = Date.now()
  const detail = path ?? 'no list: every address is good'
  agent.status.source('list', () => ({
    kind: 'list',
    entries: size(),
    ageSeconds: (Date.now() - loaded) / 1000,
    detail,
  }))
  return () => {
    loaded = Date.now()
  }
}

/** `--mode` is for the unix sockets among the addresses. */
function listeners({ listen = [], mode }: AgentCommandOptions): [Endpoint, ListenerOptions][] {
  const endpoints = listen.map(parseEndpoint)
  if (mode === undefined) return endpoints.map((each) => [each, {}])
  const permissions = { mode: parseMode(mode) }
  const hasFile = (each: Endpoint) => each.type === 'unix' && !each.path.startsWith('\0')
  if (!endpoints.some(hasFile))
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `--mode ${mode}: is for unix sockets with a path, and none is listened on`,
    )
  return endpoints.map((each) => [each, hasFile(each) ? permissions : {}])
}

/** Files that cannot be used are told about, and the agent goes on with what it has. */
function reloadCertificates(agent: Agent, flags: CertificateFlags): void {
  try {
    const { cert, key, ca } = readCertificates(flags) ?? {}
    agent.setSecureContext(ca === undefined ? { cert, key } : { cert, key, ca })
    note('SIGHUP: certificates read again')
  } catch (error) {
    note(`SIGHUP: kept the old certificates: ${errorMessage(error)}`)
  }
}

function parseMode(text: string): number {
  if (!/^[0-7]{3,4}$/.test(text))
    throw new UsageError('ERR_SLUICE_OPTION', `--mode ${text}: use octal, such as 660`)
  return Number.parseInt(text, 8)
}

/** A list that is edited is read again; a broken one is told about, and the old one stays. */
function watchList(path: string, use: (list: ReputationList) => void): { close(): void } {
  return watchFile(
    path,
    () => reloadList(path, use),
    (error) => note(`${path}: changes are not noticed any more: ${error.message}`),
  )
}

function reloadList(path: string, use: (list: ReputationList) => void): void {
  try {
    const list = loadReputationList(path)
    use(list)
    note(`${path}: read again (${list.size} ranges)`)
  } catch (error) {
    note(`${path}: kept the old list: ${(error as Error).message}`)
  }
}
