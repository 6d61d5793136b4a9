import { CgiResponseDecoder } from '../codec/cgi-response.ts'
import type { RequestState } from '../codec/state.ts'
import { FcgiError } from '../errors.ts'
import type { Caller } from './caller.ts'
import type { ExchangeOptions } from './options.ts'
import { answerOf } from './verdict.ts'
import type { Answer } from './verdict.ts'

/** The request that STDOUT answers. */
export interface Answered {
  readonly state: RequestState
  resume(): void
  fail(error: FcgiError): void
}

/** What a request brings on STDOUT: an answer, decoded, and told to the caller as far as he lets it come. */
export class Stdout {
  /** Whether the caller was told that the response is complete. What the application still writes goes nowhere. */
  told = false
  /** Whether a byte of it has come. */
  #begun = false
  readonly #decoder: CgiResponseDecoder
  readonly #caller: Caller
  readonly #request: Answered

  /** @param method - of the request. */
  constructor(method: string, options: ExchangeOptions, caller: Caller, request: Answered) {
    this.#decoder = new CgiResponseDecoder(method, options)
    this.#caller = caller
    this.#request = request
  }

  /** How much of an answer has come. */
  get answer(): Answer {
    return answerOf(this.#request.state, this.#begun, this.#decoder.bodyDone)
  }

  /** Takes content, or without bytes the end. The response may be complete then. */
  take(bytes: Buffer, start: number, end: number): void {
    this.#begun = true
    try {
      if (start === end) this.#decoder.finish()
      else this.#decoder.push(bytes, this.#caller, start, end)
    } catch (error) {
      return this.#failWith(error)
    }
    if (!this.#caller.isBehind) this.#tellWhole()
  }

  /** Tells what stood in the record over which the caller has stopped. False when he stops again before the end of it. */
  catchUp(): boolean {
    this.#caller.catchUp()
    if (this.#caller.isBehind) return false
    this.#tellWhole()
    return true
  }

  #tellWhole(): void {
    if (this.told || !this.#decoder.bodyDone) return
    this.told = true
    this.#request.resume()
    this.#caller.onBodyEnd()
  }

  /** Nothing more comes. False when it is no response, and the request has failed over it. */
  finish(): boolean {
    try {
      this.#decoder.finish()
      return true
    } catch (error) {
      this.#failWith(error)
      return false
    }
  }

  #failWith(error: unknown): void {
    if (!(error instanceof FcgiError)) throw error
    this.#request.fail(error)
  }
}
