import { UsageError } from '../../base/errors.ts'
import { reasonPhrase } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'
import { createFcgiClient } from '../client/client.ts'
import type { FcgiClient } from '../client/client.ts'
import { FcgiError } from '../errors.ts'
import { isExtraParams } from './options.ts'
import type { ExtraParams, PhpRequest, ResolvedPhpOptions } from './options.ts'
import { ParameterMaker } from './parameters.ts'
import type { GatewayRequest, RunDecision } from './parameters.ts'
import { scriptFilesOf } from './script-files.ts'
import type { ScriptFiles } from './script-files.ts'
import { decide } from './try-files.ts'
import type { Decision } from './try-files.ts'

/** An answer that is not the application's. */
export interface ErrorAnswer {
  readonly status: number
  readonly text: string
}

/** What all faces of {@link phpFpm} have in common: they differ in what a request and a response are. */
export class PhpGateway {
  readonly client: FcgiClient
  readonly #options: ResolvedPhpOptions
  readonly #files: ScriptFiles
  readonly #parameters: ParameterMaker

  constructor(options: ResolvedPhpOptions) {
    this.#options = options
    this.#files = scriptFilesOf(options.root)
    this.#parameters = new ParameterMaker(options)
    this.client = createFcgiClient({ ...options.client, servers: options.servers })
  }

  /** Never rejects: a target that is none becomes a status. */
  async decide(target: string, request: PhpRequest): Promise<Decision> {
    try {
      return await decide(target, this.#files, this.#options)
    } catch (error) {
      return { kind: 'status', status: this.failed(error, request).status }
    }
  }

  /**
   * The parameters for a script.
   * @throws FcgiError `ERR_FCGI_BODY_LIMIT`, and what ParameterMaker throws
   */
  parameters(request: GatewayRequest, decision: RunDecision, original: PhpRequest): Map<string, string> {
    const { maxBodySize } = this.#options
    const size = Number(request.headers.get('content-length') ?? 0)
    if (maxBodySize > 0 && size > maxBodySize) {
      throw new FcgiError('ERR_FCGI_BODY_LIMIT', `${size} bytes, and maxBodySize is ${maxBodySize}`)
    }
    return this.#parameters.make(request, decision, this.#extra(original, request.headers))
  }

  #extra(request: PhpRequest, headers: HeaderList): ExtraParams {
    const { params } = this.#options
    const extra: unknown = typeof params === 'function' ? params(request, headers) : (params ?? {})
    if (isExtraParams(extra)) return extra
    throw new UsageError('ERR_SLUICE_OPTION', "phpFpm: option 'params' must give an object of strings")
  }

  /** Tells `onError`, and says what the client is answered when it can be. */
  failed(error: unknown, request: PhpRequest): ErrorAnswer {
    const told =
      error instanceof Error ? error : new Error('something that is no error was thrown', { cause: error })
    try {
      this.#options.onError?.(told, request)
    } catch {
      // Whoever wrote it sees what he did; the client is to be answered all the same.
    }
    return errorAnswer(statusOf(error))
  }
}

/** A gateway that was closed serves nobody, through no fault of the request or of the application. */
function statusOf(error: unknown): number {
  if (error instanceof UsageError && error.code === 'ERR_SLUICE_CLOSED') return 503
  return error instanceof FcgiError ? error.status : 500
}

/** The page of a status. */
export function errorAnswer(status: number): ErrorAnswer {
  return { status, text: `${status} ${reasonPhrase(status)}\n` }
}
