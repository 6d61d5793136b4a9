/** The HTTP side of a status port: listens, looks at who asks, finds the answer, closes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { errorMessage } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { listenOn } from '../net/listener.ts'
import { formatUrl, isLoopback, toStatusEndpoint } from './address.ts'
import { Assets } from './assets.ts'
import type { StatusBoard } from './board.ts'
import { Changes } from './changes.ts'
import { renderDocument } from './document.ts'
import { EventStreams, formatEvent } from './event-streams.ts'
import { isOwnHost } from './guard.ts'
import { resolveStatusOptions, type ResolvedStatusOptions, type StatusOptions } from './options.ts'
import { replyJson, reply, replyText } from './replies.ts'
import { History } from './history.ts'
import { Snapshots } from './snapshot.ts'
import { formatStatusMetrics } from './status-metrics.ts'
import type { StatusSubject } from './subject.ts'
import type { PageHistory, PageState } from './view/page-state.ts'

/** Limits of the server, in milliseconds and connections: it is for a few people and a scraper. */
const requestTimeout = 5000
const keepAliveTimeout = 5000
const mostConnections = 256
/** How often open pages hear, in milliseconds. */
const interval = 1000

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A status port that listens; see `Agent.serveStatus`. */
export class StatusPort {
  readonly #subject: StatusSubject
  readonly #options: ResolvedStatusOptions
  readonly #logger: Logger
  readonly #snapshots: Snapshots
  readonly #history = new History()
  readonly #pages: EventStreams
  readonly #assets = new Assets()
  readonly #changes: Changes
  readonly #server: Server
  readonly #answers: ReadonlyMap<string, Answer>
  #address: Endpoint
  #state: PageState
  #utilization = performance.eventLoopUtilization()
  #timer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  private constructor(
    where: string | Endpoint,
    options: StatusOptions,
    subject: StatusSubject,
    board: StatusBoard,
    logger: Logger,
  ) {
    this.#address = toStatusEndpoint(where)
    this.#options = resolveStatusOptions(options)
    this.#subject = subject
    this.#logger = logger
    this.#snapshots = new Snapshots(subject, board, this.#options.name, this.#options.verdict)
    this.#pages = new EventStreams(this.#options.maxPages)
    this.#changes = new Changes(subject, this.#options.token, logger)
    this.#state = this.#look()
    this.#answers = this.#answerTable()
    this.#server = createServer(
      { requestTimeout, headersTimeout: requestTimeout, keepAliveTimeout },
      (request, response) => this.#onRequest(request, response),
    )
    this.#server.maxConnections = mostConnections
  }

  /**
   * Opens a status port.
   * @throws UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`; the error of the system when it cannot listen there.
   */
  static async open(
    where: string | Endpoint,
    options: StatusOptions,
    subject: StatusSubject,
    board: StatusBoard,
    logger: Logger,
  ): Promise<StatusPort> {
    const port = new StatusPort(where, options, subject, board, logger)
    await port.#listen()
    return port
  }

  #answerTable(): ReadonlyMap<string, Answer> {
    return new Map<string, Answer>([
      ['/', (request, response) => this.#answerPage(request, response)],
      ['/events', (request, response) => this.#answerEvents(request, response)],
      ['/healthz', (request, response) => replyText(request, response, 200, 'ok')],
      ['/readyz', (request, response) => this.#answerReady(request, response)],
      ['/metrics', (request, response) => this.#answerMetrics(request, response)],
      ['/stats.json', (request, response) => this.#answerStats(request, response)],
    ])
  }

  async #listen(): Promise<void> {
    const onAcceptError = (error: Error) => this.#logger.warn({ err: error }, 'status port: cannot accept')
    const { mode } = this.#options
    this.#address = await listenOn(this.#server, this.#address, { mode, remove: 'unanswered', onAcceptError })
    this.#timer = setInterval(() => this.#onTimer(), interval).unref()
    const address = formatEndpoint(this.#address)
    this.#logger.info({ address }, 'status port listens')
    if (!isLoopback(this.#address))
      this.#logger.warn({ address }, 'status port: everybody who reaches this address may read it')
  }

  /** Where it listens: the port that the kernel chose, when 0 was asked for. */
  get address(): Endpoint {
    return this.#address
  }

  /** What a browser is given; of a unix socket its name. */
  get url(): string {
    return formatUrl(this.#address)
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    try {
      this.#route(request, response)
    } catch (error) {
      this.#logger.error({ err: error, path: request.url }, 'status port: a request failed')
      if (response.headersSent) response.destroy()
      else replyText(request, response, 500, `failed: ${errorMessage(error)}`)
    }
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    const { host } = request.headers
    if (!isOwnHost(host, this.#address, this.#options.hosts)) {
      return replyText(
        request,
        response,
        421,
        `this is not '${host}': see the option hosts of the status port`,
      )
    }
    const path = /^[^?#]*/.exec(request.url ?? '/')?.[0] ?? '/'
    if (request.method === 'POST' && Changes.paths.includes(path))
      return this.#changes.answer(request, response, path)
    const answer = this.#answers.get(path) ?? this.#assetAnswer(path)
    if (answer === undefined) return replyText(request, response, 404, 'not found')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return replyText(request, response, 405, 'read only', { allow: 'GET, HEAD' })
    answer(request, response)
  }

  #assetAnswer(path: string): Answer | undefined {
    if (!path.startsWith('/assets/')) return undefined
    return (request, response) => this.#assets.answer(request, response, path.slice('/assets/'.length))
  }

  /** A point for the charts, and the state that pages show until the next one. */
  #look(): PageState {
    const snapshot = this.#snapshots.take(false)
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization)
    this.#utilization = now
    this.#history.add(Date.parse(snapshot.snapshot.time), snapshot, utilization)
    const { recent } = this.#subject
    return this.#history.stateOf(snapshot, {
      recent: recent?.on === true ? recent.list() : null,
      controls: this.#changes.state,
    })
  }

  #onTimer(): void {
    try {
      this.#state = this.#look()
      if (this.#pages.size === 0) return
      this.#pages.send(formatEvent('tick', { state: this.#state, points: this.#history.points.slice(-1) }))
    } catch (error) {
      this.#logger.error({ err: error }, 'status port: cannot tell what there is')
    }
  }

  #past(): PageHistory {
    return { state: this.#state, points: this.#history.points }
  }

  #answerPage(request: IncomingMessage, response: ServerResponse): void {
    const query = /\?.*$/.exec(request.url ?? '')?.[0] ?? ''
    const { id } = this.#state
    const text = renderDocument(this.#past(), query)
    reply(request, response, 200, 'text/html; charset=utf-8', text, { 'x-snapshot-id': id })
  }

  #answerEvents(request: IncomingMessage, response: ServerResponse): void {
    // A HEAD has no stream to wait for.
    if (request.method === 'HEAD') return reply(request, response, 200, 'text/event-stream', '')
    this.#pages.open(request, response, () => formatEvent('history', this.#past()))
  }

  #answerReady(request: IncomingMessage, response: ServerResponse): void {
    const checks = this.#snapshots.readChecks()
    const ready = checks.every(({ ok }) => ok)
    const lines = checks.map(
      ({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}${ok ? '' : `: ${detail}`}`,
    )
    replyText(request, response, ready ? 200 : 503, [ready ? 'ready' : 'not ready', ...lines].join('\n'))
  }

  #answerMetrics(request: IncomingMessage, response: ServerResponse): void {
    const snapshot = this.#snapshots.take(true)
    const text = formatStatusMetrics(this.#subject, snapshot, this.#options.processMetrics)
    const type = 'text/plain; version=0.0.4; charset=utf-8'
    reply(request, response, 200, type, text, { 'x-snapshot-id': snapshot.snapshot.id })
  }

  #answerStats(request: IncomingMessage, response: ServerResponse): void {
    const snapshot = this.#snapshots.take(true)
    replyJson(request, response, 200, snapshot, { 'x-snapshot-id': snapshot.snapshot.id })
  }

  /** Cuts off open pages, and settles when the address is free again. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    this.#pages.close()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  /** The same as {@link StatusPort.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
