/** The configuration of a process of ready agents: what it listens on, and an entry for each agent. */
import { readFileSync } from 'node:fs'
import { basename, dirname, extname } from 'node:path'
import * as v from 'valibot'
import { logLevels } from '../../base/logger.ts'
import { isPlainObject } from '../../base/options.ts'
import { didYouMean } from '../../base/suggest.ts'
import { ServiceError } from '../errors.ts'
import { ConfigText, type ConfigComplaint } from '../frame/config-text.ts'
import { commonOutputs, type OnError } from '../frame/definition.ts'
import { isModulePath, loadReadyAgent, type AnyReadyAgent } from './registry.ts'
import { address, oneOrMore, statusAddress, text, whole } from '../frame/schemas.ts'
import { validate } from '../frame/validate.ts'

const tls = v.strictObject({
  cert: text,
  key: text,
  client_ca: v.optional(text),
})

const processEntries = {
  listen: v.optional(oneOrMore(address)),
  socket_mode: v.optional(
    v.pipe(
      v.string("must be octal in quotes, such as '660'"),
      v.regex(/^[0-7]{3,4}$/, "must be octal, such as '660'"),
    ),
  ),
  status: v.optional(statusAddress),
  log_level: v.optional(v.picklist(logLevels), 'info'),
  tls: v.optional(tls),
  agents: v.optional(
    v.pipe(
      v.custom<unknown>(isPlainObject, 'must be a mapping of names and configurations'),
      v.record(v.string(), v.unknown()),
    ),
    {},
  ),
}

const processSchema = v.strictObject(processEntries)

/** Milliseconds; `timeout processing` of the SPOE file is a little more. */
const usualDeadline = 80

/** The keys that every agent has. */
const commonEntries = {
  use: v.optional(text),
  on_error: v.optional(v.picklist(['open', 'closed'])),
  deadline_ms: v.optional(whole(1, 60_000), usualDeadline),
  outputs: v.optional(v.array(text)),
  scope: v.optional(v.picklist(['txn', 'sess']), 'txn'),
}

const commonSchema = v.object(commonEntries)
const commonKeys = Object.keys(commonEntries)

/** Certificates as files; their paths are relative to the configuration. */
export type TlsFiles = v.InferOutput<typeof tls>

/** One agent, ready to be made. */
export interface AgentEntry {
  /** Of its entry, its messages and its variables. */
  readonly name: string
  /** What `use:` says, or the name. */
  readonly use: string
  readonly definition: AnyReadyAgent
  readonly onError: OnError
  /** Milliseconds. */
  readonly deadline: number
  /** The outputs that are sent, beside those of the frame. */
  readonly outputs: readonly string[]
  readonly scope: 'txn' | 'sess'
  /** What the schema of the definition has made. */
  readonly config: unknown
  /** What stands in the file: equal texts are equal configurations. */
  readonly fingerprint: string
}

/** A configuration that was read, and is right. */
export interface ReadyConfig {
  readonly file: string
  readonly folder: string
  readonly listen: readonly string[]
  readonly socketMode: number | undefined
  readonly status: string | undefined
  readonly logLevel: (typeof logLevels)[number]
  readonly tls: TlsFiles | undefined
  readonly agents: readonly AgentEntry[]
}

/** What to read. */
export interface ReadyConfigRequest {
  /** The path of the YAML file; undefined is an empty one. */
  readonly file: string | undefined
  /** The agents that are wanted: names of entries, or paths of modules. @default all that the file has */
  readonly names?: readonly string[]
  /** @default that of the process */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Reads and checks a configuration, and loads the agents that it names.
 * @throws ServiceError `ERR_SERVICE_CONFIG` with a line for each mistake, `ERR_SERVICE_AGENT`.
 */
export async function readReadyConfig({
  file,
  names = [],
  env = process.env,
}: ReadyConfigRequest): Promise<ReadyConfig> {
  const folder = file === undefined ? process.cwd() : dirname(file)
  const source = new ConfigText(file === undefined ? '' : readText(file), file ?? '(none)', { env, folder })
  source.refuse(source.complaints)
  if (Array.isArray(source.value))
    source.refuse([{ ...source.placeOf([]), message: 'must be a mapping, not a list' }])
  const whole = await validate(processSchema, source.value ?? {}, source, [])
  if (whole.complaints !== undefined) source.refuse(whole.complaints)
  const { listen = [], socket_mode, status, log_level, tls: files, agents } = valueOf(whole)
  const complaints: ConfigComplaint[] = []
  const entries: AgentEntry[] = []
  for (const [name, use] of chooseAgents(agents, names, source)) {
    const entry = await readEntry({ name, use, value: agents[name], source, folder })
    if ('complaints' in entry) complaints.push(...entry.complaints)
    else entries.push(entry)
  }
  source.refuse(complaints)
  return {
    file: source.file,
    folder,
    listen,
    socketMode: socket_mode === undefined ? undefined : Number.parseInt(socket_mode, 8),
    status,
    logLevel: log_level,
    tls: files,
    agents: entries,
  }
}

/**
 * An entry as it is without a configuration: what it is asked, and what it sets. It cannot be run.
 * @throws ServiceError `ERR_SERVICE_AGENT`.
 */
export async function defaultEntry(use: string): Promise<AgentEntry> {
  const definition = await loadReadyAgent(use, process.cwd())
  return {
    name: isModulePath(use) ? basename(use, extname(use)) : use,
    use,
    definition,
    onError: definition.onError,
    deadline: usualDeadline,
    outputs: usualOutputs(definition),
    scope: 'txn',
    config: undefined,
    fingerprint: '',
  }
}

function usualOutputs({ usualOutputs: usual, outputs }: AnyReadyAgent): readonly string[] {
  return usual ?? Object.keys(outputs)
}

function valueOf<Output>(validated: { readonly value?: Output; readonly complaints?: unknown }): Output {
  // refuse() has thrown when there are complaints.
  return validated.value as Output
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ServiceError('ERR_SERVICE_CONFIG', `${file}: ${(error as Error).message}`, { cause: error })
  }
}

