import { monotonic, wallClock } from '../../base/clock.ts'
import { parseEndpoint } from '../../net/endpoint.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { createEngine } from '../../engine/index.ts'
import type { Engine, EngineError } from '../../engine/index.ts'
import type { HealthCheck, HttpCheckConnect, HttpCheckRound, ServerAddress } from '../../config/index.ts'
import { SpopError, StatusCode, statusText } from '../../spop/index.ts'
import { reportOf } from './check-report.ts'
import { CheckStream } from './check-stream.ts'
import { HealthCounter } from './health-counter.ts'
import { FcgiProber, judgeAnswer, probeHttp } from './http-probe.ts'
import type { Probe, ProbeOutcome } from './http-probe.ts'
import { changeLine, checkLine, noServerLine } from './health-lines.ts'
import type { CheckResult } from './health-lines.ts'
import { dial } from '../../net/dial.ts'
import type { Dialling } from '../../net/dial.ts'
import { createSocket } from '../wire/socket-options.ts'
import type { ProxyContext } from '../context.ts'
import type { LogLevel } from '../log/levels.ts'
import type { CheckExpect, HttpCheckPlan } from '../plan/health-check.ts'
import type { Backends } from './backends.ts'
import type { Backend } from './backend.ts'
import type { Server } from './server.ts'

/**
 * Health checks: a connection, with `option spop-check` a SPOP handshake, with `option httpchk` a request. What they find goes to a
 * {@link HealthCounter}, which says whether the server is up and when the next check is due. There is no `agent-check`.
 */
export class HealthChecks {
  readonly #backends: Backends
  readonly #context: ProxyContext
  readonly #checks: ServerCheck[] = []

  constructor(backends: Backends, context: ProxyContext) {
    this.#backends = backends
    this.#context = context
  }

  start(): void {
    for (const backend of this.#backends) {
      if (backend.plan.model.disabled) continue
      for (const [index, server] of backend.servers.entries()) {
        const { check, disabled } = server.plan.model
        if (check === undefined || disabled) continue
        const serverCheck = new ServerCheck(server, backend, check, this.#context)
        this.#checks.push(serverCheck)
        // Spread over the interval, so that they do not all begin at once.
        serverCheck.start((check.inter * index) / Math.max(1, backend.servers.length))
      }
    }
  }

  stop(): void {
    for (const check of this.#checks) check.stop()
    this.#checks.length = 0
  }
}

class ServerCheck {
  readonly #server: Server
  readonly #backend: Backend
  readonly #context: ProxyContext
  readonly #check: HealthCheck
  readonly #endpoint: Endpoint
  /** What formats are evaluated against. */
  readonly #stream: CheckStream
  readonly #counter: HealthCounter
  /** What the last check said, without its details. */
  #status = ''
  #timer: NodeJS.Timeout | undefined
  #dialling: Dialling | undefined
  #engine: Engine | undefined
  #probe: Probe | undefined
  /** Of each round that asks over FastCGI. */
  readonly #probers: FcgiProber[] = []
  #stopped = false
  #began = 0

  constructor(server: Server, backend: Backend, check: HealthCheck, context: ProxyContext) {
    this.#server = server
    this.#backend = backend
    this.#context = context
    this.#check = check
    this.#stream = new CheckStream(server, backend, context)
    this.#counter = new HealthCounter(check.rise, check.fall)
    this.#endpoint = checkedEndpoint(server.plan.model.address, check)
  }

  start(delay: number): void {
    this.#timer = setTimeout(() => this.#run(), delay)
    this.#timer.unref()
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#dialling?.cancel()
    this.#engine?.destroy()
    this.#probe?.cancel()
    for (const prober of this.#probers) prober?.close()
  }

  #run(): void {
    this.#began = monotonic()
    const { httpCheck, model } = this.#backend.plan
    const { mode, options } = model
    if (options.spopCheck || mode === 'spop') void this.#askAgent()
    else if (httpCheck !== undefined) this.#askHttp(httpCheck)
    else this.#connect()
  }

  /** A connection may take as long as the interval; `timeout connect` counts only beside `timeout check`. */
  get #timeout(): number {
    const { check, connect } = this.#backend.plan.model.timeouts
    const { inter } = this.#check
    return check === undefined || connect === undefined ? inter : Math.min(inter, connect)
  }

  #connect(): void {
    this.#dialling = dial(
      this.#endpoint,
      { create: createSocket, timeout: this.#timeout },
      {
        onConnected: (socket) => {
          this.#dialling = undefined
          socket.on('error', () => {})
          socket.destroy()
          this.#report({ passed: true, status: 'Layer4 check passed' })
        },
        onFailed: (why, error) => {
          this.#dialling = undefined
          this.#report(connectProblem(why === 'timeout' ? undefined : error))
        },
      },
    )
  }

