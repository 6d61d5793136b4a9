/**
 * The parameters of a request, as HAProxy's mux-fcgi derives them from an HTTP request and an `fcgi-app` section
 * (RFC 3875, section 4.1). Text is one character per byte throughout.
 *
 * Safer than HAProxy where that is known to hurt: each name is sent once, a path with NUL, CR or LF is refused with and
 * without `path-info`, and so is a path that climbs above the docroot.
 */
import { UsageError } from '../../base/errors.ts'
import { HeaderList } from '../../http1/index.ts'
import { boolean, integer, requireArgument, resolveOptions, string } from '../../base/options.ts'
import type { OptionSpec, Resolved, Specs } from '../../base/options.ts'
import { checkFlag, checkInteger, checkIterable, checkObject, checkText, readArgument } from '../arguments.ts'
import { FcgiError } from '../errors.ts'
import { climbsOut, decodePath, pathOf } from './path.ts'

/** The settings of an `fcgi-app` section that decide on parameters. */
export interface FcgiAppOptions {
  /** Where the application finds the scripts, on its own machine. Mandatory. */
  docroot: string
  /** Appended to a SCRIPT_NAME that ends with a slash. @default '' (nothing is appended) */
  index?: string
  /**
   * Splits the decoded path: capture 1 is SCRIPT_NAME, capture 2, when it is there, PATH_INFO. A dot matches every
   * byte; flags other than `s` are refused, since matching without case has run the wrong scripts elsewhere.
   * @default '' (the whole path is SCRIPT_NAME)
   */
  pathInfo?: string | RegExp
  /**
   * Whether header names with other characters than letters, digits and `-` are passed on. With `_` they would take
   * the place of the header that has `-` there. @default false
   */
  preserveHeaderNames?: boolean
  /** Whether SERVER_NAME keeps the port that the Host header has, as in HAProxy. @default true */
  serverNamePort?: boolean
  /** Whether a path may lead out of the docroot with `..`, as in HAProxy. @default false */
  allowTraversal?: boolean
  /** SERVER_SOFTWARE. @default 'sluice' */
  serverSoftware?: string
  /** Longest request path in bytes, after decoding. @default 16384 */
  maxPathSize?: number
}

const pathInfoSpec: OptionSpec<string | RegExp> = {
  fallback: '',
  check: (given) => {
    if (given instanceof RegExp) {
      return given.flags === '' || given.flags === 's' ? undefined : 'must have no flag other than s'
    }
    if (typeof given !== 'string') return 'must be a string or a RegExp'
    try {
      return new RegExp(given, 's').source === '' ? 'must be a regular expression' : undefined
    } catch (error) {
      return `must be a regular expression (${(error as Error).message})`
    }
  },
}

const appSpecs: Specs<FcgiAppOptions> = {
  docroot: string(''),
  index: string(''),
  pathInfo: pathInfoSpec,
  preserveHeaderNames: boolean(false),
  serverNamePort: boolean(true),
  allowTraversal: boolean(false),
  serverSoftware: string('sluice'),
  maxPathSize: integer(16_384, { min: 1 }),
}

/** {@link FcgiAppOptions}, checked, with the expression compiled. */
export interface FcgiApp extends Omit<Resolved<FcgiAppOptions>, 'pathInfo'> {
  readonly pathInfo: RegExp | undefined
}

/**
 * Checks the settings once.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function resolveFcgiApp(options: FcgiAppOptions): FcgiApp {
  const resolved = readArgument('fcgi-app', () => resolveOptions(appSpecs, options, 'fcgi-app'))
  if (resolved.docroot === '') {
    throw new UsageError('ERR_SLUICE_OPTION', "fcgi-app: option 'docroot' is mandatory")
  }
  const { pathInfo } = resolved
  const source = typeof pathInfo === 'string' ? pathInfo : pathInfo.source
  return { ...resolved, pathInfo: pathInfo === '' ? undefined : new RegExp(source, 's') }
}

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

/** Headers that no application sees unless `pass-header` names them. `proxy` would become HTTP_PROXY (httpoxy). */
export const hiddenHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'authorization',
  'proxy',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
])

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
    return derive(request, app, rules)
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

function derive(request: EnvironmentRequest, app: FcgiApp, rules: EnvironmentRules): Map<string, string> {
  const params = new Map<string, string>()
  addHeaders(params, request.headers, app, rules.passHeaders)
  addAuthorization(params, request.headers.get('authorization'))
  const set = new Set<string>()
  for (const [given, value] of rules.setParams ?? []) {
    checkText('the rules: the name of a parameter', given)
    checkText('the rules: the value of a parameter', value)
    const name = paramName(given)
    if (value === '') continue
    params.set(name, value)
    set.add(name)
  }
  addDefaults(params, set, request, app)
  return params
}

