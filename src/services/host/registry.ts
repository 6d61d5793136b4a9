/** Where ready agents are found: ours by their names, others by the path of a module. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorMessage } from '../../base/errors.ts'
import { isPlainObject, show } from '../../base/options.ts'
import { didYouMean } from '../../base/suggest.ts'
import { ServiceError } from '../errors.ts'
import type { ReadyAgent, Service, ServiceEnvironment } from '../frame/definition.ts'
import type { StandardSchema } from '../frame/standard-schema.ts'

/** Ready agents whose configurations differ, side by side. */
export interface AnyReadyAgent extends Omit<ReadyAgent, 'schema' | 'create'> {
  readonly schema: StandardSchema<unknown>
  create(config: never, environment: ServiceEnvironment): Service | PromiseLike<Service>
}

type Load = () => Promise<{ readonly readyAgent: AnyReadyAgent }>

/** Loaded when they are wanted: each may bring a package of its own. */
const builtIn: Readonly<Record<string, Load>> = {
  'ip-reputation': () => import('../reputation/agent.ts'),
  geoip: () => import('../geoip/agent.ts'),
  'rate-limit': () => import('../rate-limit/agent.ts'),
}

/** The names of the ready agents that come with sluice. */
export const readyAgentNames: readonly string[] = Object.keys(builtIn)

/** Whether `use:`, or an argument of the command, is the path of a module, and no name. */
export function isModulePath(text: string): boolean {
  return /[/\\]/.test(text) || /\.[cm]?[jt]s$/.test(text)
}

/**
 * Loads a ready agent; paths are relative to `folder`.
 * @throws ServiceError `ERR_SERVICE_AGENT`.
 */
export async function loadReadyAgent(use: string, folder: string): Promise<AnyReadyAgent> {
  if (isModulePath(use)) return loadModule(use, resolve(folder, use))
  const load = Object.hasOwn(builtIn, use) ? builtIn[use] : undefined
  if (load !== undefined) return (await load()).readyAgent
  const hint = didYouMean(use, readyAgentNames) ?? `there are ${readyAgentNames.join(', ')}`
  throw new ServiceError(
    'ERR_SERVICE_AGENT',
    `'${use}' is none of ours: ${hint}; one of your own is named by its path, such as ./${use}.js`,
  )
}

async function loadModule(use: string, path: string): Promise<AnyReadyAgent> {
  if (!existsSync(path)) throw new ServiceError('ERR_SERVICE_AGENT', `${use}: there is no ${path}`)
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module
  } catch (error) {
    throw new ServiceError('ERR_SERVICE_AGENT', `${use}: ${whyNotRun(path, error)}`, { cause: error })
  }
  const complaint = complaintOf(module.default)
  if (complaint === undefined) return module.default as AnyReadyAgent
  throw new ServiceError(
    'ERR_SERVICE_AGENT',
    `${use}: its default export ${complaint}; see docs/ready-agents.md`,
  )
}

function whyNotRun(path: string, error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[mc]?ts$/.test(path)) {
    return `Node.js ${process.versions.node} does not run TypeScript: use 22.18 or later, or compile it to JavaScript`
  }
  return `it cannot be run: ${errorMessage(error)}`
}

/** What a module that was written by hand may have forgotten. */
function complaintOf(given: unknown): string | undefined {
  if (!isPlainObject(given)) return `must be a ready agent, not ${show(given)}`
  const wrong = Object.entries(shape).find(([key, is]) => !is(given[key]))
  return wrong === undefined ? undefined : `has no right '${wrong[0]}'`
}

const isTexts = (given: unknown) => Array.isArray(given) && given.every((each) => typeof each === 'string')

const shape: Readonly<Record<string, (given: unknown) => boolean>> = {
  about: (given) => typeof given === 'string',
  schema: (given) => typeof given === 'object' && given !== null && '~standard' in given,
  onError: (given) => given === 'open' || given === 'closed',
  verdicts: (given) =>
    isTexts(given) && (given as string[]).includes('allow') && (given as string[]).includes('deny'),
  passing: isTexts,
  outputs: isPlainObject,
  messages: (given) => Array.isArray(given) && given.length > 0,
  rules: (given) => typeof given === 'function',
  create: (given) => typeof given === 'function',
}