/** Names of entries, and for those that the command line names by path, the path. */
function chooseAgents(
  agents: Readonly<Record<string, unknown>>,
  names: readonly string[],
  source: ConfigText,
): Map<string, string | undefined> {
  const known = Object.keys(agents)
  if (names.length === 0) {
    if (known.length === 0) {
      source.refuse([
        { ...source.placeOf([]), message: "there is no agent: write them below 'agents:', or name one" },
      ])
    }
    return new Map(known.map((name) => [name, undefined]))
  }
  const chosen = new Map<string, string | undefined>()
  for (const each of names) {
    if (isModulePath(each)) chosen.set(basename(each, extname(each)), each)
    else if (known.includes(each)) chosen.set(each, undefined)
    else {
      const hint =
        didYouMean(each, known) ?? (known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`)
      source.refuse([
        { ...source.placeOf(['agents']), message: `there is no agent '${each}' below 'agents:': ${hint}` },
      ])
    }
  }
  return chosen
}

interface EntryRequest {
  readonly name: string
  /** Of the command line. */
  readonly use: string | undefined
  readonly value: unknown
  readonly source: ConfigText
  readonly folder: string
}

type EntryResult = AgentEntry | { readonly complaints: readonly ConfigComplaint[] }

async function readEntry({ name, use: path, value, source, folder }: EntryRequest): Promise<EntryResult> {
  const at = ['agents', name]
  const one = (message: string): EntryResult => ({ complaints: [{ ...source.placeOfKey(at), message }] })
  // Variables of HAProxy have such names, and the rest of it is theirs.
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name))
    return one(`'${name}' must be letters, digits, '-' and '_', 32 at most`)
  if (value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value)))
    return one(`'${name}' must be a mapping`)
  const given = (value ?? {}) as Readonly<Record<string, unknown>>
  const common = await validate(commonSchema, given, source, at)
  if (common.complaints !== undefined) return common
  const { use = path ?? name } = common.value
  const definition = await loadOrSay(path ?? use, path === undefined ? folder : process.cwd())
  if (typeof definition === 'string') return one(definition)
  const rest = Object.fromEntries(Object.entries(given).filter(([key]) => !commonKeys.includes(key)))
  const config = await validate(definition.schema, rest, source, at, commonKeys)
  const complaints = [...(config.complaints ?? []), ...complain(common.value, definition, source, name)]
  if (config.complaints !== undefined || complaints.length > 0) return { complaints }
  return {
    name,
    use: path ?? use,
    definition,
    onError: common.value.on_error ?? definition.onError,
    deadline: common.value.deadline_ms,
    outputs: common.value.outputs ?? usualOutputs(definition),
    scope: common.value.scope,
    config: config.value,
    fingerprint: JSON.stringify(given),
  }
}

/** The agent, or why there is none. */
async function loadOrSay(use: string, folder: string): Promise<AnyReadyAgent | string> {
  try {
    return await loadReadyAgent(use, folder)
  } catch (error) {
    if (error instanceof ServiceError) return error.message
    throw error
  }
}

function complain(
  { outputs = [], scope }: v.InferOutput<typeof commonSchema>,
  definition: AnyReadyAgent,
  source: ConfigText,
  name: string,
): ConfigComplaint[] {
  const known = Object.keys(definition.outputs)
  const complaints = outputs.flatMap((output, index) => {
    const place = source.placeOf(['agents', name, 'outputs', index])
    if (known.includes(output)) return []
    if (output in commonOutputs) return [{ ...place, message: `'${output}' is always among the outputs` }]
    const hint = didYouMean(output, known) ?? `it has ${known.join(', ')}`
    return [{ ...place, message: `'${output}' is no output of this agent: ${hint}` }]
  })
  if (scope === 'sess' && definition.perConnection !== true) {
    // The variable of one request would still stand when the next one is judged.
    const message = "a verdict about a request must not live in 'sess': leave 'scope' out"
    complaints.push({ ...source.placeOf(['agents', name, 'scope']), message })
  }
  return complaints
}
