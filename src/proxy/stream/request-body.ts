/** The body of a request on its way from the client: held, gathered for rules, passed on, or thrown away. */
import { keep } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'
import { SpoolFile } from '../../base/spool-file.ts'
import type { HeaderList } from '../../http1/index.ts'
import { BodyBuffer } from './body-buffer.ts'

/** Where the body goes. */
export interface BodySink {
  /** False: no more until it is released. */
  sendBody(pieces: readonly Lent[], done: boolean, trailers: HeaderList | undefined): boolean
}

/** Where it comes from. */
export interface BodySource {
  readonly trailers: HeaderList | undefined
  hold(): void
  release(): void
  /** As `release`, for rules that wait: `limit` milliseconds at the most; undefined: as long as more comes. */
  gather(limit: number | undefined): void
  drain(): boolean
  readonly left: number
}

/**
 *   held ──gather──▶ gathering ──enough──▶ held
 *   held ──spool──▶ spooling ──all──▶ held             what is more than a buffer is in a file
 *   held ──forward──▶ flowing ──restart──▶ held        what flowed already cannot be sent again
 *   any ──discard──▶ discarded
 *   any ──switch──▶ raw
 */
type State = 'held' | 'gathering' | 'spooling' | 'flowing' | 'discarded' | 'raw'

/** How much of a body is waited for that does not say its length, in bytes. */
export interface SpoolLimits {
  /** In memory; the rest goes to a file. */
  readonly memory: number
  readonly most: number
}

/** What came of waiting: all of it is here, it is too large, or the file failed, which it may later, too. */
export type Spooled = 'whole' | 'too-large' | 'failed'

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
  #limits: SpoolLimits = { memory: 0, most: 0 }
  #spooled: (how: Spooled, error?: Error) => void = nothing
  #file: SpoolFile | undefined

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

  /** How many bytes are kept in memory. */
  get size(): number {
    return this.#buffer?.size ?? 0
  }

  /** How many are kept. */
  get wholeSize(): number {
    return this.size + (this.#file?.size ?? 0)
  }

  /**
   * Waits until it is complete, or until `enough` bytes of it are here; who waits already waits no longer.
   * @param limit - milliseconds that it may take; undefined: as long as more comes
   */
  gather(enough: number, limit: number | undefined, then: () => void): void {
    const waits = this.#state === 'held' || this.#state === 'gathering'
    if (this.#complete || !waits || this.size >= enough) return then()
    this.#state = 'gathering'
    this.#enough = enough
    this.#then = then
    this.#source.gather(limit)
  }

  /** Waits until all of it is here. */
  spool(limits: SpoolLimits, then: (how: Spooled, error?: Error) => void): void {
    this.#limits = limits
    this.#spooled = then
    if (this.size > limits.most) return then('too-large')
    if (this.#complete) return then('whole')
    this.#state = 'spooling'
    this.#source.release()
  }

  #spool(pieces: readonly Lent[]): void {
    const size = pieces.reduce((sum, piece) => sum + piece.length, this.wholeSize)
    if (size > this.#limits.most) {
      this.#state = 'held'
      this.#source.hold()
      return this.#spooled('too-large')
    }
    let more = true
    if (this.#file === undefined && size <= this.#limits.memory) this.#keep(pieces)
    else {
      const file = (this.#file ??= this.#openFile())
      for (const piece of pieces) more = file.add(keep(piece))
    }
    if (this.#complete) this.#endSpool()
    else if (!more) this.#source.hold()
  }

  #endSpool(): void {
    this.#state = 'held'
    if (this.#file === undefined) this.#spooled('whole')
    else this.#file.finish(() => this.#spooled('whole'))
  }

  #openFile(): SpoolFile {
    return new SpoolFile({
      onRoom: () => {
        if (this.#state === 'spooling') this.#source.release()
      },
      onFailed: (error) => this.#spooled('failed', error),
    })
  }

  /** Nobody needs it any more. */
  close(): void {
    this.#file?.close()
  }

  /** From the client. */
  receive(pieces: readonly Lent[], done: boolean): void {
    if (done) this.#complete = true
    switch (this.#state) {
      case 'held':
        return this.#keep(pieces)
      case 'gathering':
        this.#keep(pieces)
        if (done || this.size >= this.#enough) this.#gathered()
        return
      case 'spooling':
        return this.#spool(pieces)
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

  #keep(pieces: readonly Lent[]): void {
    if (pieces.length > 0) (this.#buffer ??= new BodyBuffer()).add(pieces)
  }

  /** For a server that turns out to be gone; more than a buffer of it is not kept. */
  #keepFlowed(pieces: readonly Lent[]): void {
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
    const done = this.#complete && this.#file === undefined
    if (kept.length > 0 || done) more = sink.sendBody(kept, done, this.#source.trailers)
    this.#file?.sendTo({
      onPiece: (piece) => sink.sendBody([piece], false, undefined),
      onEnd: () => void sink.sendBody([], true, this.#source.trailers),
    })
    if (!this.#complete && more && this.#state === 'flowing') this.#source.release()
  }

  /** The server takes more. */
  resume(): void {
    if (this.#state === 'raw' || (this.#state === 'flowing' && !this.#complete)) this.#source.release()
    else if (this.#state === 'flowing') this.#file?.resume()
  }

  /** The server is gone, and there may be another one. */
  restart(): void {
    this.#sink = undefined
    this.#file?.stop()
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
    this.#spooled = nothing
    this.#file?.stop()
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
