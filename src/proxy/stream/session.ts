/** A client connection as its streams see it: addresses, `sess` variables, how many requests it has carried. */
import { monotonic, wallClock } from '../../clock.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import { VariableStore } from '../../sample/variables.ts'
import { PrivatePool } from '../server/private-pool.ts'

/** Knows neither its socket nor its frontend: it lives as long as the connection, whoever carries that. */
export class Session {
  readonly accepted = monotonic()
  readonly acceptDate = wallClock()
  /** Undefined for unix sockets. */
  readonly source: SampleEndpoint | undefined
  readonly destination: SampleEndpoint | undefined
  /** The number of the unix socket that the client came to, among the addresses of its frontend. */
  readonly unixListener: number | undefined
  /** Requests so far, the current one included. */
  requests = 0
  /** Connections to servers that only its requests use. */
  readonly connections = new PrivatePool()
  readonly #parent: VariableStore
  #variables: VariableStore | undefined

  /** @param parent the `proc` variables, whose memory limit covers these too */
  constructor(
    source: SampleEndpoint | undefined,
    destination: SampleEndpoint | undefined,
    parent: VariableStore,
    unixListener?: number,
  ) {
    this.source = source
    this.destination = destination
    this.unixListener = unixListener
    this.#parent = parent
  }

  get variables(): VariableStore {
    return (this.#variables ??= new VariableStore({ parent: this.#parent }))
  }

  /** The connection has gone: gives back what the variables took, and closes what was kept for it. */
  end(): void {
    this.connections.close()
    this.#variables?.clear()
  }
}
