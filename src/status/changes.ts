/** What may be changed through a status port: the log level, and whether recent messages are kept. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { logLevels, type Logger, type LogLevel } from '../base/logger.ts'
import { isPlainObject } from '../base/options.ts'
import { complaintOfChange } from './guard.ts'
import { replyJson, replyText } from './replies.ts'
import type { StatusSubject } from './subject.ts'
import type { PageState } from './view/page-state.ts'

/** A change is a word or two. In bytes. */
const largestBody = 1024

/** Answers POST requests. Each change, and each that was refused, is told in the log. */
export class Changes {
  readonly #subject: StatusSubject
  readonly #token: string | undefined
  readonly #logger: Logger

  constructor(subject: StatusSubject, token: string | undefined, logger: Logger) {
    this.#subject = subject
    this.#token = token
    this.#logger = logger
  }

  /** What the page offers; null for nothing. */
  get state(): PageState['controls'] {
    if (this.#token === undefined) return null
    const { logLevel, recent } = this.#subject
    return { logLevel: logLevel?.get() ?? null, recent: recent?.on === true }
  }

  /** The paths that take a POST. */
  static readonly paths: readonly string[] = ['/log-level', '/trace']

  answer(request: IncomingMessage, response: ServerResponse, path: string): void {
    const refused =
      this.#token === undefined
        ? 'nothing may be changed here: the status port has no token'
        : complaintOfChange(request.headers, this.#token)
    if (refused !== undefined) {
      this.#logger.warn(
        { path, peer: request.socket.remoteAddress },
        `status port: change refused: ${refused}`,
      )
      request.resume()
      return replyText(request, response, 403, refused)
    }
    readBody(request, (body) => this.#change(request, response, path, body))
  }

  #change(request: IncomingMessage, response: ServerResponse, path: string, body: unknown): void {
    const given = isPlainObject(body) ? body : {}
    const complaint = path === '/log-level' ? this.#setLevel(given['level']) : this.#setTrace(given['on'])
    if (complaint !== undefined) return replyText(request, response, 400, complaint)
    this.#logger.warn({ path, ...given, peer: request.socket.remoteAddress }, 'status port: changed')
    replyJson(request, response, 200, this.state)
  }

  #setLevel(level: unknown): string | undefined {
    const control = this.#subject.logLevel
    if (control === undefined) return 'the level of this logger cannot be changed'
    if (!logLevels.includes(level as LogLevel)) return `level must be one of ${logLevels.join(', ')}`
    control.set(level as LogLevel)
    return undefined
  }

  #setTrace(on: unknown): string | undefined {
    if (typeof on !== 'boolean') return 'on must be true or false'
    this.#subject.recent?.switch(on)
    return undefined
  }
}

/** Reads a small JSON body; one that is too large or none is undefined. */
function readBody(request: IncomingMessage, done: (body: unknown) => void): void {
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    if (text.length <= largestBody) text += chunk
  })
  request.on('end', () => {
    try {
      done(text.length > largestBody ? undefined : JSON.parse(text))
    } catch {
      done(undefined)
    }
  })
}
