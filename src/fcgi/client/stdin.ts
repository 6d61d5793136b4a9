import type { RequestEvent, RequestState } from '../codec/state.ts'
import type { FcgiError } from '../errors.ts'
import type { Caller } from './caller.ts'
import type { ConnectionStream } from './connection-roles.ts'
import type { FcgiConnection } from './connection.ts'
import { RequestBody } from './request-body.ts'
import type { BodyEvents } from './request-body.ts'
import type { ExchangeOptions } from './options.ts'

/** The request that STDIN belongs to. */
export interface Sending extends ConnectionStream {
  readonly state: RequestState
  /** Whether it has ended. */
  readonly over: boolean
  /** What it is on. */
  readonly connection: FcgiConnection | undefined
  /** What a filter is given; undefined for other roles. */
  readonly data: Uint8Array | undefined
  /** False when the table does not have it. */
  step(event: RequestEvent): boolean
  /** Something has happened: the deadline begins again. */
  touch(): void
  /** Its body is there, and its length known. */
  dispatch(): void
  fail(error: FcgiError): void
}

/** What a request sends behind its parameters: STDIN, from its caller to a connection, more than once if need be. */
export class Stdin implements BodyEvents {
  readonly body: RequestBody
  /** Whether the caller waits until there is room. */
  #wantsDrain = false
  readonly #options: ExchangeOptions
  readonly #caller: Caller
  readonly #request: Sending

  /**
   * @param declared - CONTENT_LENGTH of the parameters.
   * @param given - the whole body, or whether the caller will write one.
   */
  constructor(
    declared: string | undefined,
    given: Uint8Array | boolean,
    options: ExchangeOptions,
    caller: Caller,
    request: Sending,
  ) {
    this.body = new RequestBody(declared, given, this)
    this.#options = options
    this.#caller = caller
    this.#request = request
  }

  /** Whether the application can but wait for the caller to go on. */
  get awaitsCaller(): boolean {
    const { state } = this.#request
    return !this.#wantsDrain && !this.body.ended && (state === 'sending' || state === 'replied')
  }

  // From the caller, while the request is not over.

  write(chunk: Uint8Array): boolean {
    const request = this.#request
    const gathering = this.body.length === undefined
    let more = this.#push(chunk)
    if (request.over) return true
    if (!gathering) {
      request.touch()
      request.step('sendStdin')
      more = request.connection?.sendStdin(request, chunk) ?? false
    }
    if (!more) this.#wantsDrain = true
    return more
  }

  /** As `within` of the caller does, without a function for each piece. */
  #push(chunk: Uint8Array): boolean {
    const caller = this.#caller
    caller.inCall = true
    try {
      return this.body.push(chunk, this.#options)
    } catch (error) {
      caller.failWithin(error)
      return true
    } finally {
      caller.inCall = false
    }
  }

  end(): void {
    const request = this.#request
    const gathered = this.body.length === undefined
    this.#caller.within(() => {
      this.body.end()
      // A file may be whole when nobody wants it any more.
      if (gathered) this.body.gathered(() => request.over || request.dispatch())
    })
    request.touch()
    if (!gathered) this.#sendEnd()
  }

  // To the connection.

  /** What stands in the head of the request already: the empty STDIN. */
  sentWithHead(): void {
    this.#request.step('sendStdinEnd')
    this.#sendData()
  }

  /** Sends what is there of it. */
  sendHeld(connection: FcgiConnection): void {
    const { body } = this
    let more = true
    for (const chunk of body.held ?? []) more = connection.sendStdin(this.#request, chunk)
    if (body.isSpooled) this.#sendFile(connection)
    else if (body.ended) this.#sendEnd()
    body.sent(this.#options.maxReplaySize)
    if (more && this.#wantsDrain) process.nextTick(() => this.writable())
  }

  #sendFile(connection: FcgiConnection): void {
    this.body.sendFile({
      onPiece: (piece) => this.#sendPiece(connection, piece),
      onEnd: () => this.#sendEnd(),
    })
  }

  #sendPiece(connection: FcgiConnection, piece: Buffer): boolean {
    this.#request.touch()
    this.#request.step('sendStdin')
    return connection.sendStdin(this.#request, piece)
  }

  #sendEnd(): void {
    const request = this.#request
    // Not when CONTENT_LENGTH is 0: the empty STDIN went with the head. Nor twice: some applications close over it.
    if (!request.step('sendStdinEnd')) return
    request.connection?.sendStdinEnd(request)
    this.#sendData()
  }

  /** All of it is at hand, so that it can be sent again. */
  #sendData(): void {
    const { data, connection } = this.#request
    if (data !== undefined) connection?.sendData(this.#request, data)
  }

  /** The connection takes data again, or the file does. */
  writable(): void {
    const request = this.#request
    if (request.over) return
    this.body.resume()
    const gathers = request.state === 'waiting' && !this.body.ended
    if (!this.#wantsDrain || (request.connection === undefined && !gathers)) return
    this.#wantsDrain = false
    request.touch()
    this.#caller.onDrain()
  }

  // From the file.

  onRoom(): void {
    this.writable()
  }

  onFailed(error: FcgiError): void {
    this.#request.fail(error)
  }
}
