/** `sluice run --agent FILE`: agents that run in the process of the proxy. */
import { existsSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Agent } from '../agent/index.ts'
import { errorMessage, UsageError } from '../base/errors.ts'
import { hasMethods, show } from '../base/options.ts'
import type { MountedAgent } from '../proxy/index.ts'

/** What `--agent` names. */
export interface AgentFlag {
  /** As `inproc@NAME` in the configuration. */
  readonly name: string
  readonly file: string
}

/** What of an agent the command uses. It may come from another copy of this package: its class tells nothing. */
export type LoadedAgent = Pick<Agent, 'accept' | 'close' | 'destroy'>

/** Reads `FILE` or `NAME=FILE`; the name of the file, without its end, is the name of the agent that has no other. */
export function parseAgentFlag(text: string): AgentFlag | undefined {
  const match = /^(?:([A-Za-z0-9_:.-]+)=)?(.+)$/s.exec(text)
  const file = match?.[2]
  if (file === undefined) return undefined
  return { name: match?.[1] ?? basename(file, extname(file)), file }
}

/** The agents as a configuration that is only checked wants them: their files are there, and none is run. */
export function findAgents(flags: readonly AgentFlag[]): Record<string, MountedAgent> {
  for (const flag of flags) pathOf(flag)
  return Object.fromEntries(flags.map(({ name }) => [name, { accept: () => {} }]))
}

/**
 * Runs the files, one after the other.
 * @throws UsageError `ERR_SLUICE_OPTION` for a file that is not there, cannot be run, or exports no agent
 */
export async function loadAgents(flags: readonly AgentFlag[]): Promise<Record<string, LoadedAgent>> {
  const agents: [string, LoadedAgent][] = []
  for (const flag of flags) agents.push([flag.name, await orIdle(flag, loadAgent(flag))])
  return Object.fromEntries(agents)
}

/** A file may wait for what never comes. With nothing else to do Node.js would end without a word. */
async function orIdle<Loaded>(flag: AgentFlag, loading: Promise<Loaded>): Promise<Loaded> {
  let onIdle: () => void = () => {}
  const idle = new Promise<never>((_, reject) => {
    onIdle = () => reject(refuse(flag, 'it never ends: it waits for something, and nothing is under way'))
  })
  process.once('beforeExit', onIdle)
  try {
    return await Promise.race([loading, idle])
  } finally {
    process.off('beforeExit', onIdle)
  }
}

async function loadAgent(flag: AgentFlag): Promise<LoadedAgent> {
  const exported = await importDefault(flag)
  let made: unknown
  try {
    made = typeof exported === 'function' ? await (exported as () => unknown)() : exported
  } catch (error) {
    throw refuse(flag, `its default export has thrown: ${errorMessage(error)}`, error)
  }
  if (isAgent(made)) return made
  const what = typeof exported === 'function' ? 'its default export has made' : 'its default export is'
  throw refuse(flag, `${what} ${show(made)}; ${rule}`)
}

const rule =
  "write 'export default agent', an agent that createAgent() has made, or a function that makes one"

function isAgent(given: unknown): given is LoadedAgent {
  return hasMethods(given, 'accept', 'close', 'destroy')
}

async function importDefault(flag: AgentFlag): Promise<unknown> {
  const path = pathOf(flag)
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module
  } catch (error) {
    throw refuse(flag, whyNotRun(path, error), error)
  }
  if ('default' in module) return module.default
  const names = Object.keys(module)
  throw refuse(
    flag,
    `it has no default export${names.length === 0 ? '' : `, only ${names.join(', ')}`}; ${rule}`,
  )
}

function pathOf(flag: AgentFlag): string {
  const path = resolve(flag.file)
  if (existsSync(path)) return path
  throw refuse(flag, `there is no ${path}`)
}

function whyNotRun(path: string, error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[mc]?ts$/.test(path)) {
    return `Node.js ${process.versions.node} does not run TypeScript: use 22.18 or later, or compile it to JavaScript`
  }
  return `it cannot be run: ${errorMessage(error)}`
}

function refuse({ file }: AgentFlag, why: string, cause?: unknown): UsageError {
  return new UsageError('ERR_SLUICE_OPTION', `--agent ${file}: ${why}`, cause)
}
