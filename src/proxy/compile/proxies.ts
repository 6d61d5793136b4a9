/** Sections into plans. Names are resolved here: what runs holds references. */
import { parseCidr } from '../../net/cidr-map.ts'
import type { Config, Proxy, Rule, RuleSet, SpoeEngine, Word } from '../../config/index.ts'
import type { Checkpoint } from '../../sample/index.ts'
import type { FcgiPlan } from '../plan/fcgi.ts'
import type { ProxyPlan, ServerPlan, SwitchPlan } from '../plan/plan.ts'
import type { ErrorReply } from '../plan/reply.ts'
import type { Format, RulePlan } from '../plan/rule.ts'
import { resolveTimeouts } from '../plan/timeouts.ts'
import { compileAction, checkpointOf, SectionActionContext } from './actions.ts'
import { compileAgent } from './agents.ts'
import { compileErrorPages, readErrorSections } from './error-pages.ts'
import type { ErrorSections } from './error-pages.ts'
import { compileFcgiApp } from './fcgi.ts'
import { compileHttpCheck } from './health-check.ts'
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
  const backends = new Map<string, ProxyPlan>()
  const find = (name: string) => backends.get(name)
  const shared: Shared = {
    fcgiApps: new Map(config.fcgiApps.map((app) => [app.name, compileFcgiApp(app, environment)])),
    errorSections: readErrorSections(config.httpErrors, environment),
  }
  const enginesOf = groupBy(engines, (each) => each.proxy)
  const proxyIds = new IdGiver(config.proxies)
  const compiled = config.proxies.map((proxy) => {
    const own = (enginesOf.get(proxy) ?? []).map((each) => compileSpoe(each, environment))
    const scope = new CompileScope(environment, proxy)
    scope.declareAcls(proxy.acls)
    const plan = compileProxy(proxy, proxyIds.take(proxy.id), own, shared, scope)
    if (proxy.kind !== 'frontend' && !backends.has(proxy.name)) backends.set(proxy.name, plan)
    return { plan, scope }
  })
  for (const { plan, scope } of compiled) resolveBackends(plan, find, scope)
  return compiled.map(({ plan }) => plan)
}

/** What sections refer to by name. */
interface Shared {
  /** Those that nobody uses, too: what is wrong with them is told, once. */
  readonly fcgiApps: ReadonlyMap<string, FcgiPlan | undefined>
  readonly errorSections: ErrorSections
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
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

/** Most sections have none: a configuration may have ten thousand backends. */
const noRules: readonly RulePlan[] = []
const noPages: ReadonlyMap<number, ErrorReply> = new Map()

function compileProxy(
  model: Proxy,
  id: number,
  engines: readonly CompiledSpoe[],
  shared: Shared,
  scope: CompileScope,
): ProxyPlan {
  const { environment } = scope
  const contextOf = (checkpoint: Checkpoint) =>
    new SectionActionContext(checkpoint, scope, engines, shared.errorSections)
  const of = (set: RuleSet): readonly RulePlan[] => {
    const rules = model.rules[set]
    return rules.length === 0 ? noRules : compileRules(rules, scope, contextOf(checkpointOf(set)))
  }
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
    fcgi: shared.fcgiApps.get(model.useFcgiApp?.text ?? ''),
    httpCheck:
      model.kind === 'frontend' || model.options.httpCheck === undefined
        ? undefined
        : compileHttpCheck(model.options.httpCheck, scope),
    servers: model.servers.map((server): ServerPlan => ({
      model: server,
      id: serverIds.take(server.id),
      agent: compileAgent(server, environment),
    })),
    // It has what the rules of a request have (`SMP_VAL_FE_HRQ_HDR`).
    uniqueId:
      model.uniqueIdFormat === undefined
        ? undefined
        : scope.format(model.uniqueIdFormat, 'http-request', 'unique-id'),
    forwardExcept: parseExcept(model.options.forwardFor?.except, scope),
    errorReplies:
      model.errorPages.length === 0
        ? noPages
        : compileErrorPages(model.errorPages, shared.errorSections, environment, contextOf('error-page')),
    logTargets: scope.logTargets(model.logs),
    logFormat: compileLog(model, scope),
    logFormatSd: model.logFormatSd === undefined ? undefined : scope.format(model.logFormatSd, 'log', 'log'),
    logTag: model.logTag ?? environment.globalLogTag,
  }
}

function compileRules(
  rules: readonly Rule[],
  scope: CompileScope,
  context: SectionActionContext,
): RulePlan[] {
  return rules.flatMap(({ place, action, condition }) => {
    const test = scope.condition(condition, context.checkpoint)
    const compiled = compileAction(action, context)
    return compiled === undefined ? [] : [{ place, condition: test?.evaluate, action: compiled }]
  })
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
