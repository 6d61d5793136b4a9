/** Ready agents of a configuration, on one listener: starts them, reloads them, and knows how they are. */
import { Agent, type AgentOptions } from '../../agent/index.ts'
import type { Logger } from '../../base/logger.ts'
import type { SourceReading } from '../../status/index.ts'
import type { AgentEntry, ReadyConfig } from './config.ts'
import type { ReadyAgent, Service } from '../frame/definition.ts'
import { formatServiceMetrics, type ReloadState } from './metrics.ts'
import { Mount, troubleOf } from './mount.ts'
import { variablePrefix } from '../frame/variables.ts'

/** A service that was replaced may have answers under way for so long, in milliseconds. */
const farewell = 1000

/** An agent whose metrics have those of the services behind them. */
class HostAgent extends Agent {
  readonly #more: () => string

  constructor(options: AgentOptions, more: () => string) {
    super(options)
    this.#more = more
  }

  override metrics(): string {
    return super.metrics() + this.#more()
  }
}

/** Ready agents that run; see {@link startReadyAgents}. */
export class ReadyAgents {
  /** Serves them all. */
  readonly agent: Agent
  readonly #mounts: readonly Mount[]
  readonly #logger: Logger
  readonly #reload: ReloadState = { ok: true }
  readonly #leaving = new Map<NodeJS.Timeout, Service>()
  /** What takes the sources off the status ports. */
  readonly #told: (() => void)[] = []
  #config: ReadyConfig

  constructor(config: ReadyConfig, mounts: readonly Mount[], logger: Logger, options: AgentOptions) {
    this.#config = config
    this.#mounts = mounts
    this.#logger = logger
    const varPrefix = longest(mounts.map(({ entry }) => variablePrefix(entry.name)))
    const more = () => formatServiceMetrics(this.#mounts, this.#reload)
    this.agent = new HostAgent({ ...options, logger, varPrefix, ready: () => this.ready }, more)
    for (const mount of mounts) {
      mount.register(this.agent)
      this.agent.status.check(mount.entry.name, () => mount.trouble ?? true)
    }
    this.#tellSources()
  }

  /** Status ports show the sources; a reload may have brought others. */
  #tellSources(): void {
    for (const forget of this.#told.splice(0)) forget()
    for (const mount of this.#mounts) {
      for (const { name } of mount.sources()) {
        this.#told.push(
          this.agent.status.source(`${mount.entry.name}/${name}`, () => readSource(mount, name)),
        )
      }
    }
  }

  /** The configuration that runs. */
  get config(): ReadyConfig {
    return this.#config
  }

  /** Whether every agent has what it needs to answer. */
  get ready(): boolean {
    return this.#mounts.every(({ trouble }) => trouble === undefined)
  }

