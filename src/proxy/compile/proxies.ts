/** Sections into plans. Names are resolved here: what runs holds references. */
import { parseCidr } from '../../cidr-map.ts'
import { ruleSets } from '../../config/index.ts'
import type { Config, Proxy, Rule, RuleSet, SpoeEngine, Word } from '../../config/index.ts'
import type { LogFormatUse } from '../../sample/index.ts'
import type { FcgiPlan } from '../plan/fcgi.ts'
import type { ProxyPlan, ServerPlan, SwitchPlan } from '../plan/plan.ts'
import type { ErrorReply } from '../plan/reply.ts'
import type { Format, RulePlan } from '../plan/rule.ts'
import { resolveTimeouts } from '../plan/timeouts.ts'
import { compileAction, rulesetOf } from './actions.ts'
import { readErrorFile } from './error-file.ts'
import { compileFcgiApp } from './fcgi.ts'
import { CompileScope } from './scope.ts'
import type { CompileEnvironment } from './scope.ts'
import { compileSpoe } from './spoe.ts'
import type { CompiledSpoe } from './spoe.ts'

/** The default formats (configuration.txt 8.2.2, 8.2.3). */
const logFormats = {
  tcplog: '%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq',
  httplog:
    '%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r',
  clf:
    '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc ' +
    '%sq %bq %CC %CS %hrl %hsl',
} as const

/** Compiles everything; complaints go to the environment's diagnostics. */
export function compileProxies(
  config: Config,
  engines: readonly SpoeEngine[],
  environment: CompileEnvironment,
): ProxyPlan[] {
  const plans: ProxyPlan[] = []
  const scopes: CompileScope[] = []
  const find = (name: string) =>
    plans.find((each) => each.model.kind !== 'frontend' && each.model.name === name)
  const proxyIds = new IdGiver(config.proxies)
  for (const proxy of config.proxies) {
    const own = engines
      .filter((each) => each.proxy === proxy)
      .map((each) => compileSpoe(each, environment, find))
    const scope = new CompileScope(environment, proxy)
    scope.declareAcls(proxy.acls)
    scopes.push(scope)
    plans.push(compileProxy(proxy, proxyIds.take(proxy.id), own, config, scope))
  }
  for (const [at, plan] of plans.entries()) resolveBackends(plan, find, scopes[at] as CompileScope) // one for each
  return plans
}

/** Gives numbers to what has none, without those that the configuration gave. */
class IdGiver {
  readonly #taken: ReadonlySet<number>
  #next = 1

  constructor(all: readonly { readonly id: number | undefined }[]) {
    this.#taken = new Set(all.flatMap(({ id }) => (id === undefined ? [] : [id])))
  }

  take(given: number | undefined): number {
    if (given !== undefined) return given
    while (this.#taken.has(this.#next)) this.#next++
    return this.#next++
  }
}

function compileProxy(
  model: Proxy,
  id: number,
  engines: readonly CompiledSpoe[],
  config: Config,
  scope: CompileScope,
): ProxyPlan {
  const { environment } = scope
  const rules = new Map<RuleSet, readonly RulePlan[]>(
    ruleSets.map((set) => [set, compileRules(model.rules[set], scope, engines)]),
  )
  const of = (set: RuleSet) => rules.get(set) ?? []
  const serverIds = new IdGiver(model.servers)
  return {
    model,
    id,
    timeouts: resolveTimeouts(model.timeouts),
    rules: {
      connection: of('tcp-request connection'),
      session: of('tcp-request session'),
      requestContent: of('tcp-request content'),
      httpRequest: of('http-request'),
      responseContent: of('tcp-response content'),
      httpResponse: of('http-response'),
      httpAfterResponse: of('http-after-response'),
    },
    switches: [],
    defaultBackend: undefined,
    filters: engines.map((each) => each.plan),
    fcgi: compileFcgi(model, config, environment),
    servers: model.servers.map((server): ServerPlan => ({ model: server, id: serverIds.take(server.id) })),
    uniqueId: optionalFormat(model.uniqueIdFormat, scope, 'unique-id'),
    forwardExcept: parseExcept(model.options.forwardFor?.except, scope),
    errorReplies: readErrorFiles(model, environment),
    logTargets: scope.logTargets(model.logs),
    logFormat: compileLog(model, scope),
    logFormatSd: optionalFormat(model.logFormatSd, scope, 'log'),
    logTag: model.logTag ?? environment.globalLogTag,
  }
}

function compileRules(
  rules: readonly Rule[],
  scope: CompileScope,
  engines: readonly CompiledSpoe[],
): RulePlan[] {
  return rules.flatMap(({ place, ruleSet, action, condition }) => {
    const ruleset = rulesetOf(ruleSet)
    const test = scope.condition(condition, ruleset)
    const compiled = compileAction(action, ruleset, scope, engines)
    return compiled === undefined ? [] : [{ place, condition: test?.evaluate, action: compiled }]
  })
}

function compileFcgi(model: Proxy, config: Config, environment: CompileEnvironment): FcgiPlan | undefined {
  const app = config.fcgiApps.find((each) => each.name === model.useFcgiApp?.text)
  return app === undefined ? undefined : compileFcgiApp(app, environment)
}

function optionalFormat(word: Word | undefined, scope: CompileScope, use: LogFormatUse): Format | undefined {
  return word === undefined ? undefined : scope.format(word, 'log', use)
}

function compileLog(model: Proxy, scope: CompileScope): Format | undefined {
  const { logFormat } = model
  if (logFormat === undefined || model.kind === 'backend') return undefined
  if (logFormat.kind === 'custom') return scope.format(logFormat.format, 'log', 'log')
  const word = { text: logFormats[logFormat.kind], place: model.place, quoted: true }
  return scope.format(word, 'log', 'log')
}

function parseExcept(word: Word | undefined, scope: CompileScope): ProxyPlan['forwardExcept'] {
  const cidr = word === undefined ? undefined : parseCidr(word.text)
  if (word !== undefined && cidr === undefined) {
    scope.error(word.place, `'${word.text}' is not an address or a range of addresses`)
  }
  return cidr
}

function readErrorFiles(model: Proxy, environment: CompileEnvironment): Map<number, ErrorReply> {
  const replies = new Map<number, ErrorReply>()
  for (const file of model.errorFiles) {
    const reply = readErrorFile(file, environment)
    if (reply !== undefined) replies.set(file.status, reply)
  }
  return replies
}

/** Backends that do not exist were reported by the reader of the configuration. */
function resolveBackends(
  plan: ProxyPlan,
  find: (name: string) => ProxyPlan | undefined,
  scope: CompileScope,
): void {
  const { model } = plan
  for (const { backend, condition } of model.useBackends) {
    const test = scope.condition(condition, 'backend-switching')?.test
    const isComputed = backend.text.includes('%[')
    const target = isComputed ? scope.format(backend, 'backend-switching', 'plain') : find(backend.text)
    if (target !== undefined) plan.switches.push({ condition: test, backend: target } satisfies SwitchPlan)
  }
  plan.defaultBackend = model.defaultBackend === undefined ? undefined : find(model.defaultBackend.text)
}