function addHeaders(
  params: Map<string, string>,
  headers: HeaderList,
  app: FcgiApp,
  pass: ReadonlySet<string> | undefined,
): void {
  for (let at = 0; at < headers.length; at++) {
    const key = headers.keys[at] as string // at < length, here and below
    const { name, hidden, unusual } = headerParam(key)
    if (hidden && pass?.has(key) !== true) continue
    if (unusual && !app.preserveHeaderNames) continue
    const value = key === 'te' ? onlyTrailers(headers.values[at] as string) : (headers.values[at] as string)
    if (value === '' && key === 'te') continue
    const before = params.get(name)
    // A repeated Content-Length was refused or is a repetition of the same number.
    if (before === undefined) params.set(name, value)
    else if (key !== 'content-length') params.set(name, before + (key === 'cookie' ? '; ' : ', ') + value)
  }
}

const unusualName = /[^a-z0-9-]/

/** TE may only be passed on to say `trailers` (RFC 9113, section 8.2.2). */
function onlyTrailers(value: string): string {
  return /(?:^|[,\s])trailers(?:$|[,;\s])/i.test(value) ? 'trailers' : ''
}

/** What becomes of a header. */
interface HeaderParam {
  /** The parameter. */
  readonly name: string
  /** Whether it is one of {@link hiddenHeaders}. */
  readonly hidden: boolean
  /** Whether its name has other characters than letters, digits and `-`. */
  readonly unusual: boolean
}

const headerParams = new Map<string, HeaderParam>()
const maxCachedNames = 512

/** The parameter that a header becomes, kept: the same few names come with every request. */
function headerParam(key: string): HeaderParam {
  const cached = headerParams.get(key)
  if (cached !== undefined) return cached
  const plain = key === 'content-length' || key === 'content-type'
  const name = paramName(plain ? key : `http_${key}`)
  const made = { name, hidden: hiddenHeaders.has(key), unusual: unusualName.test(key) }
  if (headerParams.size < maxCachedNames && key.length < 64) headerParams.set(key, made)
  return made
}

/** Upper case, and `_` for everything that is no letter or digit. */
function paramName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

/** AUTH_TYPE and REMOTE_USER, as HAProxy's default rules set them; the password goes nowhere. */
function addAuthorization(params: Map<string, string>, header: string | undefined): void {
  if (header === undefined) return
  const match = /^(basic|bearer) +(.*)$/i.exec(header)
  if (match === null) return
  if ((match[1] as string).length === 6) {
    params.set('AUTH_TYPE', 'Bearer')
    return
  }
  const decoded = Buffer.from(match[2] as string, 'base64').toString('latin1') // both groups took part
  const colon = decoded.indexOf(':')
  if (colon < 0) return
  params.set('AUTH_TYPE', 'Basic')
  const user = decoded.slice(0, colon)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (user !== '' && !/[\0-\x1f\x7f]/.test(user)) params.set('REMOTE_USER', user)
}

function addDefaults(
  params: Map<string, string>,
  set: ReadonlySet<string>,
  request: EnvironmentRequest,
  app: FcgiApp,
): void {
  const add = (name: string, value: string): void => {
    if (value !== '' && !params.has(name)) params.set(name, value)
  }
  const docroot = params.get('DOCUMENT_ROOT') ?? app.docroot
  const uri = params.get('REQUEST_URI') ?? request.target
  const { script, pathInfo, query } = splitUri(uri, params, set, app)
  add('GATEWAY_INTERFACE', 'CGI/1.1')
  add('DOCUMENT_ROOT', docroot)
  add('SCRIPT_NAME', script)
  add('PATH_INFO', pathInfo)
  add('REQUEST_URI', uri)
  add('REQUEST_METHOD', request.method)
  add('QUERY_STRING', query)
  add('SERVER_NAME', serverName(request, app))
  add('SERVER_PORT', String(request.localPort))
  add('SERVER_PROTOCOL', request.version)
  add('REMOTE_ADDR', request.remoteAddress)
  add('REMOTE_PORT', String(request.remotePort))
  add('SCRIPT_FILENAME', below(docroot, script, app))
  if (pathInfo !== '') add('PATH_TRANSLATED', below(docroot, pathInfo, app))
  add('CONTENT_LENGTH', String(request.bodySize ?? 0))
  add('SERVER_SOFTWARE', app.serverSoftware)
  if (request.tls) add('HTTPS', 'on')
}

function serverName(request: EnvironmentRequest, app: FcgiApp): string {
  const host = request.headers.get('host') ?? ''
  if (host === '') return request.localAddress
  return app.serverNamePort ? host : host.replace(/:\d*$/, '')
}

/** SCRIPT_NAME, PATH_INFO and QUERY_STRING. A SCRIPT_NAME that a rule has set leaves no PATH_INFO to be deduced. */
function splitUri(
  uri: string,
  params: ReadonlyMap<string, string>,
  set: ReadonlySet<string>,
  app: FcgiApp,
): { script: string; pathInfo: string; query: string } {
  const target = pathOf(uri)
  const mark = target.indexOf('?')
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const pathInfo = set.has('PATH_INFO') ? (params.get('PATH_INFO') ?? '') : undefined
  if (set.has('SCRIPT_NAME')) {
    return { script: params.get('SCRIPT_NAME') ?? '', pathInfo: pathInfo ?? '', query }
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
