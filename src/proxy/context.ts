/** What every part of a running proxy may reach: settings, the log, `proc` variables, and whether it is being closed. */
import { networkInterfaces } from 'node:os'
import { Deadlines } from '../base/deadlines.ts'
import { defaults } from '../config/index.ts'
import type { Expiring } from '../base/deadlines.ts'
import { Turn } from '../base/turn.ts'
import { formatIp } from '../net/ip.ts'
import type { SampleEndpoint } from '../sample/stream.ts'
import { VariableStore } from '../sample/variables.ts'
import type { LogSink } from './log/sink.ts'
import type { InnerPlan } from './plan/plan.ts'
import type { ProxySettings } from './settings.ts'

/** At the bottom of the house: it knows no room above it, and holds no section, server or client. */
export class ProxyContext {
  readonly settings: ProxySettings
  readonly log: LogSink
  /** Variables of the scope `proc`; those that the configuration names exist from the start. */
  readonly variables: VariableStore
  readonly pid = process.pid
  /** When HTTP/1.1 connections write. */
  readonly turn = new Turn()
  /** Of HTTP/1.1 connections, whose sockets keep the process alive. */
  readonly deadlines = new Deadlines<Expiring>((item) => item.expire(), false)
  /** `tune.http.logurilen` */
  readonly loggedRequestLine: number
  /** Client connections now. */
  connections = 0
  /** Whether connections are being closed as their requests end. */
  closing = false

  #streams = 0
  #localAddresses: ReadonlySet<string> | undefined

  constructor(plan: InnerPlan, settings: ProxySettings, log: LogSink) {
    this.variables = new VariableStore({ permanent: plan.variableNames.of('proc') })
    this.loggedRequestLine = plan.global.loggedRequestLine ?? defaults.loggedRequestLine
    this.settings = settings
    this.log = log
  }

  /** Streams so far. */
  get streams(): number {
    return this.#streams
  }

  /** The number of a new stream: from 0, for the whole process. */
  nextStream(): number {
    return this.#streams++
  }

  /** Whether an address is one of this machine's. */
  isLocal(endpoint: SampleEndpoint | undefined): boolean {
    if (endpoint === undefined) return false
    if (endpoint.address.length === 0) return true // a unix socket
    this.#localAddresses ??= new Set(
      Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)),
    )
    return this.#localAddresses.has(formatIp(endpoint.address))
  }
}
