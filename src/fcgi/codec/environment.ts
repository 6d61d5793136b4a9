/**
 * The parameters of a request, as HAProxy's mux-fcgi derives them from an HTTP request and an `fcgi-app` section
 * (RFC 3875, section 4.1). Text is one character per byte throughout.
 *
 * Safer than HAProxy where that is known to hurt: each name is sent once, a path with NUL, CR or LF is refused with and
 * without `path-info`, and so is a path that climbs above the docroot.
 */
import { HeaderList } from '../../http1/index.ts'
import { requireArgument } from '../../base/options.ts'
import { checkFlag, checkInteger, checkIterable, checkObject, checkText, readArgument } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import type { FcgiApp } from './app.ts'
import { addAuthorization, addHeaders } from './header-params.ts'
import { ParamList } from './param-list.ts'
import { cgiName, paramName, paramNames } from './param-name.ts'
import type { ParamName } from './param-name.ts'
import { climbsOut, decodePath, pathOf } from './path.ts'

/** What is known about a request when its parameters are derived. */
export interface EnvironmentRequest {
  /** As received. */
  readonly method: string
  /** As received: `/path?query`, or `http://host/path?query`. */
  readonly target: string
  /** `HTTP/1.1`, `HTTP/1.0`. */
  readonly version: string
  /** As received. */
  readonly headers: HeaderList
  /** Where the client connected from. */
  readonly remoteAddress: string
  /** The port that it connected from. */
  readonly remotePort: number
  /** Where it connected to. */
  readonly localAddress: string
  /** The port that it connected to. */
  readonly localPort: number
  /** Whether the client came over TLS. */
  readonly tls: boolean
  /** Bytes of the body when no header says it. @default 0 */
  readonly bodySize?: number
}

/** What the rules of the section gave for this request. */
export interface EnvironmentRules {
  /** Names in lower case of headers that are hidden otherwise (`pass-header`). */
  readonly passHeaders?: ReadonlySet<string>
  /** Results of `set-param`, in order: the last one of a name counts, an empty one does not. */
  readonly setParams?: Iterable<readonly [name: string, value: string]>
}

/**
 * The parameters in the order that HAProxy sends them: headers, set-param, then the rest. Only those of headers may be
 * empty. No name comes twice: repeated headers are joined with `, ` (RFC 3875, section 4.1.18), cookies with `; `.
 * @param app - as {@link resolveFcgiApp} made it.
 * @throws FcgiError `ERR_FCGI_PATH`, `ERR_FCGI_PATH_TRAVERSAL`; UsageError `ERR_SLUICE_OPTION`
 */
export function deriveEnvironment(
  request: EnvironmentRequest,
  app: FcgiApp,
  rules: EnvironmentRules = {},
): Map<string, string> {
  return readArgument('the request', () => {
    checkRequest(request)
    checkObject('the fcgi-app', app)
    const isResolved = typeof app.docroot === 'string' && typeof app.maxPathSize === 'number'
    requireArgument(isResolved, 'the fcgi-app', 'must be one that resolveFcgiApp made', app)
    checkRules(rules)
    return new Map(deriveParams(request, app, rules))
  })
}

function checkRequest(request: EnvironmentRequest): void {
  checkObject('the request', request)
  const { headers, tls, bodySize } = request
  checkText('the request: method', request.method)
  checkText('the request: target', request.target)
  checkText('the request: version', request.version)
  checkText('the request: remoteAddress', request.remoteAddress)
  checkText('the request: localAddress', request.localAddress)
  checkInteger('the request: remotePort', request.remotePort, 0xffff)
  checkInteger('the request: localPort', request.localPort, 0xffff)
  requireArgument(headers instanceof HeaderList, 'the request: headers', 'must be a HeaderList', headers)
  checkFlag('the request: tls', tls)
  if (bodySize !== undefined) checkInteger('the request: bodySize', bodySize, Number.MAX_SAFE_INTEGER)
}

function checkRules(rules: EnvironmentRules): void {
  checkObject('the rules', rules)
  const { passHeaders, setParams } = rules
  const isSet = passHeaders === undefined || passHeaders instanceof Set
  requireArgument(isSet, 'the rules: passHeaders', 'must be a Set of names', passHeaders)
  if (setParams === undefined) return
  checkIterable('the rules: setParams', setParams, 'must be an array of pairs')
}

/** {@link deriveEnvironment} for requests and rules that are of the right types. */
export function deriveParams(request: EnvironmentRequest, app: FcgiApp, rules: EnvironmentRules): ParamList {
  const params = new ParamList()
  addHeaders(params, request.headers, app, rules.passHeaders)
  addAuthorization(params, request.headers.get('authorization'))
  const set = rules.setParams === undefined ? none : setParams(params, rules.setParams)
  addDefaults(params, set, request, app)
  return params
}

