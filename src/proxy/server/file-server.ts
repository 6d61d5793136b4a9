import { Buffer } from 'node:buffer'
import { httpDate } from '../../base/clock.ts'
import type { ResponseHead } from '../../http1/index.ts'
import type { ServedFile } from '../plan/served-file.ts'
import { fileResponse } from './file-response.ts'
import type { FileResponse } from './file-response.ts'
import type { ServerConnection, ServerEvents, ServerRequest, ServerTransport } from './server-transport.ts'

/** How much is read at once, and so how much of a file one request holds. */
const pieceSize = 65_536

/**
 * An applet: a file in the place of a server. It carries one request, whose body it takes and throws away.
 *
 *   begin ──▶ reading ◀──release── held
 *                └─────hold────────▶ │
 */
export class FileServer implements ServerConnection, ServerTransport {
  seat = -1
  readonly requests = 1
  readonly room = 0
  readonly safe = true
  readonly restedAt = 0
  readonly recalls = false
  readonly liveness = 'unknown'
  readonly reused = false
  readonly answered = false
  readonly unsent = false
  readonly mayRefuse = false
  readonly peer = undefined
  readonly local = undefined
  left = 0
  readonly #file: ServedFile
  #events: ServerEvents | undefined
  #at = 0
  #held = false
  #reading = false
  #closed = false

  constructor(file: ServedFile) {
    this.#file = file
  }

  /** The head is told in a turn of its own: whoever begins does not expect an answer yet. */
  begin({ head }: ServerRequest, events: ServerEvents): this {
    this.#events = events
    const response = fileResponse(head, this.#file)
    const hasBody = head.method !== 'HEAD' && response.end > response.start
    this.#at = response.start
    this.left = hasBody ? response.end - response.start : 0
    process.nextTick(() => this.#sendHead(response))
    return this
  }

  #sendHead({ status, reason, headers }: FileResponse): void {
    const framing = this.left
    const head = { minor: 1, status, reason, headers, framing, connection: 0, upgrade: undefined } as const
    this.#events?.onServerHead(head, framing)
    void this.#read()
  }

  /** One read at a time; what it has read when nobody wants it any more is dropped. */
  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.left > 0 && !this.#held && !this.#closed) await this.#readPiece()
    } catch {
      this.#fail()
    } finally {
      this.#reading = false
      if (this.#closed) this.#close()
    }
  }

  async #readPiece(): Promise<void> {
    const piece = Buffer.allocUnsafe(Math.min(pieceSize, this.left))
    const { bytesRead } = await this.#file.handle.read(piece, 0, piece.length, this.#at)
    if (this.#closed) return
    // It has become shorter meanwhile.
    if (bytesRead === 0) return this.#fail()
    this.#at += bytesRead
    this.left -= bytesRead
    this.#events?.onServerBody([piece.subarray(0, bytesRead)], this.left === 0, undefined)
  }

  #fail(): void {
    const events = this.#events
    this.destroy()
    events?.onServerFailed('closed', undefined)
  }

  sendBody(): boolean {
    return true
  }

  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    void this.#read()
  }

  /** Nothing is read ahead. */
  drain(): void {}

  completeHead({ headers }: ResponseHead): void {
    if (!headers.has('date')) headers.add('date', httpDate())
  }

  openTunnel(): void {}

  sendRaw(): boolean {
    return true
  }

  endRaw(): void {}

  finish(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#events = undefined
    if (!this.#reading) this.#close()
  }

  #close(): void {
    // Nothing was written to it: there is nothing that closing it could lose.
    this.#file.handle.close().catch(() => {})
  }
}
