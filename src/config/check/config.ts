/** What can be judged only when everything was read: references, modes, missing pieces. Drafts become the model. */
import type { GlobalDraft } from '../draft/global.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import type { FcgiAppDraft, HttpErrorsDraft } from '../draft/sections.ts'
import { ruleSets } from '../model/index.ts'
import type { Config, Proxy, Rules, Server } from '../model/index.ts'
import type { Diagnostics, Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'
import { checkCaptures } from './captures.ts'
import { checkErrorPages } from './error-pages.ts'
import { checkFcgi } from './fcgi.ts'

/** Everything that was read. */
export interface Sections {
  readonly global: GlobalDraft
  readonly proxies: readonly ProxyDraft[]
  readonly fcgiApps: readonly FcgiAppDraft[]
  readonly httpErrors: readonly HttpErrorsDraft[]
}

/** Checks everything and returns the model. */
export function checkConfig(sections: Sections, diagnostics: Diagnostics): Config {
  const { global, proxies, fcgiApps, httpErrors } = sections
  const backends = backendsByName(proxies)
  // What a disabled proxy refers to is not looked at, as in HAProxy.
  for (const proxy of proxies.filter((each) => !each.disabled)) {
    checkRedirects(proxy, diagnostics)
    checkFrontend(proxy, diagnostics)
    checkBackends(proxy, backends, diagnostics)
    checkTimeouts(proxy, diagnostics)
    checkServers(proxy, diagnostics)
    checkHttpCheck(proxy, diagnostics)
    checkMode(proxy, diagnostics)
    checkCaptures(proxy, diagnostics)
  }
  checkIds(proxies, diagnostics)
  checkFcgi(proxies, fcgiApps, diagnostics)
  checkErrorPages(proxies, httpErrors, diagnostics)
  const { environment: _, ...globalModel } = global
  return { global: globalModel, proxies: proxies.map(toProxy), fcgiApps, httpErrors }
}

/** The first one of each name, as references find it. */
function backendsByName(proxies: readonly ProxyDraft[]): ReadonlyMap<string, ProxyDraft> {
  const backends = new Map<string, ProxyDraft>()
  for (const proxy of proxies) {
    if (proxy.kind !== 'frontend' && !backends.has(proxy.name)) backends.set(proxy.name, proxy)
  }
  return backends
}

/** Field by field, without what only readers need: where the rest of an object is taken, V8 looks each of its names up. */
function toProxy(draft: ProxyDraft): Proxy {
  const { kind, binds, backlog } = draft
  return {
    // Only sections that are no defaults are ever put into the list.
    kind: kind === 'defaults' ? 'backend' : kind,
    name: draft.name,
    place: draft.place,
    mode: draft.mode,
    disabled: draft.disabled,
    description: draft.description,
    id: draft.id,
    binds: binds.map((bind) => ({ ...bind, backlog: bind.backlog ?? backlog })),
    maxconn: draft.maxconn,
    monitorUri: draft.monitorUri,
    useBackends: draft.useBackends,
    defaultBackend: draft.defaultBackend,
    captures: draft.captures,
    uniqueIdFormat: draft.uniqueIdFormat,
    uniqueIdHeader: draft.uniqueIdHeader,
    servers: draft.servers,
    balance: draft.balance,
    retries: draft.retries,
    retryOn: draft.retryOn,
    httpReuse: draft.httpReuse,
    fullconn: draft.fullconn,
    useFcgiApp: draft.useFcgiApp,
    timeouts: draft.timeouts,
    options: draft.options,
    acls: draft.acls,
    rules: draft.rules,
    inspectDelay: draft.inspectDelay,
    filters: draft.filters,
    logs: draft.logs,
    logTag: draft.logTag,
    logFormat: draft.logFormat,
    logFormatSd: draft.logFormatSd,
    errorPages: draft.errorPages,
  }
}

/** HAProxy evaluates `redirect` lines behind the rules of http-request, also when one of these has allowed the request. */
function checkRedirects(proxy: ProxyDraft, diagnostics: Diagnostics): void {
  const [first] = proxy.redirects
  if (first === undefined) return
  const rules = proxy.rules['http-request']
  rules.push(...proxy.redirects)
  if (!rules.some(({ action }) => action.type === 'allow')) return
  const message = `'redirect' of ${title(proxy)}: not implemented beside 'http-request allow'`
  diagnostics.error('CFG_KEYWORD_UNSUPPORTED', first.place, message, "write 'http-request redirect' instead")
}

function title(proxy: ProxyDraft): string {
  return `${proxy.kind} '${proxy.name}'`
}

function checkFrontend(proxy: ProxyDraft, diagnostics: Diagnostics): void {
  if (proxy.kind === 'backend') return
  if (proxy.logFormat !== undefined && proxy.logs.length === 0) {
    const message = `${title(proxy)} has a log format and no 'log' line: nothing is logged`
    diagnostics.warning(
      'CFG_KEYWORD_IGNORED',
      proxy.place,
      message,
      "add 'log global' and a 'log' in the global section",
    )
  }
  if (proxy.binds.length > 0) return
  const message = `${title(proxy)} has no 'bind' line: nothing can reach it`
  diagnostics.warning('CFG_BIND_MISSING', proxy.place, message, 'if it is a backend, say so')
}

type Backends = ReadonlyMap<string, ProxyDraft>

function checkBackends(proxy: ProxyDraft, backends: Backends, diagnostics: Diagnostics): void {
  if (proxy.kind === 'backend') return
  const { defaultBackend, useBackends } = proxy
  for (const use of useBackends) {
    if (!use.backend.text.includes('%[')) checkBackend(proxy, use.backend, backends, diagnostics)
  }
  if (defaultBackend === undefined) return
  checkBackend(proxy, defaultBackend, backends, diagnostics)
  if (proxy.servers.length > 0) {
    const message = `${title(proxy)} has a default_backend: its own servers are never used`
    diagnostics.warning('CFG_KEYWORD_IGNORED', defaultBackend.place, message)
  }
}

function checkBackend(proxy: ProxyDraft, name: Word, backends: Backends, diagnostics: Diagnostics): void {
  const target = backends.get(name.text)
  if (target === undefined) {
    const hint = diagnostics.nearest(name.text, backends.keys())
    diagnostics.error('CFG_BACKEND_UNKNOWN', name.place, `there is no backend '${name.text}'`, hint)
  } else if (target === proxy) {
    diagnostics.error('CFG_BACKEND_LOOP', name.place, `${title(proxy)} cannot be its own backend`)
  } else if (target.mode === 'spop') {
    const message = `${title(proxy)} cannot use the backend '${name.text}', which is for agents`
    diagnostics.error('CFG_BACKEND_MODE', name.place, message, `write 'mode ${proxy.mode}' into the backend`)
  } else if (target.mode !== proxy.mode && proxy.mode !== 'tcp') {
    const message = `${title(proxy)} has mode ${proxy.mode}, its backend '${name.text}' has mode ${target.mode}`
    diagnostics.error('CFG_BACKEND_MODE', name.place, message, `write 'mode ${proxy.mode}' into the backend`)
  } else if (target.servers.some(({ address }) => address.type === 'inproc')) {
    const message = `the backend '${name.text}' has an agent in the same process, which has no streams`
    diagnostics.error('CFG_ADDRESS', name.place, message, 'only a spoe-agent can use it')
  }
}

function checkTimeouts(proxy: ProxyDraft, diagnostics: Diagnostics): void {
  const { timeouts } = proxy
  const missing: string[] = []
  if (proxy.kind !== 'backend' && timeouts.client === undefined) missing.push('client')
  if (proxy.kind !== 'frontend' && proxy.servers.length > 0) {
    if (timeouts.connect === undefined) missing.push('connect')
    if (timeouts.server === undefined) missing.push('server')
  }
  if (missing.length === 0) return
  const message = `${title(proxy)} lacks ${missing.map((name) => `'timeout ${name}'`).join(', ')}`
  diagnostics.warning(
    'CFG_TIMEOUT_MISSING',
    proxy.place,
    message,
    'a peer that vanishes is waited for without end',
  )
}

function checkServers(proxy: ProxyDraft, diagnostics: Diagnostics): void {
  const names = new Map<string, Place>()
  const ids = new Map<number, Place>()
  for (const server of proxy.servers) {
    const before = names.get(server.name)
    if (before !== undefined) {
      const message = `${title(proxy)} has a server '${server.name}' in line ${before.line} already`
      diagnostics.error('CFG_SERVER_DUPLICATE', server.place, message)
    }
    names.set(server.name, server.place)
    if (server.address.type === 'inproc') checkInproc(proxy, server, diagnostics)
    if (server.id === undefined) continue
    const sameId = ids.get(server.id)
    if (sameId !== undefined) reportId(server.id, server.place, sameId, diagnostics)
    ids.set(server.id, server.place)
  }
}

function checkHttpCheck({ httpCheckPlace, options }: ProxyDraft, diagnostics: Diagnostics): void {
  if (httpCheckPlace === undefined || options.httpCheck !== undefined) return
  const message = "'http-check' has no effect without 'option httpchk'"
  diagnostics.warning(
    'CFG_KEYWORD_IGNORED',
    httpCheckPlace,
    message,
    "add 'option httpchk': otherwise a check is a connection",
  )
}

/** Streams cannot be given to an agent. */
function checkInproc(proxy: ProxyDraft, { name, place }: Server, diagnostics: Diagnostics): void {
  if (proxy.kind === 'backend' && proxy.mode !== 'http') return
  const message = `the server '${name}' of ${title(proxy)} is an agent in the same process, which has no streams`
  const hint = "put it into a backend with 'mode tcp' that a spoe-agent uses"
  diagnostics.error('CFG_ADDRESS', place, message, hint)
}

function checkIds(proxies: readonly ProxyDraft[], diagnostics: Diagnostics): void {
  const ids = new Map<number, Place>()
  for (const { id, place } of proxies) {
    if (id === undefined) continue
    const before = ids.get(id)
    if (before !== undefined) reportId(id, place, before, diagnostics)
    ids.set(id, place)
  }
}

function reportId(id: number, place: Place, before: Place, diagnostics: Diagnostics): void {
  diagnostics.error(
    'CFG_ID_DUPLICATE',
    place,
    `the id ${id} is that of line ${before.line} of ${before.file} already`,
  )
}

/** HTTP rules and options mean nothing in TCP mode; HAProxy says so and goes on. */
function checkMode(proxy: ProxyDraft, diagnostics: Diagnostics): void {
  if (proxy.mode === 'http') return
  if (proxy.mode === 'spop' && proxy.kind !== 'backend') {
    const message = `${title(proxy)} inherits mode spop, which is for backends of agents`
    diagnostics.error('CFG_BACKEND_MODE', proxy.place, message, "write 'mode tcp' or 'mode http' into it")
  }
  const ignored = (what: string, place: Place): void => {
    const message = `${what} of ${title(proxy)} has no effect without 'mode http'`
    diagnostics.warning('CFG_MODE', place, message)
  }
  for (const set of ruleSets) {
    const first = proxy.rules[set][0]
    if (first === undefined || !set.startsWith('http-')) continue
    ignored(`'${set}'`, first.place)
    proxy.rules = { ...proxy.rules, [set]: [] } satisfies Rules
  }
  if (proxy.options.forwardFor !== undefined) {
    ignored("'option forwardfor'", proxy.place)
    proxy.options.forwardFor = undefined
  }
  if (proxy.monitorUri !== undefined) {
    ignored("'monitor-uri'", proxy.place)
    proxy.monitorUri = undefined
  }
  const format = proxy.logFormat?.kind
  if (proxy.kind !== 'backend' && (format === 'httplog' || format === 'clf')) {
    const message = `'option httplog' of ${title(proxy)} needs 'mode http': 'option tcplog' is used`
    diagnostics.warning('CFG_MODE', proxy.place, message)
    proxy.logFormat = { kind: 'tcplog' }
  }
}
