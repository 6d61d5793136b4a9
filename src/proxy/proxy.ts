/** A running proxy: starts, closes, and tells what it is doing. */
import { UsageError } from '../base/errors.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { Plan } from './plan/opaque.ts'
import { openPlan } from './plan/sealed.ts'
import { ProxyRuntime } from './runtime.ts'
import { resolveProxyOptions } from './settings.ts'
import type { ProxyOptions } from './settings.ts'
import { LoopLagMonitor } from '../base/loop-lag.ts'
import type { LoopLag } from '../base/loop-lag.ts'
import type { ProxyStats } from './control/stats.ts'
import { openProxyStatus } from './control/status-port.ts'
import type { ProxyStatusOptions, ProxyStatusPort } from './control/status-options.ts'
import { takeStats } from './control/take-stats.ts'

/** See {@link createProxy}. */
export interface Proxy extends AsyncDisposable {
  /**
   * Binds all addresses of the configuration, then begins the health checks. Called again, it answers the same.
   * @throws ProxyError `ERR_PROXY_LISTEN`: what was bound before is given back; UsageError `ERR_SLUICE_CLOSED`.
   */
  start(): Promise<void>
  /**
   * Accepts nothing more and settles when the last client has gone: requests in progress are finished, idle
   * connections are closed.
   */
  close(): Promise<void>
  /** Closes everything now. */
  destroy(): void
  /** Where it listens, by the name of the frontend; ports that the kernel chose are filled in. */
  readonly addresses: ReadonlyMap<string, readonly Endpoint[]>
  /** A snapshot. */
  readonly stats: ProxyStats
  /**
   * Opens a status port, which closes when the proxy has closed: `/healthz`, `/readyz`, `/metrics`, `/stats.json` and a live page at
   * `/` (docs/status.md). `9100` and `:9100` are loopback, other addresses must be given. May be called before `start()`: the proxy
   * is not ready until it listens.
   * @throws ProxyError `ERR_PROXY_LISTEN`; UsageError `ERR_SLUICE_ADDRESS`, `ERR_SLUICE_OPTION`, `ERR_SLUICE_CLOSED`.
   */
  serveStatus(where: string | Endpoint, options?: ProxyStatusOptions): Promise<ProxyStatusPort>
}

/**
 * Makes a proxy of a plan that `loadProxy` gave. Nothing is opened before `start`.
 * @throws UsageError `ERR_SLUICE_OPTION`, also for a plan that it did not give
 */
export function createProxy(plan: Plan, options: ProxyOptions = {}): Proxy {
  const inner = openPlan(plan)
  return new RunningProxy(new ProxyRuntime(inner, resolveProxyOptions(options, inner.global)))
}

class RunningProxy implements Proxy {
  readonly #runtime: ProxyRuntime
  #starting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #listens = false
  readonly #lag = new LoopLagMonitor()
  readonly #statusPorts = new Set<ProxyStatusPort>()

  constructor(runtime: ProxyRuntime) {
    this.#runtime = runtime
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#start())
  }

  async #start(): Promise<void> {
    const { frontends, health } = this.#runtime
    this.#requireOpen('start() after close()')
    try {
      for (const frontend of frontends) {
        await frontend.listen()
        // What it has bound is not known to who has closed the others.
        this.#requireOpen('close() while start() was waiting')
      }
      for (const frontend of frontends) frontend.publish()
    } catch (error) {
      this.destroy()
      throw error
    }
    health.start()
    this.#listens = true
  }

  #requireOpen(what: string): void {
    if (this.#runtime.context.closing) throw new UsageError('ERR_SLUICE_CLOSED', what)
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const runtime = this.#runtime
    runtime.stopListening()
    if (runtime.context.connections > 0) await this.#clientsGone()
    await runtime.closeServers()
    await this.#closeStatus()
  }

  /** The last to go: whoever waits for the clients to leave may look how many there are. */
  async #closeStatus(): Promise<void> {
    this.#lag.stop()
    await Promise.all([...this.#statusPorts].map((port) => port.close()))
  }

  /** They may take as long as `hard-stop-after` lets them. */
  async #clientsGone(): Promise<void> {
    const { context } = this.#runtime
    const { hardStopAfter, logger } = context.settings
    const gone = new Promise<void>((resolve) => {
      this.#runtime.onClientGone = () => {
        if (context.connections === 0) resolve()
      }
    })
    if (hardStopAfter === 0) return gone
    const timer = setTimeout(() => {
      logger.warn({ connections: context.connections }, 'hard-stop-after: clients are cut off')
      this.#runtime.cutOff()
    }, hardStopAfter)
    await gone
    clearTimeout(timer)
  }

  destroy(): void {
    this.#runtime.destroy()
    void this.#closeStatus()
  }

  async serveStatus(where: string | Endpoint, options: ProxyStatusOptions = {}): Promise<ProxyStatusPort> {
    const { context } = this.#runtime
    this.#requireOpen('serveStatus() after close()')
    this.#lag.start()
    const port = await openProxyStatus(where, options, this, context.settings.logger)
    if (context.closing) await port.close()
    this.#requireOpen('serveStatus() after close()')
    this.#statusPorts.add(port)
    return port
  }

  get lag(): LoopLag {
    return this.#lag.lag
  }

  get state(): 'starting' | 'listening' | 'closing' {
    if (this.#runtime.context.closing) return 'closing'
    return this.#listens ? 'listening' : 'starting'
  }

  get addresses(): ReadonlyMap<string, readonly Endpoint[]> {
    return new Map(this.#runtime.frontends.map((each) => [each.name, each.addresses]))
  }

  get stats(): ProxyStats {
    return takeStats(this.#runtime)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
