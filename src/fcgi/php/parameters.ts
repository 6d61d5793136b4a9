/** The parameters of a request to a script: those of every FastCGI request, and what nginx's fastcgi_params adds to them. */
import { Buffer } from 'node:buffer'
import { resolveFcgiApp } from '../codec/app.ts'
import type { FcgiApp } from '../codec/app.ts'
import { deriveEnvironment } from '../codec/environment.ts'
import type { EnvironmentRequest } from '../codec/environment.ts'
import { decodePath, normalizePath } from '../codec/path.ts'
import type { ExtraParams, ResolvedPhpOptions } from './options.ts'
import type { Decision } from './try-files.ts'

/** A request as both faces of {@link phpFpm} see it. */
export interface GatewayRequest extends EnvironmentRequest {
  /** What stands before the root in the path of the target, as it was sent: where the handler is mounted. */
  readonly base: string
  /** `none`, `sized` by Content-Length, or `unsized`: chunked. */
  readonly body: 'none' | 'sized' | 'unsized'
}

/** A request that a script runs. */
export type RunDecision = Extract<Decision, { kind: 'run' }>

/** Makes parameters. */
export class ParameterMaker {
  readonly #app: FcgiApp
  readonly #docroot: string
  readonly #passHeaders: ReadonlySet<string>
  readonly #maxPathSize: number

  constructor({ docroot, passHeaders, maxPathSize }: ResolvedPhpOptions) {
    this.#docroot = bytesOf(docroot)
    this.#app = resolveFcgiApp({ docroot: this.#docroot, serverNamePort: false, maxPathSize })
    this.#passHeaders = new Set(passHeaders.map((each) => each.toLowerCase()))
    this.#maxPathSize = maxPathSize
  }

  /**
   * @param extra - what the option `params` gives for this request.
   * @throws FcgiError `ERR_FCGI_PATH`, `ERR_FCGI_PATH_TRAVERSAL`; UsageError `ERR_SLUICE_OPTION`
   */
  make(
    request: GatewayRequest,
    { script, pathInfo, query }: RunDecision,
    extra: ExtraParams,
  ): Map<string, string> {
    const base =
      request.base === '' ? '' : normalizePath(decodePath(request.base, this.#maxPathSize)).replace(/\/$/, '')
    const setParams: [string, string][] = [
      ['SCRIPT_NAME', base + script],
      ['SCRIPT_FILENAME', this.#docroot + script],
      ['PATH_INFO', pathInfo],
      ['DOCUMENT_URI', base + script + pathInfo],
      ['SERVER_ADDR', request.localAddress],
      ['REQUEST_SCHEME', request.tls ? 'https' : 'http'],
      // PHP that was built to want a redirect (`cgi.force_redirect`) runs nothing without it.
      ['REDIRECT_STATUS', '200'],
    ]
    for (const [name, value] of Object.entries(extra)) {
      if (value !== undefined) setParams.push([name, bytesOf(value)])
    }
    const params = deriveEnvironment(request, this.#app, { passHeaders: this.#passHeaders, setParams })
    // HAProxy leaves an empty one out; scripts rely on it.
    if (query !== undefined) params.set('QUERY_STRING', query)
    else if (!params.has('QUERY_STRING')) params.set('QUERY_STRING', '')
    if (request.body === 'unsized') params.delete('CONTENT_LENGTH')
    return params
  }
}

/** Text of this program as UTF-8, one character per byte. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}