  /** Why agents cannot answer, a line for each. */
  troubles(): string[] {
    return this.#mounts.flatMap(({ entry, trouble }) =>
      trouble === undefined ? [] : [`${entry.name}: ${trouble}`],
    )
  }

  /** Lets every agent look at its data now. */
  refresh(): void {
    for (const { service } of this.#mounts) service.refresh?.()
  }

  /** Says that the file that was read cannot be used: what runs goes on. */
  refuseReload(): void {
    this.#reload.ok = false
  }

  /**
   * Goes over to another configuration. Agents whose entries are as they were go on untouched; the others are made anew, and
   * when one of them cannot be made, or is not ready while the old one is, everything stays as it was.
   * Returns what only a restart would change, a line for each.
   * @throws what could not be made, and why.
   */
  async reload(config: ReadyConfig): Promise<readonly string[]> {
    const changed = this.#mounts.flatMap((mount) => {
      const entry = config.agents.find(({ name }) => name === mount.entry.name)
      return entry === undefined || !isReplaceable(mount.entry, entry) ? [] : [{ mount, entry }]
    })
    const made: Service[] = []
    try {
      for (const { mount, entry } of changed) {
        const service = await createService(entry, config.folder, this.#logger, mount.service)
        made.push(service)
        const trouble = mount.trouble === undefined ? troubleOf(service.sources?.() ?? []) : undefined
        if (trouble !== undefined) throw new Error(`${entry.name} would not be ready: ${trouble}`)
      }
    } catch (error) {
      this.#reload.ok = false
      await endAll(made)
      throw error
    }
    changed.forEach(({ mount, entry }, index) => {
      const service = made[index]
      if (service !== undefined) this.#leave(mount.replace(entry, service))
    })
    const restart = restartNotes(this.#config, config)
    this.#config = config
    this.#reload.ok = true
    this.#tellSources()
    return restart
  }

  /** Nothing new comes to a service that was replaced; what it was asked may take a moment yet. */
  #leave(service: Service): void {
    const timer = setTimeout(() => {
      this.#leaving.delete(timer)
      this.#end(service)
    }, farewell)
    this.#leaving.set(timer, service)
  }

  #end(service: Service): void {
    Promise.resolve(service.close?.()).catch((error: unknown) =>
      this.#logger.error({ err: error }, 'a ready agent that was replaced did not end well'),
    )
  }

  /** Closes the agent gracefully, and then what the services hold. */
  async close(): Promise<void> {
    await this.agent.close()
    for (const [timer, service] of this.#leaving) {
      clearTimeout(timer)
      this.#end(service)
    }
    this.#leaving.clear()
    await endAll(this.#mounts.map(({ service }) => service))
  }
}

/**
 * Makes the agents of a configuration, and waits for their first data; listening is up to the caller.
 * @throws ServiceError of an agent that cannot be made.
 */
export async function startReadyAgents(
  config: ReadyConfig,
  logger: Logger,
  options: AgentOptions = {},
): Promise<ReadyAgents> {
  const made = await Promise.allSettled(
    config.agents.map(
      async (entry) => new Mount(entry, await createService(entry, config.folder, logger, undefined)),
    ),
  )
  const mounts = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = made.find((each) => each.status === 'rejected')
  if (failed === undefined) return new ReadyAgents(config, mounts, logger, options)
  await endAll(mounts.map(({ service }) => service))
  throw failed.reason
}

function readSource(mount: Mount, name: string): SourceReading {
  const state = mount.sources().find((each) => each.name === name)
  if (state === undefined) return { ok: false, detail: 'it is there no more' }
  const { ok, ageSeconds, maxAgeSeconds, entries, latencyMs, detail } = state
  return { ok, ageSeconds, maxAgeSeconds, entries, latencyMs, detail }
}

async function endAll(services: readonly Service[]): Promise<void> {
  for (const service of services) await service.close?.()
}

async function createService(
  entry: AgentEntry,
  folder: string,
  logger: Logger,
  previous: Service | undefined,
): Promise<Service> {
  // Its own schema has made the configuration.
  const definition = entry.definition as unknown as ReadyAgent
  const { name, deadline } = entry
  return definition.create(entry.config, { name, folder, logger, deadline, previous })
}

/** Whether an entry has changed, and in a way that a running agent can follow. */
function isReplaceable(before: AgentEntry, after: AgentEntry): boolean {
  return before.fingerprint !== after.fingerprint && before.use === after.use
}

function longest(texts: readonly string[]): string {
  return texts.reduce((best, each) => (each.length > best.length ? each : best), '')
}

/** What differs and cannot change while the process runs. */
function restartNotes(before: ReadyConfig, after: ReadyConfig): string[] {
  const names = (config: ReadyConfig) => config.agents.map(({ name, use }) => `${name}=${use}`).join(', ')
  const deadlines = (config: ReadyConfig) => config.agents.map(({ deadline }) => deadline).join(', ')
  const facts: readonly (readonly [string, (config: ReadyConfig) => unknown])[] = [
    ['listen', (config) => config.listen.join(', ')],
    ['socket_mode', (config) => config.socketMode],
    ['status', (config) => config.status],
    ['tls', (config) => config.tls !== undefined],
    ['the set of agents', names],
    ['deadline_ms', deadlines],
  ]
  return facts
    .filter(([, of]) => of(before) !== of(after))
    .map(([what]) => `${what} has changed: restart for it`)
}
