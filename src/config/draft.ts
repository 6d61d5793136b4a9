/** The model while it is being filled: the same shapes, writable, and what readers need to remember beside them. */
import { defaults } from './defaults.ts'
import type { Modifier } from './args.ts'
import type { Diagnostics, Place } from './diagnostics.ts'
import type {
  Bind,
  Captures,
  FcgiApp,
  Global,
  HealthCheck,
  HttpErrors,
  InspectDelay,
  Proxy,
  ProxyOptions,
  Rule,
  RuleSet,
  Server,
  Timeouts,
} from './model.ts'
import { ruleSets } from './model.ts'
import type { Word } from './word.ts'
import type { Draft } from './writable.ts'

/** A `global` section being read. */
export interface GlobalDraft extends Draft<Global> {
  /** What `"$NAME"` gives from here on; `setenv` and its relatives change it. */
  readonly environment: Map<string, string>
}

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
  /** `backlog`, for `bind` lines without one. */
  backlog: number | undefined
  /** What `server` lines begin with. */
  defaultServer: ServerDraft
}

/** A `bind` line being read. */
export type BindDraft = Draft<Bind>

/** A `server` line being read; the numbers of `check` are kept even while there is no `check`. */
export interface ServerDraft extends Omit<Draft<Server>, 'check' | 'address' | 'place'> {
  checked: boolean
  checks: Draft<HealthCheck>
}

/** A `fcgi-app` section being read. */
export type FcgiAppDraft = Draft<FcgiApp>

/** A `http-errors` section being read. */
export type HttpErrorsDraft = Draft<HttpErrors>

/** Nothing set yet. */
export function createGlobalDraft(environment: Map<string, string>): GlobalDraft {
  return {
    environment,
    logs: [],
    logTag: undefined,
    logSendHostname: undefined,
    maxconn: undefined,
    nbthread: undefined,
    description: undefined,
    node: undefined,
    bufferSize: undefined,
    maxHeaders: undefined,
  }
}

function createServerDraft(): ServerDraft {
  return {
    name: '',
    proto: undefined,
    checked: false,
    checks: {
      inter: defaults.server.inter,
      fastInter: undefined,
      downInter: undefined,
      rise: defaults.server.rise,
      fall: defaults.server.fall,
      port: undefined,
      address: undefined,
    },
    weight: defaults.server.weight,
    backup: false,
    disabled: false,
    maxconn: undefined,
    maxqueue: undefined,
    poolMaxConn: undefined,
    id: undefined,
  }
}

/** A copy that can be changed without changing `server`. */
export function copyServerDraft(server: ServerDraft): ServerDraft {
  return { ...server, checks: { ...server.checks } }
}

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
      dontLogNull: false,
      logHealthChecks: false,
      forwardFor: undefined,
      spopCheck: false,
      redispatch: undefined,
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
    backlog: undefined,
    defaultServer: createServerDraft(),
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
    captures: { request: [], response: [] },
    rules: emptyRules(),
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

/** Something that reads one section line by line. */
export interface SectionReader {
  /** For messages, such as `section 'backend'`. */
  readonly title: string
  read(words: readonly Word[], modifier: Modifier, diagnostics: Diagnostics): void
}
