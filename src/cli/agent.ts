/** `sluice agent NAME`: a ready-made agent, alone. */
import { readFileSync } from 'node:fs'
import { createAgent, type Agent } from '../agent/index.ts'
import { CidrMap } from '../net/cidr-map.ts'
import { formatEndpoint } from '../net/endpoint.ts'
import { UsageError } from '../base/errors.ts'
import { createStderrLogger } from '../base/stderr-logger.ts'
import { logLevels, type LogLevel } from '../base/logger.ts'
import { parseReputationList, serveIpReputation, type ReputationList } from '../services/ip-reputation.ts'
import { watchFile } from './file-watch.ts'
import { formatFrame } from './frame-text.ts'
import { note, print } from './output.ts'
import { closeOnSignal } from './signals.ts'

/** Options of `sluice agent ip-reputation`. */
export interface IpReputationOptions {
  readonly listen: readonly string[]
  readonly list?: string
  readonly mode?: string
  readonly trace?: boolean
  readonly logLevel: LogLevel
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

/** Serves until a signal. Resolves to the exit code. */
export async function ipReputationCommand(options: IpReputationOptions): Promise<number> {
  if (!logLevels.includes(options.logLevel)) {
    throw new UsageError('ERR_SLUICE_OPTION', `--log-level ${options.logLevel}: use ${logLevels.join(', ')}`)
  }
  const logger = createStderrLogger(options.logLevel)
  let list = loadReputationList(options.list)
  const agent = serveIpReputation(createAgent({ logger }), () => list)
  const switchTrace = traceSwitch(agent, options.trace === true)
  process.on('SIGUSR2', switchTrace)
  const watcher = options.list === undefined ? undefined : watchList(options.list, (next) => (list = next))
  for (const where of options.listen) {
    const address = await agent.listen(
      where,
      options.mode === undefined ? {} : { mode: parseMode(options.mode) },
    )
    print(`ip-reputation listens on ${formatEndpoint(address)} (${list.size} ranges)`)
  }
  await closeOnSignal(() => agent.close())
  process.off('SIGUSR2', switchTrace)
  watcher?.close()
  return 0
}

function parseMode(text: string): number {
  if (!/^[0-7]{3,4}$/.test(text))
    throw new UsageError('ERR_SLUICE_OPTION', `--mode ${text}: use octal, such as 660`)
  return Number.parseInt(text, 8)
}

/** Switches the trace of an agent off and on; it begins as `on` says. */
function traceSwitch(agent: Agent, on: boolean): () => void {
  const apply = () => agent.trace(on ? (event) => note(formatFrame(event)) : undefined)
  apply()
  return () => {
    on = !on
    apply()
    note(`SIGUSR2: trace ${on ? 'on' : 'off'}`)
  }
}

/** A list that is edited is read again; a broken one is told about, and the old one stays. */
function watchList(path: string, use: (list: ReputationList) => void): { close(): void } {
  const reload = () => {
    try {
      const list = loadReputationList(path)
      use(list)
      note(`${path}: read again (${list.size} ranges)`)
    } catch (error) {
      note(`${path}: kept the old list: ${(error as Error).message}`)
    }
  }
  return watchFile(path, reload, (error) =>
    note(`${path}: changes are not noticed any more: ${error.message}`),
  )
}
