/** Texts -> what the rules look at. What is wrong with the texts is reported elsewhere. */
import { engineName, isBackend, parseConfigFiles, parseSpoeFile } from '../config/index.ts'
import type { Config, ConfigSource, Environment, Filter, Proxy, SpoeConfig } from '../config/index.ts'
import { readSourceLines } from './source-line.ts'
import type { SourceLine } from './source-line.ts'
import type { LintEngine, LintSubject } from './subject.ts'
import type { HaproxyBranch } from './version.ts'

/** What is to be looked at. */
export interface SubjectSources {
  /** The configuration, in its order; empty for SPOE files alone. */
  readonly configuration: readonly ConfigSource[]
  /** SPOE files that no configuration names, with the scopes that count; `undefined` is what stands outside of scopes. */
  readonly spoeFiles: readonly (ConfigSource & { readonly scopes: readonly (string | undefined)[] })[]
  readonly env: Environment
  readonly agentDeadline: number | undefined
  readonly branch: HaproxyBranch | undefined
  /** @default 'sluice' */
  readonly readBy?: LintSubject['readBy']
  /** The text of the SPOE file that a filter names; undefined when it cannot be read. */
  readSpoeFile(name: string): string | undefined
}

/** Reads everything once more, in the form that rules want. */
export function createSubject(sources: SubjectSources): LintSubject {
  const { configuration, agentDeadline, branch, readBy = 'sluice' } = sources
  const parsed = configuration.length === 0 ? undefined : parseConfigFiles(configuration, sources.env)
  const env = parsed?.environment ?? sources.env
  const lines = configuration.flatMap(({ file, text }) => readSourceLines(file, text, toMap(env)))
  const hosted = parsed === undefined ? [] : hostedEngines(parsed.config, env, sources)
  const alone = sources.spoeFiles.flatMap((file) => loneEngines(file, env))
  return {
    config: parsed?.config,
    lines,
    engines: [...hosted, ...alone],
    bufferSize: globalNumber(lines, 'tune.bufsize') ?? 16_384,
    maxRewrite: globalNumber(lines, 'tune.maxrewrite') ?? 1024,
    agentDeadline,
    branch,
    readBy,
  }
}

function toMap(env: Environment): Map<string, string> {
  return new Map(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

function globalNumber(lines: readonly SourceLine[], keyword: string): number | undefined {
  const line = lines.findLast(({ words, section }) => section.kind === 'global' && words[0]?.text === keyword)
  const value = Number(line?.words[1]?.text)
  return Number.isSafeInteger(value) && value > 0 ? value : undefined
}

function hostedEngines(config: Config, env: Environment, sources: SubjectSources): LintEngine[] {
  return config.proxies.flatMap((proxy) =>
    proxy.filters.flatMap((filter) =>
      filter.type === 'spoe' ? hostedEngine(config, proxy, filter, env, sources) : [],
    ),
  )
}

function hostedEngine(
  config: Config,
  proxy: Proxy,
  filter: Extract<Filter, { type: 'spoe' }>,
  env: Environment,
  sources: SubjectSources,
): LintEngine[] {
  const file = filter.config.text
  const text = sources.readSpoeFile(file)
  const scope = filter.engine?.text
  const spoe = text === undefined ? undefined : parseSpoeFile(text, file, env, scope).spoe
  if (text === undefined || spoe === undefined) return []
  const name = engineName({ proxy, filter, spoe })
  const target = spoe.agent.useBackend?.text
  const backend = config.proxies.find((each) => isBackend(each) && each.name === target)
  const host = { proxy, place: filter.place, backend }
  return [{ name, spoe, lines: scopeLines(file, text, env, scope), host }]
}

function loneEngines(
  { file, text, scopes }: SubjectSources['spoeFiles'][number],
  env: Environment,
): LintEngine[] {
  return scopes.flatMap((scope) => {
    const spoe: SpoeConfig | undefined = parseSpoeFile(text, file, env, scope).spoe
    if (spoe === undefined) return []
    return [
      { name: scope ?? spoe.agent.name, spoe, lines: scopeLines(file, text, env, scope), host: undefined },
    ]
  })
}

function scopeLines(file: string, text: string, env: Environment, scope: string | undefined): SourceLine[] {
  return readSourceLines(file, text, toMap(env)).filter(({ section }) => section.scope === scope)
}
