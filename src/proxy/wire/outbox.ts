/** What one HTTP/1.1 connection writes, either side of the proxy: it gathers within a turn, and leaves in one write. */
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { latin1Text } from '../../bytes/latin1.ts'
import { isLent, keep, lookAt } from '../../base/lent.ts'
import type { Lent } from '../../base/lent.ts'
import { borrowBuffer } from '../../base/send-buffer.ts'
import { takePiece } from '../../base/slab.ts'
import type { Flushable, Turn } from '../../base/turn.ts'
import { isPlainSocket } from '../../net/inside.ts'
import { wasPolledSince } from '../../net/liveness.ts'
import { waitingBytes, writeQuickly } from '../../net/quick-write.ts'
import { encodeHead, formatHead, manyFields } from '../../http1/index.ts'
import type { HeaderList } from '../../http1/index.ts'
import { frame, gather, pack } from './outgoing.ts'
import type { Parcel } from './outgoing.ts'

/** What is as large as this does not wait for the end of the turn. */
const large = 16_384
/** Text that is longer is dearer to make, and to put behind other text, than to copy its bytes. */
const short = 64

/**
 * A head waits for the body that comes with it, an answer for those of other connections: see {@link Turn}. Whoever ends
 * or destroys the socket flushes before.
 */
export class Outbox implements Flushable {
  readonly #socket: Socket
  readonly #turn: Turn
  readonly #onBlocked: () => void
  readonly #quick: boolean
  #chunks: Buffer[] = []
  /** Bytes of them. */
  #size = 0
  /** Behind the chunks: one character per byte. */
  #text = ''
  #scheduled = false
  #blocked = false
  /** The round of the loop behind which all sockets are looked at before anything leaves. */
  #heldSince: number | undefined

  /** `onBlocked`: the peer does not read. Whoever listens to the socket says when it has `drained`. */
  constructor(socket: Socket, turn: Turn, onBlocked: () => void) {
    this.#socket = socket
    this.#turn = turn
    this.#onBlocked = onBlocked
    this.#quick = isPlainSocket(socket)
  }

  /** Whether the socket has more than it likes. */
  get blocked(): boolean {
    return this.#blocked
  }

  drained(): void {
    this.#blocked = false
  }

  /**
   * Sends nothing before all sockets were looked at since `round` (net/liveness.ts): the peer may have ended by then, and
   * what has gathered is dropped. For what is short.
   */
  holdSince(round: number): void {
    if (!wasPolledSince(round)) this.#heldSince = round
  }

  /** Whether nothing has left since it was held. */
  get unsent(): boolean {
    return this.#heldSince !== undefined
  }

  #held(): boolean {
    return this.#heldSince !== undefined && !wasPolledSince(this.#heldSince)
  }

  /** Forgets what has not left. */
  drop(): void {
    this.#heldSince = undefined
    this.#chunks = []
    this.#size = 0
    this.#text = ''
  }

  /** Text with one character per byte: a head. */
  text(text: string): void {
    this.#text += text
    this.#schedule()
  }

  /** A message head: its first line, without its end, and its fields. */
  head(firstLine: string, headers: HeaderList): void {
    if (headers.length < manyFields) this.text(formatHead(firstLine, headers))
    else {
      this.bytes(encodeHead(firstLine, headers))
      headers.forget()
    }
  }

  /** Pieces of a body: as they are, or as one chunk and, when `done`, the end of all. False: wait for `drain`. */
  body(pieces: readonly Lent[], chunked: boolean, done: boolean, trailers: HeaderList | undefined): boolean {
    const held = this.#held()
    const [only] = pieces
    const isAlone = !chunked && pieces.length === 1 && only !== undefined
    if (isAlone && !held && this.#text !== '' && only.length >= large && !isLent(only))
      return this.#behindText(lookAt(only))
    if (isAlone && this.#text !== '' && only.length <= short) {
      this.text(latin1Text(lookAt(only), 0, only.length))
      return !this.#blocked
    }
    const parcel = frame(this.#text, pieces, chunked, done, trailers)
    this.#text = ''
    if (parcel.size >= large && !held && !(isAlone && parcel.before === '')) return this.#sendNow(parcel)
    const bytes = gather(parcel)
    return bytes === undefined ? !this.#blocked : this.bytes(bytes)
  }

  /** A head and much of its body, which stays where it is: one write, and no copy. */
  #behindText(bytes: Buffer): boolean {
    this.#socket.cork()
    this.flush()
    this.#write(bytes)
    this.#socket.uncork()
    return !this.#blocked
  }

  /** All of it is copied, for the kernel to take at once; what it does not take has that copy to itself. */
  #sendNow(parcel: Parcel): boolean {
    if (this.#size > 0) this.flush()
    const { size } = parcel
    // What has to wait, behind other bytes, has memory of its size.
    const borrowed = waitingBytes(this.#socket) === 0 ? borrowBuffer(size) : undefined
    const bytes = borrowed?.view(size) ?? takePiece(size)
    pack(bytes, parcel)
    this.#write(bytes, borrowed?.returned)
    return !this.#blocked
  }

  /** False: wait for `drain`. */
  bytes(bytes: Lent): boolean {
    if (this.#held()) return this.#gather(bytes)
    if (this.#text !== '' || bytes.length >= large) this.flush()
    if (bytes.length >= large) {
      if (isLent(bytes)) return this.#sendNow(frame('', [bytes], false, false))
      this.#write(lookAt(bytes))
    } else {
      this.#gather(bytes)
      if (this.#size >= large) this.flush()
    }
    return !this.#blocked
  }

  #gather(bytes: Lent): boolean {
    if (this.#text !== '') this.#chunks.push(Buffer.from(this.#text, 'latin1'))
    this.#size += this.#text.length + bytes.length
    this.#text = ''
    this.#chunks.push(keep(bytes))
    this.#schedule()
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
    if (this.#held()) return this.#schedule()
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

  #write(bytes: Buffer | string, written?: (error?: Error | null) => void): void {
    const socket = this.#socket
    this.#heldSince = undefined
    if (socket.destroyed || socket.writableEnded) return written?.()
    // More than a socket likes to have waiting is the stream's, who says when it has drained.
    const isFew = this.#quick && bytes.length < socket.writableHighWaterMark
    const quick = isFew ? writeQuickly(socket, bytes) : undefined
    if (quick === true) return written?.()
    if (quick !== undefined) return void (quick.onTaken = written ?? quick.onTaken)
    const more = typeof bytes === 'string' ? socket.write(bytes, 'latin1') : socket.write(bytes, written)
    if (more || this.#blocked) return
    this.#blocked = true
    this.#onBlocked()
  }
}
