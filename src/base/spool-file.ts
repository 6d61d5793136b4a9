/**
 * Bytes that wait in a temporary file: what is too large to be held in memory until its end has come. The file has no name
 * any more as soon as it is open, so that nothing of it is left behind, whatever becomes of the process.
 */
import { Buffer } from 'node:buffer'
import { close, open, read, unlink, write } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How much may wait to be written before `add` answers false. */
const highWater = 262_144
/** How much is read at a time. */
const pieceSize = 65_536

/** Where the bytes go. */
export interface SpoolSink {
  /** In memory that is not written again. False: nothing more until {@link SpoolFile.resume}. */
  onPiece(piece: Buffer): boolean
  onEnd(): void
}

/** Is told, never from within a call, what comes of it. */
export interface SpoolEvents {
  /** `add` may be called again after it has answered false. */
  onRoom(): void
  /** The file cannot be made, written or read: nothing more comes of it. The error names the folder. */
  onFailed(error: Error): void
}

/** One body: added to its end, then read, as often as it takes. */
export class SpoolFile {
  /** Bytes that were added. */
  size = 0
  readonly #events: SpoolEvents
  #file: number | undefined
  #pending: Uint8Array[] = []
  #pendingSize = 0
  #written = 0
  /** Whether the system has something to do; the file is closed behind it. */
  #busy = true
  #full = false
  #closed = false
  #whole: (() => void) | undefined
  #sink: SpoolSink | undefined
  #at = 0
  #held = false

  constructor(events: SpoolEvents) {
    this.#events = events
    const path = join(tmpdir(), `sluice-${randomUUID()}`)
    open(path, 'wx+', 0o600, (error, file) => {
      if (error !== null) return this.#done(error)
      this.#file = file
      unlink(path, () => this.#done(null))
    })
  }

  /** Adds bytes, which must not change. False: wait for `onRoom`. */
  add(piece: Uint8Array): boolean {
    if (this.#closed) return true
    this.size += piece.length
    this.#pending.push(piece)
    this.#pendingSize += piece.length
    this.#write()
    this.#full = this.#pendingSize > highWater
    return !this.#full
  }

  /** Nothing more is added: calls back when all of it can be read. */
  finish(whole: () => void): void {
    this.#whole = whole
    // Never from within this call.
    if (!this.#busy) process.nextTick(() => this.#tellWhole())
  }

  /** Reads it from its beginning, to another sink than before perhaps. It must be whole. */
  sendTo(sink: SpoolSink): void {
    this.#sink = sink
    this.#at = 0
    this.#held = false
    this.#read()
  }

  /** The sink takes more. */
  resume(): void {
    this.#held = false
    this.#read()
  }

  /** Sends nothing more to the sink. */
  stop(): void {
    this.#sink = undefined
  }

  /** Gives the file back. */
  close(): void {
    this.#closed = true
    this.#sink = undefined
    this.#whole = undefined
    this.#pending = []
    if (!this.#busy) this.#closeFile()
  }

  #closeFile(): void {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) close(file, () => {})
  }

  /** The system has done what it was asked for. */
  #done(error: Error | null): void {
    this.#busy = false
    if (this.#closed) return this.#closeFile()
    if (error !== null) {
      this.close()
      const { code, message } = error as NodeJS.ErrnoException
      const told = new Error(`a temporary file in ${tmpdir()}: ${message}`, { cause: error })
      return this.#events.onFailed(Object.assign(told, { code }))
    }
    this.#write()
    if (this.#full && this.#pendingSize <= highWater) {
      this.#full = false
      this.#events.onRoom()
    }
    this.#tellWhole()
    this.#read()
  }

  #tellWhole(): void {
    if (this.#busy || this.#pending.length > 0) return
    const whole = this.#whole
    this.#whole = undefined
    whole?.()
  }

  #write(): void {
    const file = this.#file
    const [piece] = this.#pending
    if (this.#busy || this.#closed || file === undefined || piece === undefined) return
    this.#busy = true
    write(file, piece, 0, piece.length, this.#written, (error, count) => {
      this.#written += count
      this.#pendingSize -= count
      if (count < piece.length) this.#pending[0] = piece.subarray(count)
      else this.#pending.shift()
      this.#done(error)
    })
  }

  #read(): void {
    const [file, sink] = [this.#file, this.#sink]
    if (this.#busy || this.#held || file === undefined || sink === undefined) return
    this.#busy = true
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceSize, this.size - this.#at))
    read(file, piece, 0, piece.length, this.#at, (error, count) => {
      // Another one may have asked for it from its beginning meanwhile.
      if (error === null && this.#sink === sink) this.#handOut(sink, piece.subarray(0, count))
      this.#done(error)
    })
  }

  #handOut(sink: SpoolSink, piece: Buffer): void {
    this.#at += piece.length
    const more = piece.length === 0 || sink.onPiece(piece)
    if (this.#sink !== sink) return
    if (piece.length > 0 && this.#at < this.size) this.#held = !more
    else {
      this.#sink = undefined
      sink.onEnd()
    }
  }
}
