/**
 * Two ends of a connection in memory, which behave as sockets do where it matters: one write arrives as one chunk, in a
 * later turn of the event loop; each end may stop sending and still receive; a reset is an ECONNRESET at the other end.
 */
import { Buffer } from 'node:buffer'
import { Duplex } from 'node:stream'
import { hasMethods, requireArgument } from '../base/options.ts'

/** Taken once, so that a test's mocked timers do not stop the bytes. */
const later = setImmediate

/** Bytes that an end holds unread before the other end's writes wait. */
const maxUnread = 65_536

type Done = (error?: Error | null) => void

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
}

/** One end; see {@link createSocketPair}. It has the methods of `net.Socket` that this package uses. */
export class MemorySocket extends Duplex {
  /** What is written and no longer counted by `writableLength` has been copied, as a kernel does. */
  readonly copiesWrites = true
  /** As `net.Socket.connecting`. */
  connecting = false
  /** As `net.Socket.remotePort`: something that can be reset has one. */
  readonly remotePort = 0
  #other: MemorySocket | undefined
  /** What has arrived and was not read; null is the end. */
  readonly #arrived: (Buffer | null)[] = []
  #unread = 0
  #wanted = false
  #scheduled = false
  /** The other end's write that waits for room here. */
  #sender: Done | undefined
  #reset = false
  readonly #prompt: boolean
  /** Its reader is at work on a piece: what comes meanwhile waits for a later turn. */
  #delivering = false

  /**
   * `prompt`: what the other end writes arrives while it writes, and not in a later turn: for a reader that may be called
   * from within the writer's own work. @default false
   */
  constructor(prompt = false) {
    super({ allowHalfOpen: true, readableHighWaterMark: maxUnread })
    requireArgument(typeof prompt === 'boolean', 'MemorySocket: prompt', 'must be true or false', prompt)
    this.#prompt = prompt
  }

  /** Makes two unconnected ends a pair. @throws UsageError `ERR_SLUICE_OPTION` for anything else. */
  static join(left: MemorySocket, right: MemorySocket): void {
    for (const end of [left, right]) {
      requireArgument(end instanceof MemorySocket, 'join: each end', 'must be a MemorySocket', end)
    }
    left.#other = right
    right.#other = left
  }

  /** Becomes connected in a later turn, with the event `connect`: for code that waits for it. */
  connectLater(): this {
    this.connecting = true
    later(() => {
      this.connecting = false
      if (!this.destroyed) this.emit('connect')
    })
    return this
  }

  /** Ends with a reset: the other end gets ECONNRESET, whatever it has not read is lost. */
  resetAndDestroy(): this {
    this.#reset = true
    return this.destroy()
  }

  /** Destroys itself when everything is written. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** Does nothing: there is nothing to wait for. For code that treats this as a `net.Socket`. */
  setNoDelay(): this {
    return this
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    const other = this.#other
    if (other === undefined || other.destroyed) return done(systemError('EPIPE', 'write'))
    // Copied: a socket's writer may use its buffer again.
    other.#arrive(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk))
    if (other.#unread < maxUnread) done()
    else other.#sender = done
  }

  override _final(done: Done): void {
    const other = this.#other
    if (other !== undefined) other.#arrive(null)
    done()
  }

  override _read(): void {
    this.#wanted = true
    this.#schedule()
  }

  override _destroy(error: Error | null, done: Done): void {
    const other = this.#other
    if (other !== undefined && !other.destroyed) {
      if (this.#reset) later(() => other.destroy(systemError('ECONNRESET', 'read')))
      else if (!this.writableFinished) other.#arrive(null)
    }
    this.#releaseSender()
    done(error)
  }

  #arrive(piece: Buffer | null): void {
    if (this.destroyed || this.#arrived.at(-1) === null) return
    const isPrompt = this.#prompt && this.#wanted && !this.#delivering && this.#arrived.length === 0
    if (isPrompt && piece !== null) return this.#hand(piece)
    this.#arrived.push(piece)
    this.#unread += piece?.length ?? 0
    this.#schedule()
  }

  #hand(piece: Buffer | null): void {
    this.#delivering = true
    try {
      this.#wanted = this.push(piece)
    } finally {
      this.#delivering = false
    }
  }

  #schedule(): void {
    if (this.#scheduled || !this.#wanted || this.#arrived.length === 0) return
    this.#scheduled = true
    later(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (this.#wanted && this.#arrived.length > 0 && !this.destroyed) {
      const piece = this.#arrived.shift() as Buffer | null // the loop has checked that there is one
      this.#unread -= piece?.length ?? 0
      this.#hand(piece)
    }
    if (this.#unread < maxUnread) this.#releaseSender()
  }

  #releaseSender(): void {
    const sender = this.#sender
    this.#sender = undefined
    sender?.()
  }
}

/** Two ends of one connection in memory. */
export function createSocketPair(): [MemorySocket, MemorySocket] {
  const pair: [MemorySocket, MemorySocket] = [new MemorySocket(), new MemorySocket()]
  MemorySocket.join(...pair)
  return pair
}

/** Something that takes connections: `Agent` of sluice/agent does. */
export interface Acceptor {
  /** Serves a connected stream. */
  accept(stream: Duplex, peer?: string): void
}

/** Whether something takes connections. */
export function isAcceptor(given: unknown): given is Acceptor {
  return hasMethods(given, 'accept')
}

/**
 * A connection to something in the same process, without a socket: it becomes connected in a later turn. What is written is copied
 * once and arrives while it is written, for both ends gather what they have to say in a turn; never within the reader's own
 * work on what came before.
 * @throws what `accept` throws, for example when an agent was closed.
 */
export function connectInProcess(to: Acceptor, peer: string): MemorySocket {
  const [ours, theirs] = [new MemorySocket(true), new MemorySocket(true)]
  MemorySocket.join(ours, theirs)
  to.accept(theirs, peer)
  return ours.connectLater()
}

/** Ends a connection with a reset where the stream has one (TCP, {@link MemorySocket}), else by destroying it. */
export function resetStream(stream: Duplex): void {
  const socket = stream as Duplex & {
    remotePort?: number
    encrypted?: boolean
    resetAndDestroy?: () => unknown
  }
  // A unix socket has no reset, and node's TLS sockets refuse to.
  const resets = socket.remotePort !== undefined && socket.encrypted !== true
  if (resets && socket.resetAndDestroy !== undefined) socket.resetAndDestroy()
  else stream.destroy()
}
