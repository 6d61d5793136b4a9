/** The body of a request on its way from the client: held, gathered for rules, passed on, or thrown away. */
import type { HeaderList } from '../../http1/index.ts'
import { BodyBuffer } from './body-buffer.ts'

/** Where the body goes. */
export interface BodySink {
  /** False: no more until it is released. */
  sendBody(pieces: readonly Buffer[], done: boolean, trailers: HeaderList | undefined): boolean
}

/** Where it comes from. */
export interface BodySource {
  readonly trailers: HeaderList | undefined
  hold(): void
  release(): void
  /** As `release`, for rules that wait: the time of the whole request counts. */
  gather(): void
  drain(): boolean
  readonly left: number
}

/**
 *   held ──gather──▶ gathering ──enough──▶ held
 *   held ──forward──▶ flowing ──restart──▶ held        what flowed already cannot be sent again
 *   any ──discard──▶ discarded
 *   any ──switch──▶ raw
 */
type State = 'held' | 'gathering' | 'flowing' | 'discarded' | 'raw'

const nothing = (): void => {}

/** One per request; `complete` says whether its last byte has come, in every state. */
export class RequestBody {
  readonly #source: BodySource
  readonly #empty: boolean
  #state: State = 'held'
  #complete: boolean
  #buffer: BodyBuffer | undefined
  #sink: BodySink | undefined
  /** Whether bytes have gone to a server that are kept no longer. */
  #lost = false
  /** What has flowed and is kept for another server, and the most that is. */
  #flowed: BodyBuffer | undefined
  #keeps = 0
  #enough = 0
  #then: () => void = nothing

  constructor(source: BodySource, empty: boolean) {
    this.#source = source
    this.#empty = empty
    this.#complete = empty
  }

  get complete(): boolean {
    return this.#complete
  }

  /** Whether all that has come of it is still here, for another server. */
  get repeatable(): boolean {
    return !this.#lost
  }

  /** What has been read of it, for samples; what waits in the connection is read now. */
  get bytes(): Buffer | undefined {
    if (this.#state === 'held' && !this.#complete) this.#complete = this.#source.drain()
    return this.#buffer?.bytes
  }

  /** What of it is announced and has not come. */
  get left(): number {
    return this.#source.left
  }

  /** How many bytes are kept. */
  get size(): number {
    return this.#buffer?.size ?? 0
  }

  /** Waits until it is complete, or until `enough` bytes of it are here; who waits already waits no longer. */
  gather(enough: number, then: () => void): void {
    const waits = this.#state === 'held' || this.#state === 'gathering'
    if (this.#complete || !waits || this.size >= enough) return then()
    this.#state = 'gathering'
    this.#enough = enough
    this.#then = then
    this.#source.gather()
  }

  /** From the client. */
  receive(pieces: readonly Buffer[], done: boolean): void {
    if (done) this.#complete = true
    switch (this.#state) {
      case 'held':
        return this.#keep(pieces)
      case 'gathering':
        this.#keep(pieces)
        if (done || this.size >= this.#enough) this.#gathered()
        return
      case 'flowing':
        if (pieces.length > 0) this.#keepFlowed(pieces)
        if (this.#sink?.sendBody(pieces, done, this.#source.trailers) === false && !done) this.#source.hold()
        return
      default: // It goes nowhere.
    }
  }

  /** Nothing more will come: whoever waits for it goes on, after `before`. Answers whether anybody did. */
  interrupt(before: () => void): boolean {
    if (this.#state !== 'gathering') return false
    before()
    this.#gathered()
    return true
  }

  #keep(pieces: readonly Buffer[]): void {
    if (pieces.length > 0) (this.#buffer ??= new BodyBuffer()).add(pieces)
  }

  /** For a server that turns out to be gone; more than a buffer of it is not kept. */
  #keepFlowed(pieces: readonly Buffer[]): void {
    if (this.#lost) return
    const before = this.#flowed?.size ?? 0
    const size = pieces.reduce((sum, piece) => sum + piece.length, before)
    if (size <= this.#keeps) return (this.#flowed ??= new BodyBuffer()).add(pieces)
    this.#lost = true
    this.#flowed = undefined
  }

  #gathered(): void {
    const then = this.#then
    this.#state = 'held'
    this.#then = nothing
    if (!this.#complete) this.#source.hold()
    then()
  }

  /** To a server from here on; what was kept goes first. Of what flows, `keeps` bytes are kept for another server. */
  forward(sink: BodySink, keeps: number): void {
    this.#sink = sink
    this.#keeps = keeps
    this.#state = 'flowing'
    if (this.#empty) return
    const kept = this.#buffer?.pieces ?? []
    let more = true
    if (kept.length > 0 || this.#complete) more = sink.sendBody(kept, this.#complete, this.#source.trailers)
    if (!this.#complete && more && this.#state === 'flowing') this.#source.release()
  }

  /** The server takes more. */
  resume(): void {
    if (this.#state === 'raw' || (this.#state === 'flowing' && !this.#complete)) this.#source.release()
  }

  /** The server is gone, and there may be another one. */
  restart(): void {
    this.#sink = undefined
    if (this.#state !== 'flowing') return
    this.#state = 'held'
    if (this.#flowed !== undefined) this.#keep(this.#flowed.pieces)
    this.#flowed = undefined
    if (!this.#complete) this.#source.hold()
  }

  /**
   * Nobody wants the rest. Answers whether it has all come: if not, the connection is good for nothing else. More than a
   * buffer of it is not read for that.
   */
  discard(most: number): boolean {
    this.#sink = undefined
    this.#then = nothing
    if (this.#state !== 'raw') this.#state = 'discarded'
    if (!this.#complete && this.#source.left <= most) this.#complete = this.#source.drain()
    return this.#complete
  }

  /** What comes from here on is no body. */
  switchToRaw(): void {
    this.#state = 'raw'
    this.#complete = true
  }
}
