/** Proxies and `defaults` sections while they are being read: the model, writable, and what readers remember beside it. */
import { defaults } from '../model/defaults.ts'
import { defaultRound } from './http-check.ts'
import { ruleSets } from '../model/index.ts'
import type {
  Bind,
  Captures,
  HttpCheck,
  InspectDelay,
  Proxy,
  ProxyOptions,
  Rule,
  RuleSet,
  Timeouts,
} from '../model/index.ts'
import type { Place } from '../text/diagnostics.ts'
import type { Draft } from '../text/writable.ts'
import { copyServerDraft, createServerDraft } from './server.ts'
import type { ServerDraft } from './server.ts'

/** A proxy or a `defaults` section being read. */
export interface ProxyDraft extends Omit<
  Draft<Proxy>,
  'kind' | 'timeouts' | 'options' | 'rules' | 'inspectDelay' | 'captures'
> {
  kind: Proxy['kind'] | 'defaults'
  timeouts: Draft<Timeouts>
  options: Draft<ProxyOptions>
  rules: { [Set in RuleSet]: Rule[] }
  inspectDelay: Draft<InspectDelay>
  captures: Draft<Captures>
  /** `redirect` lines: they are evaluated behind the rules of http-request. */
  redirects: Rule[]
  /** `backlog`, for `bind` lines without one. */
  backlog: number | undefined
  /** What `option httpchk` and `http-check` have said, which counts when there is the former. */
  httpChecks: HttpCheck
  /** The first `http-check` line of its own. */
  httpCheckPlace: Place | undefined
  /** They are those of the defaults section: the first line of its own about checks replaces them all. */
  hasInheritedChecks: boolean
  /** What `server` lines begin with. */
  defaultServer: ServerDraft
  /** A `server` line was refused: what it would have been is not among the servers. */
  hasRefusedServer: boolean
}

/** A `bind` line being read. */
export type BindDraft = Draft<Bind>

function emptyRules(): { [Set in RuleSet]: Rule[] } {
  return {
    'tcp-request connection': [],
    'tcp-request session': [],
    'tcp-request content': [],
    'http-request': [],
    'tcp-response content': [],
    'http-response': [],
    'http-after-response': [],
  }
}

/** A proxy with HAProxy's own defaults. */
export function createProxyDraft(kind: ProxyDraft['kind'], name: string, place: Place): ProxyDraft {
  return {
    kind,
    name,
    place,
    mode: defaults.mode,
    disabled: false,
    description: undefined,
    id: undefined,
    binds: [],
    maxconn: undefined,
    monitorUri: undefined,
    useBackends: [],
    defaultBackend: undefined,
    captures: { request: [], response: [] },
    uniqueIdFormat: undefined,
    uniqueIdHeader: undefined,
    servers: [],
    balance: { algorithm: defaults.balance, parameter: undefined, args: [] },
    retries: defaults.retries,
    retryOn: new Set(['conn-failure']),
    httpReuse: defaults.httpReuse,
    fullconn: undefined,
    useFcgiApp: undefined,
    timeouts: {
      connect: undefined,
      client: undefined,
      server: undefined,
      httpRequest: undefined,
      httpKeepAlive: undefined,
      queue: undefined,
      tarpit: undefined,
      check: undefined,
      clientFin: undefined,
      serverFin: undefined,
      tunnel: undefined,
    },
    options: {
      connectionMode: defaults.connectionMode,
      pretendKeepAlive: false,
      dontLogNull: false,
      dontLogNormal: false,
      logSeparateErrors: false,
      logHealthChecks: false,
      forwardFor: undefined,
      httpCheck: undefined,
      spopCheck: false,
      redispatch: false,
      abortOnClose: false,
      httpBufferRequest: false,
    },
    acls: [],
    rules: emptyRules(),
    inspectDelay: { request: undefined, response: undefined },
    filters: [],
    logs: [],
    logTag: undefined,
    logFormat: undefined,
    logFormatSd: undefined,
    errorPages: [],
    redirects: [],
    backlog: undefined,
    httpChecks: { rounds: [defaultRound] },
    httpCheckPlace: undefined,
    hasInheritedChecks: false,
    defaultServer: createServerDraft(),
    hasRefusedServer: false,
  }
}

/** A proxy (or another `defaults`) that begins with what `defaults` says; its rules and ACLs are not copied. */
export function inheritProxyDraft(
  defaults: ProxyDraft,
  kind: ProxyDraft['kind'],
  name: string,
  place: Place,
): ProxyDraft {
  const proxy: ProxyDraft = {
    ...defaults,
    kind,
    name,
    place,
    timeouts: { ...defaults.timeouts },
    options: { ...defaults.options },
    inspectDelay: { ...defaults.inspectDelay },
    defaultServer: copyServerDraft(defaults.defaultServer),
    logs: [...defaults.logs],
    errorPages: [...defaults.errorPages],
    binds: [],
    servers: [],
    useBackends: [],
    filters: [],
    acls: [],
    redirects: [],
    captures: { request: [], response: [] },
    rules: emptyRules(),
    httpCheckPlace: undefined,
    hasInheritedChecks: true,
  }
  if (kind === 'backend') {
    proxy.maxconn = undefined
    proxy.backlog = undefined
    proxy.monitorUri = undefined
    proxy.defaultBackend = undefined
    proxy.uniqueIdFormat = undefined
    proxy.uniqueIdHeader = undefined
  }
  if (kind === 'frontend') proxy.fullconn = undefined
  return proxy
}

/** Whether `proxy` holds any rule. */
export function hasRules(proxy: ProxyDraft): boolean {
  return ruleSets.some((set) => proxy.rules[set].length > 0)
}
