import { keep } from '../../base/lent.ts'
import type { Logger } from '../../base/logger.ts'
import type { CgiHead, CgiResponseSink } from '../codec/cgi-response.ts'
import { FcgiError } from '../errors.ts'
import type { ExchangeHandler, FcgiEnd } from './exchange-types.ts'

/** What of a request its caller has to do with. */
export interface CalledFor {
  /** Whether it has ended. */
  readonly over: boolean
  pause(): void
  fail(error: FcgiError): void
}

/**
 * Who has started a request, and how he is told of it: never from within his own calls, nothing of a response while he has
 * stopped it, and what he throws costs that request and nothing else.
 */
export class Caller implements CgiResponseSink {
  /** Whether he is within one of his own calls, and should not be called back from there. */
  inCall = false
  /** Whether he has stopped the response. */
  paused = false
  /** Whether he has given the request up, and is told nothing. */
  gone = false
  /** What stood in one record behind that over which he has stopped. */
  #held: (() => void)[] | undefined
  readonly #handler: ExchangeHandler
  readonly #logger: Logger
  readonly #request: CalledFor

  constructor(handler: ExchangeHandler, logger: Logger, request: CalledFor) {
    this.#handler = handler
    this.#logger = logger
    this.#request = request
  }

  /** Does what he asks for; what cannot be done is told a turn later. */
  within(action: () => void): void {
    this.inCall = true
    try {
      action()
    } catch (error) {
      this.failWithin(error)
    } finally {
      this.inCall = false
    }
  }

  /** In a call of his something was wrong. */
  failWithin(error: unknown): void {
    if (!(error instanceof FcgiError)) throw error
    this.#request.fail(error)
  }

  // From the decoder. The last two without a function for each, since every response has them.

  onInformational(head: CgiHead): void {
    if (this.paused) return this.#hold(() => this.onInformational(head))
    this.notify(() => this.#handler.onInformational?.(head))
  }

  onHead(head: CgiHead): void {
    if (this.#request.over) return
    if (this.paused) return this.#hold(() => this.onHead(head))
    try {
      this.#handler.onHead(head)
    } catch (error) {
      this.#threw(error)
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#request.over) return
    if (this.paused) {
      const kept = keep(chunk)
      return this.#hold(() => this.onBody(kept))
    }
    try {
      if (!this.#handler.onBody(chunk)) this.#request.pause()
    } catch (error) {
      this.#threw(error)
    }
  }

  #hold(telling: () => void): void {
    this.#held ??= []
    this.#held.push(telling)
  }

  /** Whether there is something that he has not been told yet. */
  get isBehind(): boolean {
    return this.#held !== undefined
  }

  /** Tells what was held; what he stops again waits again. */
  catchUp(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const telling of held) telling()
  }

  /** Tells all of it, whatever he stops: it is complete, and nobody is left to be slowed down. */
  hearOut(): void {
    while (this.#held !== undefined) {
      this.paused = false
      this.catchUp()
    }
  }

  // What else there is to tell.

  onBodyEnd(): void {
    this.notify(() => this.#handler.onBodyEnd?.())
  }

  onDrain(): void {
    this.notify(() => this.#handler.onDrain?.())
  }

  /** @param onStderr - who else is told. */
  onStderr(text: string, onStderr: ((text: string) => void) | undefined): void {
    this.notify(() => {
      onStderr?.(text)
      this.#handler.onStderr?.(text)
    })
  }

  /** It has ended. */
  onEnd(end: FcgiEnd): void {
    try {
      this.#handler.onEnd(end)
    } catch (error) {
      this.#logThrown(error)
    }
  }

  /** It has failed. @param later - whether he is told when the calls in progress have returned. */
  onError(error: FcgiError, later: boolean): void {
    if (later) {
      process.nextTick(() => this.gone || this.onError(error, false))
      return
    }
    try {
      this.#handler.onError(error)
    } catch (thrown) {
      this.#logThrown(thrown)
    }
  }

  /** Runs a callback while the request goes on. */
  notify(callback: () => void): void {
    if (this.#request.over) return
    try {
      callback()
    } catch (error) {
      this.#threw(error)
    }
  }

  #threw(error: unknown): void {
    this.#logThrown(error)
    this.#request.fail(new FcgiError('ERR_FCGI_ABORTED', 'a callback threw', { cause: error }))
  }

  #logThrown(error: unknown): void {
    this.#logger.error({ err: error }, 'fcgi: a callback threw')
  }
}
