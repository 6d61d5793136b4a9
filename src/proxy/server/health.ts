/**
 * Health checks: a connection, or with `option spop-check` a SPOP handshake, every `inter` milliseconds. `fall` failures
 * in a row take a server down, `rise` successes bring it back.
 */
import { monotonic } from '../../clock.ts'
import { parseEndpoint } from '../../endpoint.ts'
import type { Endpoint } from '../../endpoint.ts'
import { createEngine } from '../../engine/index.ts'
import type { Engine, EngineError } from '../../engine/index.ts'
import type { HealthCheck } from '../../config/index.ts'
import { dial } from '../wire/dial.ts'
import type { Dialling } from '../wire/dial.ts'
import type { ProxyContext } from '../context.ts'
import type { Backends } from './backends.ts'
import type { Backend } from './backend.ts'
import type { Server } from './server.ts'

/** See the head of this file. */
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
  /** Failures in a row while up, successes in a row while down. */
  #streak = 0
  #timer: NodeJS.Timeout | undefined
  #dialling: Dialling | undefined
  #engine: Engine | undefined
  #stopped = false
  #began = 0

  constructor(server: Server, backend: Backend, check: HealthCheck, context: ProxyContext) {
    this.#server = server
    this.#backend = backend
    this.#context = context
    this.#check = check
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
  }

  #run(): void {
    this.#began = monotonic()
    if (this.#backend.plan.model.options.spopCheck) void this.#askAgent()
    else this.#connect()
  }

  get #timeout(): number {
    const { timeouts } = this.#backend.plan.model
    return timeouts.check ?? Math.min(timeouts.connect ?? this.#check.inter, this.#check.inter)
  }

  #connect(): void {
    this.#dialling = dial(this.#endpoint, this.#timeout, {
      onConnected: (socket) => {
        this.#dialling = undefined
        socket.on('error', () => {})
        socket.destroy()
        this.#report(undefined)
      },
      onFailed: (why, error) => {
        this.#dialling = undefined
        const problem = error === undefined ? '' : `, info: "${describe(error)}"`
        this.#report(why === 'timeout' ? 'Layer4 timeout' : `Layer4 connection problem${problem}`)
      },
    })
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
    this.#report(error === undefined ? undefined : describeAgentProblem(error))
  }

  #report(problem: string | undefined): void {
    if (this.#stopped) return
    const server = this.#server
    const { rise, fall, inter, fastInter, downInter } = this.#check
    const wanted = problem === undefined
    this.#streak = wanted === server.state.healthy ? 0 : this.#streak + 1
    if (this.#streak >= (wanted ? rise : fall)) {
      this.#streak = 0
      this.#change(wanted, problem)
    }
    const changing = this.#streak > 0 ? fastInter : undefined
    const delay = changing ?? (server.state.healthy ? inter : (downInter ?? inter))
    this.start(delay)
  }

  #change(up: boolean, problem: string | undefined): void {
    const duration = Math.round(monotonic() - this.#began)
    const passed = this.#backend.plan.model.options.spopCheck
      ? 'Layer7 check passed, code: 0'
      : 'Layer4 check passed'
    const server = this.#server
    const backend = this.#backend
    server.state.setHealthy(up)
    if (!up) server.pool.close()
    const { active, backup } = countUsable(backend)
    const sessions = `${server.served} sessions active, 0 requeued, ${backend.queue.size} remaining in queue.`
    const text = up
      ? `Server ${backend.name}/${server.name} is UP, reason: ${passed}, check duration: ${duration}ms. ` +
        `${active} active and ${backup} backup servers online. 0 sessions requeued, ${backend.queue.size} total in queue.`
      : `Server ${backend.name}/${server.name} is DOWN, reason: ${problem}, check duration: ${duration}ms. ` +
        `${active} active and ${backup} backup servers left. ${sessions}`
    const { log, settings } = this.#context
    log.send(backend.plan.logTargets, backend.plan.logTag, up ? 'notice' : 'alert', text)
    settings.logger[up ? 'info' : 'warn']({ backend: backend.name, server: server.name, problem }, text)
    if (!up && active + backup === 0) {
      log.send(
        backend.plan.logTargets,
        backend.plan.logTag,
        'emerg',
        `${backend.plan.model.kind} ${backend.name} has no server available!`,
      )
    }
    if (up) backend.serveQueue()
  }
}

/** `addr` and `port` of the server line say where it is checked. */
function checkedEndpoint(address: Endpoint, { port, address: word }: HealthCheck): Endpoint {
  const base = word === undefined ? address : parseEndpoint(`${word.text}:${portOf(address)}`)
  return base.type === 'tcp' && port !== undefined ? { ...base, port } : base
}

function portOf(endpoint: Endpoint): number {
  return endpoint.type === 'tcp' ? endpoint.port : 0
}

function describeAgentProblem(error: EngineError): string {
  switch (error.code) {
    case 'ERR_ENGINE_CONNECT':
      return error.cause instanceof Error
        ? `Layer4 connection problem, info: "${describe(error.cause)}"`
        : 'Layer4 timeout'
    case 'ERR_ENGINE_HELLO_TIMEOUT':
      return 'Layer7 timeout'
    default:
      return `Layer7 invalid response, info: "${error.message}"`
  }
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

function countUsable({ servers }: Backend): { readonly active: number; readonly backup: number } {
  const usable = servers.filter((each) => each.usable)
  const backup = usable.filter((each) => each.backup).length
  return { active: usable.length - backup, backup }
}
