import type { Socket } from 'node:net'
import { headerSize, paddingFor, putRecordHeader, streamContentSize } from './codec/record.ts'
import type { RecordType } from './codec/record.ts'

const nothing = new Uint8Array(0)

/** Records out, for both ends: streams are cut into records, and what is sent in one turn leaves in one system call. */
export class RecordSender {
  /** How many writes the system has taken whole; grows while the peer reads. */
  taken = 0
  #corked = false
  readonly #onTaken = (): void => {
    this.taken++
  }
  readonly #socket: Socket
  readonly #padding: boolean

  /** @param padding - whether records are padded to a multiple of eight bytes. */
  constructor(socket: Socket, padding: boolean) {
    this.#socket = socket
    this.#padding = padding
  }

  /** Sends content of a stream in as many records as it takes, none when it is empty. False: wait for `drain`. */
  stream(type: RecordType, id: number, content: Uint8Array): boolean {
    this.#cork()
    let more = true
    for (let at = 0; at < content.length; at += streamContentSize) {
      more = this.#record(type, id, content.subarray(at, at + streamContentSize))
    }
    return more
  }

  /** Sends a record without content: the end of a stream, or ABORT_REQUEST. */
  empty(type: RecordType, id: number): void {
    this.#cork()
    this.#record(type, id, nothing)
  }

  /** Sends bytes that are records already; they are copied. */
  bytes(bytes: Buffer): void {
    this.#cork()
    this.#socket.write(Buffer.from(bytes), this.#onTaken)
  }

  /**
   * Sends such bytes with what was sent before them in this turn, and nothing that comes later: `onSent` gets an error
   * when the system did not take them, whatever becomes of the rest.
   */
  now(bytes: Buffer, onSent: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.from(bytes), onSent)
    if (!this.#corked) return
    this.#socket.uncork()
    this.#socket.cork()
  }

  #record(type: RecordType, id: number, content: Uint8Array): boolean {
    const padding = this.#padding ? paddingFor(content.length) : 0
    const header = Buffer.allocUnsafe(headerSize)
    putRecordHeader(header, 0, type, id, content.length, padding)
    let more = this.#socket.write(header, this.#onTaken)
    if (content.length > 0) more = this.#socket.write(content)
    if (padding > 0) more = this.#socket.write(Buffer.alloc(padding))
    return more
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#corked = false
      this.#socket.uncork()
    })
  }
}
