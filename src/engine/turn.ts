/** What is left for the end of a turn of the loop: writing, and failing what could not begin. */
import { monotonic } from '../clock.ts'
import type { EngineError } from './errors.ts'
import type { Exchange } from './exchange.ts'

/** Something with bytes to write. */
export interface Flushable {
  flush(): void
}

/**
 * The end of a turn comes after all sockets that were readable have been read: what they caused leaves in one write
 * per connection. `process.nextTick` would come after each socket.
 */
export class Turn {
  readonly #fail: (exchange: Exchange, error: EngineError, now: number) => void
  #dirty: Flushable[] = []
  #doomed: { readonly exchange: Exchange; readonly error: EngineError }[] = []
  #scheduled = false

  constructor(fail: (exchange: Exchange, error: EngineError, now: number) => void) {
    this.#fail = fail
  }

  /** Each is flushed once for each time that it is given. */
  flush(connection: Flushable): void {
    this.#dirty.push(connection)
    this.#schedule()
  }

  /** Fails an exchange, but not before the call that began it has returned. */
  fail(exchange: Exchange, error: EngineError): void {
    this.#doomed.push({ exchange, error })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.end)
  }

  /** Does what is left, now. */
  readonly end = (): void => {
    const dirty = this.#dirty
    const doomed = this.#doomed
    this.#scheduled = false
    this.#dirty = []
    this.#doomed = []
    for (const connection of dirty) connection.flush()
    if (doomed.length === 0) return
    const now = monotonic()
    for (const { exchange, error } of doomed) this.#fail(exchange, error, now)
  }
}
