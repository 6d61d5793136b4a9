/** What one HTTP/1.1 connection writes, either side of the proxy: it gathers within a turn, and leaves in one write. */
import type { Socket } from 'node:net'
import type { Flushable, Turn } from '../../base/turn.ts'
import { encodeHead, formatHeaders, manyFields } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'
import { gather } from './outgoing.ts'

/** What is as large as this does not wait for the end of the turn, and is not copied to stand behind something else. */
const large = 16_384

/**
 * A head waits for the body that comes with it, an answer for those of other connections: see {@link Turn}. Whoever ends
 * or destroys the socket flushes before.
 */
export class Outbox implements Flushable {
  readonly #socket: Socket
  readonly #turn: Turn
  readonly #onBlocked: () => void
  #chunks: Buffer[] = []
  /** Bytes of them. */
  #size = 0
  /** Behind the chunks: one character per byte. */
  #text = ''
  #scheduled = false
  #blocked = false

  /** `onBlocked`: the peer does not read. Whoever listens to the socket says when it has `drained`. */
  constructor(socket: Socket, turn: Turn, onBlocked: () => void) {
    this.#socket = socket
    this.#turn = turn
    this.#onBlocked = onBlocked
  }

  /** Whether the socket has more than it likes. */
  get blocked(): boolean {
    return this.#blocked
  }

  drained(): void {
    this.#blocked = false
  }

  /** Text with one character per byte: a head. */
  text(text: string): void {
    this.#text += text
    this.#schedule()
  }

  /** A message head: its first line, with its end, and its fields. */
  head(firstLine: string, headers: HeaderList): void {
    if (headers.length < manyFields) this.text(`${firstLine}${formatHeaders(headers)}\r\n`)
    else {
      this.bytes(encodeHead(firstLine, headers))
      headers.forget()
    }
  }

  /** Pieces of a body: as they are, or as one chunk and, when `done`, the end of all. False: wait for `drain`. */
  body(
    pieces: readonly Buffer[],
    chunked: boolean,
    done: boolean,
    trailers: HeaderList | undefined,
  ): boolean {
    const [only] = pieces
    if (this.#text !== '' && !chunked && pieces.length === 1 && only !== undefined && only.length >= large) {
      return this.#behindText(only)
    }
    const bytes = gather(this.#text, pieces, chunked, done, trailers)
    this.#text = ''
    return bytes === undefined ? !this.#blocked : this.bytes(bytes)
  }

  /** A head and much of its body: one write, and no copy. */
  #behindText(bytes: Buffer): boolean {
    this.#socket.cork()
    this.flush()
    this.#write(bytes)
    this.#socket.uncork()
    return !this.#blocked
  }

  /** False: wait for `drain`. */
  bytes(bytes: Buffer): boolean {
    if (this.#text !== '' || bytes.length >= large) this.flush()
    if (bytes.length >= large) this.#write(bytes)
    else {
      this.#chunks.push(bytes)
      this.#size += bytes.length
      if (this.#size >= large) this.flush()
      else this.#schedule()
    }
    return !this.#blocked
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#turn.add(this)
  }

  /** Sends what has gathered. */
  flush(): void {
    this.#scheduled = false
    const text = this.#text
    const size = this.#size
    if (size > 0) {
      const chunks = this.#chunks
      this.#chunks = []
      this.#size = 0
      this.#text = ''
      if (text !== '') chunks.push(Buffer.from(text, 'latin1'))
      this.#write(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
    } else if (text !== '') {
      this.#text = ''
      this.#write(text)
    }
  }

  #write(bytes: Buffer | string): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return
    const more = typeof bytes === 'string' ? socket.write(bytes, 'latin1') : socket.write(bytes)
    if (more || this.#blocked) return
    this.#blocked = true
    this.#onBlocked()
  }
}
