/** What the formats of a health check are evaluated against: a server, and no stream. */
import { wallClock } from '../../base/clock.ts'
import type { SampleNamed, Stream, StreamLog } from '../../sample/stream.ts'
import type { VariableScope, VariableStore } from '../../sample/variables.ts'
import type { ProxyContext } from '../context.ts'
import type { Backend } from './backend.ts'
import type { Server } from './server.ts'

/** One for each server that is checked. */
export class CheckStream implements Stream {
  readonly direction = 'request'
  readonly final = true
  readonly source = undefined
  readonly destination = undefined
  readonly sourceIsLocal = false
  readonly destinationIsLocal = false
  readonly request = undefined
  readonly requestState = 'invalid'
  readonly response = undefined
  readonly firstRequest = true
  readonly requestBuffer = undefined
  readonly responseBuffer = undefined
  readonly tls = undefined
  readonly fcgiApp = undefined
  readonly uniqueId = undefined
  readonly backend: SampleNamed
  readonly server: SampleNamed
  readonly #context: ProxyContext

  constructor(server: Server, backend: Backend, context: ProxyContext) {
    this.server = server
    this.backend = backend
    this.#context = context
  }

  get now(): number {
    return wallClock()
  }

  /** No checkpoint of health checks allows what would ask. */
  get frontend(): SampleNamed {
    return this.backend
  }

  /** Of its names there is `%H` alone, which asks nobody. */
  get log(): StreamLog {
    throw new Error('a health check has no log')
  }

  variables(scope: VariableScope): VariableStore | undefined {
    return scope === 'proc' ? this.#context.variables : undefined
  }

  random(): number {
    return Math.floor(Math.random() * 0x1_0000_0000)
  }
}