const none: ReadonlySet<string> = new Set()

/** Answers which have a value of a rule. */
function setParams(
  params: ParamList,
  rules: Iterable<readonly [name: string, value: string]>,
): ReadonlySet<string> {
  const set = new Set<string>()
  for (const [given, value] of rules) {
    checkText('the rules: the name of a parameter', given)
    checkText('the rules: the value of a parameter', value)
    if (value === '') continue
    const name = cgiName(given)
    params.set(paramName(name), value)
    set.add(name)
  }
  return set
}

function addDefaults(
  params: ParamList,
  set: ReadonlySet<string>,
  request: EnvironmentRequest,
  app: FcgiApp,
): void {
  const docroot = params.get(paramNames.documentRoot) ?? app.docroot
  const uri = params.get(paramNames.requestUri) ?? request.target
  const { script, pathInfo, query } = splitUri(uri, params, set, app)
  addDefault(params, paramNames.gatewayInterface, 'CGI/1.1')
  addDefault(params, paramNames.documentRoot, docroot)
  addDefault(params, paramNames.scriptName, script)
  addDefault(params, paramNames.pathInfo, pathInfo)
  addDefault(params, paramNames.requestUri, uri)
  addDefault(params, paramNames.requestMethod, request.method)
  addDefault(params, paramNames.queryString, query)
  addDefault(params, paramNames.serverName, serverName(request, app))
  addDefault(params, paramNames.serverPort, String(request.localPort))
  addDefault(params, paramNames.serverProtocol, request.version)
  addDefault(params, paramNames.remoteAddr, request.remoteAddress)
  addDefault(params, paramNames.remotePort, String(request.remotePort))
  addDefault(params, paramNames.scriptFilename, below(docroot, script, app))
  if (pathInfo !== '') addDefault(params, paramNames.pathTranslated, below(docroot, pathInfo, app))
  addDefault(params, paramNames.contentLength, String(request.bodySize ?? 0))
  addDefault(params, paramNames.serverSoftware, app.serverSoftware)
  if (request.tls) addDefault(params, paramNames.https, 'on')
}

function addDefault(params: ParamList, name: ParamName, value: string): void {
  if (value !== '' && params.find(name) < 0) params.set(name, value)
}

function serverName(request: EnvironmentRequest, app: FcgiApp): string {
  const host = request.headers.get('host') ?? ''
  if (host === '') return request.localAddress
  return app.serverNamePort ? host : host.replace(/:\d*$/, '')
}

/** SCRIPT_NAME, PATH_INFO and QUERY_STRING. A SCRIPT_NAME that a rule has set leaves no PATH_INFO to be deduced. */
function splitUri(
  uri: string,
  params: ParamList,
  set: ReadonlySet<string>,
  app: FcgiApp,
): { script: string; pathInfo: string; query: string } {
  const target = pathOf(uri)
  const mark = target.indexOf('?')
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const pathInfo = set.has('PATH_INFO') ? (params.get(paramNames.pathInfo) ?? '') : undefined
  if (set.has('SCRIPT_NAME')) {
    return { script: params.get(paramNames.scriptName) ?? '', pathInfo: pathInfo ?? '', query }
  }
  const path = decodePath(mark < 0 ? target : target.slice(0, mark), app.maxPathSize)
  // REQUEST_URI has all of it, and applications make paths of that too.
  refuseTraversal(path, app)
  const match = app.pathInfo?.exec(path)
  const capture = match?.[1]
  const script = capture ?? path
  return {
    script: app.index !== '' && script.endsWith('/') ? script + app.index : script,
    pathInfo: pathInfo ?? (capture === undefined ? '' : (match?.[2] ?? '')),
    query,
  }
}

/**
 * A path below the docroot. Each is looked at by itself: the depth of the script is no credit for what follows it. A
 * path without a slash, as a `path-info` expression or a rule may make, is not glued to the name of the docroot.
 */
function below(docroot: string, path: string, app: FcgiApp): string {
  refuseTraversal(path, app)
  const isApart = path === '' || path.startsWith('/') || docroot.endsWith('/')
  return isApart ? docroot + path : `${docroot}/${path}`
}

function refuseTraversal(path: string, app: FcgiApp): void {
  if (!app.allowTraversal && climbsOut(path)) throw new FcgiError('ERR_FCGI_PATH_TRAVERSAL')
}
