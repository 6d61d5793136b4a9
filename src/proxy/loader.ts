/** From files to a plan: reads, checks and compiles everything, and reports all mistakes at once. */
import { Buffer } from 'node:buffer'
import { hostname } from 'node:os'
import { Diagnostics, parseConfigFiles } from '../config/index.ts'
import type { Diagnostic, Environment } from '../config/index.ts'
import { defaultRegistry, extendRegistry, PatternCache, VariableNames } from '../sample/index.ts'
import { isPlainObject, requireArgument } from '../base/options.ts'
import { isAcceptor, type Acceptor } from '../net/memory-socket.ts'
import type { SampleExtensions } from '../sample/index.ts'
import { Files } from './compile/files.ts'
import { compileProxies } from './compile/proxies.ts'
import type { CompileEnvironment, UserActionSpec } from './compile/scope.ts'
import { readSpoeEngines } from './compile/spoe.ts'
import type { LoadedProxy, LoadOptions, MountedAgent } from './load-options.ts'
import type { InnerPlan } from './plan/plan.ts'
import { sealPlan } from './plan/sealed.ts'

/** What a user adds of his own. */
export interface Extensions extends SampleExtensions {
  readonly actions?: readonly UserActionSpec[]
}

/** As `loadProxy`, of a configuration that may name what `extensions` brings. */
export function loadExtended(
  { files: names, env = {}, cwd = process.cwd(), maxconn, agents = {} }: LoadOptions,
  extensions: Extensions,
): LoadedProxy {
  const diagnostics = new Diagnostics()
  const files = new Files(cwd, diagnostics)
  const sources = names
    .flatMap((name) => files.expand(name))
    .flatMap((file) => {
      const text = files.text(toBytes(file), { file, line: 1, column: 1 }, 'configuration')
      return text === undefined ? [] : [{ file, text }]
    })
  const { actions = [] } = extensions
  const parsed = parseConfigFiles(sources, latin1Environment(env), actions)
  diagnostics.list.push(...parsed.diagnostics)
  const environment: CompileEnvironment = {
    diagnostics,
    files,
    variableNames: new VariableNames(),
    environment: definedOnly(parsed.environment),
    hostname: hostname(),
    globalLogs: parsed.config.global.logs,
    bufferSize: parsed.config.global.bufferSize,
    patternCache: new PatternCache(parsed.config.global.patternCacheSize),
    globalLogTag: parsed.config.global.logTag ?? 'haproxy',
    registry: extendRegistry(defaultRegistry, extensions),
    agents: toAgents(agents),
    actions: new Map(actions.map((action) => [action.name, action])),
  }
  const engines = readSpoeEngines(parsed.config, parsed.environment, environment)
  const proxies = compileProxies(parsed.config, engines, environment)
  warnUnreachableLogs(proxies, diagnostics)
  const inner: InnerPlan = {
    global: maxconn === undefined ? parsed.config.global : { ...parsed.config.global, maxconn },
    proxies,
    variableNames: environment.variableNames,
    hostname: environment.hostname,
  }
  const list = withoutConsequences(unique(diagnostics.list)).map(readable)
  const binds = proxies.flatMap(({ model }) => model.binds)
  const { statsSockets } = parsed.config.global
  const listeners = binds.reduce((sum, { endpoints }) => sum + endpoints.length, statsSockets)
  return { diagnostics: list, plan: diagnostics.failed ? undefined : sealPlan(inner), listeners }
}

function toAgents(given: Readonly<Record<string, MountedAgent>>): ReadonlyMap<string, Acceptor> {
  requireArgument(isPlainObject(given), 'loadProxy: the agents', 'must be an object of agents by name', given)
  const agents = new Map(Object.entries(given))
  for (const [name, agent] of agents)
    requireArgument(
      isAcceptor(agent),
      `loadProxy: the agent '${name}'`,
      'must have accept(), as agents have',
      agent,
    )
  return agents
}

/** A message that is sent at an event and in a group is compiled for each of them. */
function unique(list: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>()
  return list.filter(({ code, place, message }) => {
    const key = `${place.file}\0${place.line}\0${place.column}\0${code}\0${message}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** Warnings that something is not there. */
const missing: ReadonlySet<string> = new Set(['CFG_BIND_MISSING', 'CFG_TIMEOUT_MISSING', 'CFG_SPOE_EVENT'])

/** What is missing may stand on a line that was refused: while a file has errors, nobody is sent looking for it. */
export function withoutConsequences(list: readonly Diagnostic[]): Diagnostic[] {
  const broken = new Set(list.filter((each) => each.severity === 'error').map(({ place }) => place.file))
  return list.filter(
    ({ severity, code, place }) => severity === 'error' || !missing.has(code) || !broken.has(place.file),
  )
}

/** Longest message: it may repeat a word of the file, and a file that is no configuration may be one word. */
const longestMessage = 400

/** Inside, text has one character for each byte; people read UTF-8. */
function readable(diagnostic: Diagnostic): Diagnostic {
  const { message, hint } = diagnostic
  return {
    ...diagnostic,
    message: cut(fromBytes(message)),
    ...(hint === undefined ? {} : { hint: cut(fromBytes(hint)) }),
  }
}

function cut(text: string): string {
  if (text.length <= longestMessage) return text
  const half = longestMessage / 2
  return `${text.slice(0, half)}…${text.slice(-half)}`
}

function fromBytes(text: string): string {
  return /[\x80-\xff]/.test(text) && !/[^\0-\xff]/.test(text)
    ? Buffer.from(text, 'latin1').toString('utf8')
    : text
}

function toBytes(text: string): string {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

function latin1Environment(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value === undefined ? undefined : toBytes(value)]),
  )
}

function definedOnly(env: Environment): Map<string, string> {
  const defined = new Map<string, string>()
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined.set(name, value)
  return defined
}

function warnUnreachableLogs(proxies: InnerPlan['proxies'], diagnostics: Diagnostics): void {
  const targets = new Set(proxies.flatMap((each) => each.logTargets))
  for (const { to, place } of targets) {
    if (to.type !== 'unix') continue
    const message = `log lines cannot be sent to '${to.path}': there are no unix datagram sockets here`
    const hint = 'use stdout, stderr or the address of a syslog server'
    diagnostics.warning('ERR_PROXY_LOG', place, message, hint)
  }
}