  /** One round of `http-check` after the other, until one fails. */
  #askHttp(rounds: HttpCheckPlan, at = 0): void {
    const { model: round, expects, request: make } = rounds[at] ?? rounds[0]
    const request = make(this.#stream)
    const endpoint = roundEndpoint(this.#endpoint, round.connect)
    const report = (outcome: ProbeOutcome) => {
      this.#probe = undefined
      if (this.#stopped) return
      const result = resultOf(outcome, expects)
      if (result.passed && at + 1 < rounds.length) this.#askHttp(rounds, at + 1)
      else this.#report(result, outcome)
    }
    const timeout = Math.max(1, this.#answerTimeout)
    const { fcgi } = this.#backend.plan
    if (fcgi !== undefined && this.#protoOf(round) === 'fcgi') {
      const prober = (this.#probers[at] ??= new FcgiProber(endpoint, fcgi.app, timeout))
      void prober.ask(request).then(report)
    } else this.#probe = probeHttp(endpoint, request, timeout, report)
  }

  /** What the server speaks, unless `check-proto` or `http-check connect` says otherwise. */
  #protoOf({ connect }: HttpCheckRound): 'fcgi' | 'h1' | undefined {
    const own = this.#check.proto ?? this.#server.plan.model.proto
    if (connect === undefined || connect.isDefault) return connect?.proto ?? own
    return connect.proto ?? 'h1'
  }

  /** For the answer, which `timeout check` gives a time of its own (`timeout check` of the manual). */
  get #answerTimeout(): number {
    return this.#backend.plan.model.timeouts.check ?? this.#check.inter
  }

  async #askAgent(): Promise<void> {
    const timeout = Math.max(1, this.#timeout)
    this.#engine ??= createEngine({
      servers: [this.#endpoint],
      connectTimeout: timeout,
      helloTimeout: timeout,
    })
    const name = this.#engine.servers[0] as string // it was given one
    const { error } = await this.#engine.healthCheck(name)
    this.#report(error === undefined ? agentPassed : agentProblem(error))
  }

  /** All bookkeeping comes before the queue moves. */
  #report(result: CheckResult, outcome?: ProbeOutcome): void {
    if (this.#stopped) return
    const wasHealthy = this.#counter.healthy
    const isNews = this.#counter.take(result.passed) || result.status !== this.#status
    this.#status = result.status
    const duration = Math.round(monotonic() - this.#began)
    this.#server.state.check = reportOf(result, outcome, { duration, at: wallClock() })
    this.start(this.#delay)
    const { logHealthChecks } = this.#backend.plan.model.options
    if (logHealthChecks && isNews) {
      this.#log('notice', checkLine(this.#backend, this.#server, result, duration, this.#counter.status))
    }
    if (this.#counter.healthy !== wasHealthy) this.#change(result, duration)
  }

  get #delay(): number {
    const { inter, fastInter, downInter } = this.#check
    switch (this.#counter.pace) {
      case 'inter':
        return inter
      case 'fastinter':
        return fastInter ?? inter
      case 'downinter':
        return downInter ?? inter
    }
  }

  #change(result: CheckResult, duration: number): void {
    const { passed: up } = result
    const server = this.#server
    const backend = this.#backend
    server.state.setHealthy(up)
    if (!up) server.pool.close()
    const { logHealthChecks } = backend.plan.model.options
    const text = changeLine(backend, server, up, logHealthChecks ? undefined : { ...result, duration })
    this.#log(up ? 'notice' : 'alert', text)
    const { logger } = this.#context.settings
    const { status, explanation } = result
    const fields = { backend: backend.name, server: server.name, status }
    logger[up ? 'info' : 'warn'](explanation === undefined ? fields : { ...fields, explanation }, text)
    if (!up && backend.servers.every((each) => !each.usable)) this.#log('emerg', noServerLine(backend))
    // Engines look elsewhere when one has gone.
    backend.serveQueue()
  }

  #log(level: LogLevel, text: string): void {
    const { logTargets, logTag } = this.#backend.plan
    this.#context.log.send(logTargets, logTag, level, text)
  }
}

/** `addr` and `port` of the server line say where it is checked. */
function checkedEndpoint(address: ServerAddress, { port, address: word }: HealthCheck): Endpoint {
  if (address.type === 'inproc') throw new Error('an agent in the same process is not checked') // its model has no check
  const base = word === undefined ? address : parseEndpoint(`${word.text}:${portOf(address)}`)
  return base.type === 'tcp' && port !== undefined ? { ...base, port } : base
}

/** `http-check connect` counts more than the server line. */
function roundEndpoint(checked: Endpoint, connect: HttpCheckConnect | undefined): Endpoint {
  const { address, port } = connect ?? {}
  const base = address === undefined ? checked : parseEndpoint(`${address.text}:${portOf(checked)}`)
  return base.type === 'tcp' && port !== undefined ? { ...base, port } : base
}

function portOf(endpoint: Endpoint): number {
  return endpoint.type === 'tcp' ? endpoint.port : 0
}

const agentPassed: CheckResult = {
  passed: true,
  status: 'Layer7 check passed',
  details: ', code: 0, info: "SPOA server is ok"',
}

function resultOf(outcome: ProbeOutcome, expects: readonly CheckExpect[]): CheckResult {
  switch (outcome.kind) {
    case 'answer':
      return judgeAnswer(outcome, expects)
    case 'unconnected':
      return connectProblem(outcome.error)
    case 'timeout':
      return { passed: false, status: 'Layer7 timeout' }
    case 'invalid':
      return { passed: false, status: 'Layer7 invalid response', explanation: outcome.why }
  }
}

/** Undefined for a connection that took too long. */
function connectProblem(error: Error | undefined): CheckResult {
  if (error === undefined) return { passed: false, status: 'Layer4 timeout' }
  return { passed: false, status: 'Layer4 connection problem', details: `, info: "${describe(error)}"` }
}

function agentProblem(error: EngineError): CheckResult {
  const { cause, message } = error
  switch (error.code) {
    case 'ERR_ENGINE_CONNECT':
      return connectProblem(cause instanceof Error ? cause : undefined)
    case 'ERR_ENGINE_HELLO_TIMEOUT':
      return { passed: false, status: 'Layer7 timeout' }
    default:
      return {
        passed: false,
        status: 'Layer7 invalid response',
        details: `, info: "${agentReason(error)}"`,
        explanation: message,
      }
  }
}

/** The words of HAProxy (`spoe_frm_err_reasons`): those of SPOE.txt but for one; no check finds a frame too big. */
function agentReason({ code, status, cause }: EngineError): string {
  if (code === 'ERR_ENGINE_DISCONNECTED') return statusText(status - 256)
  if (!(cause instanceof SpopError) || cause.status === StatusCode.FrameTooBig)
    return statusText(StatusCode.InvalidFrame)
  return cause.status === StatusCode.FragmentationNotSupported
    ? 'fragmentation not supported'
    : statusText(cause.status)
}

/** The words of the operating system, which HAProxy uses. */
function describe(error: Error & { readonly code?: string }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'Connection refused'
    case 'ENETUNREACH':
      return 'Network is unreachable'
    case 'EHOSTUNREACH':
      return 'No route to host'
    case 'ENOENT':
      return 'No such file or directory'
    default:
      return error.message
  }
}
