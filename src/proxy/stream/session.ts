/** A client connection as its streams see it: addresses, `sess` variables, how many requests it has carried. */
import { turnTime, turnDate } from '../../base/clock.ts'
import type { SampleEndpoint } from '../../sample/stream.ts'
import { VariableStore } from '../../sample/variables.ts'
import { PrivatePool } from '../server/private-pool.ts'
import type { OwnConnections } from '../server/server-transport.ts'

/** Of sessions that have ended: keeps nothing. */
const closed = new PrivatePool()
closed.close()

/** Knows neither its socket nor its frontend: it lives as long as the connection, whoever carries that. */
export class Session {
  readonly accepted = turnTime()
  readonly acceptDate = turnDate()
  /** Undefined for a socket that is closed already. */
  readonly source: SampleEndpoint | undefined
  readonly destination: SampleEndpoint | undefined
  /** Requests so far, the current one included. */
  requests = 0
  readonly #parent: VariableStore
  #variables: VariableStore | undefined
  #connections: PrivatePool | undefined

  /** @param parent the `proc` variables, whose memory limit covers these too */
  constructor(
    source: SampleEndpoint | undefined,
    destination: SampleEndpoint | undefined,
    parent: VariableStore,
  ) {
    this.source = source
    this.destination = destination
    this.#parent = parent
  }

  get variables(): VariableStore {
    return (this.#variables ??= new VariableStore({ parent: this.#parent }))
  }

  /** Connections to servers that only its requests use; few have any. */
  get connections(): OwnConnections {
    return (this.#connections ??= new PrivatePool())
  }

  /** The connection has gone: gives back what the variables took, and closes what was kept for it. */
  end(): void {
    this.#connections?.close()
    this.#connections = closed
    this.#variables?.clear()
  }
}
