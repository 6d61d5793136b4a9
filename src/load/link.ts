/** One connection to what is under load: made, read without a copy, written at once, and spoilt where that is asked for. */
import { Buffer } from 'node:buffer'
import { Socket, type ConnectOpts, type SocketConstructorOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { dial, type Dialling } from '../net/dial.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { monotonic } from '../base/clock.ts'
import { FaultyWriter, type WriteFaults } from './faulty-writer.ts'

/** Where to connect, and how. */
export interface LoadTarget {
  readonly endpoint: Exclude<Endpoint, { type: 'fd' }>
  /** Speak TLS, with these options. */
  readonly tls: ConnectionOptions | undefined
  /** How long making a connection may take, in milliseconds. */
  readonly connectTimeout: number
}

/** What happens to a link. Nothing comes after `onClosed`, which comes once. */
export interface LinkEvents {
  onConnected(): void
  /** `bytes` up to `end` are there for as long as the call lasts. `now` is the monotonic clock. */
  onBytes(bytes: Buffer, end: number, now: number): void
  /** The other end has closed, or the connection is lost; `error` says how. Also when there never was one. */
  onClosed(error: NodeJS.ErrnoException | undefined): void
}

const bufferSize = 65_536

/**
 * All links are read into one buffer: what comes is counted at once, and kept only where a frame is cut. On Windows the
 * kernel has the buffer for as long as it waits for bytes, so each link has its own.
 */
const shared = process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(bufferSize)

/** See the head of this file. */
export class Link {
  readonly #events: LinkEvents
  #socket: Socket | undefined
  #dialling: Dialling | undefined
  #faulty: FaultyWriter | undefined
  #closed = false

  constructor(target: LoadTarget, faults: WriteFaults | undefined, events: LinkEvents) {
    this.#events = events
    const faultyOf = (socket: Socket) =>
      faults === undefined ? undefined : new FaultyWriter(faults, (bytes) => socket.write(bytes))
    const take = (socket: Socket) => {
      this.#socket = socket
      this.#faulty = faultyOf(socket)
      this.#listen(socket)
      events.onConnected()
    }
    if (target.tls === undefined) this.#dial(target, take)
    else this.#dialTls(target, target.tls, take)
  }

  #onread(): ConnectOpts['onread'] {
    const buffer = shared ?? Buffer.allocUnsafeSlow(bufferSize)
    return {
      buffer,
      callback: (size) => {
        if (!this.#closed) this.#events.onBytes(buffer, size, monotonic())
        return true
      },
    }
  }

  #dial({ endpoint, connectTimeout }: LoadTarget, take: (socket: Socket) => void): void {
    // Documented for the constructor (net.Socket), declared for connect() only.
    const options: SocketConstructorOpts & ConnectOpts = {
      onread: this.#onread() as NonNullable<ConnectOpts['onread']>,
    }
    const create = () => new Socket(options).setNoDelay(true)
    this.#dialling = dial(
      endpoint,
      { create, timeout: connectTimeout },
      {
        onConnected: take,
        onFailed: (why, error) => {
          this.#over(
            error ??
              Object.assign(new Error('cannot connect'), {
                code: why === 'timeout' ? 'ETIMEDOUT' : 'ECLOSED',
              }),
          )
        },
      },
    )
  }

  #dialTls(
    { endpoint, connectTimeout }: LoadTarget,
    options: ConnectionOptions,
    take: (socket: Socket) => void,
  ): void {
    const where =
      endpoint.type === 'tcp' ? { host: endpoint.host, port: endpoint.port } : { path: endpoint.path }
    const all: ConnectionOptions & ConnectOpts = {
      ...options,
      ...where,
      onread: this.#onread() as NonNullable<ConnectOpts['onread']>,
    }
    const socket = connectTls(all)
    socket.setNoDelay(true)
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error('cannot connect'), { code: 'ETIMEDOUT' })),
      connectTimeout,
    )
    const onEarly = (error?: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      this.#over(error)
    }
    socket.once('error', onEarly)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', onEarly)
      take(socket)
    })
    this.#socket = socket
  }

  #listen(socket: Socket): void {
    let failure: NodeJS.ErrnoException | undefined
    socket.on('error', (error) => (failure = error))
    // The other end says nothing more; so do we.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#over(failure))
  }

  #over(error: NodeJS.ErrnoException | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#faulty?.stop()
    this.#events.onClosed(error)
  }

  /** Writes. Answers whether the bytes are the caller's again: the kernel has its copy. */
  write(bytes: Buffer): boolean {
    const socket = this.#socket
    if (socket === undefined || this.#closed || !socket.writable) return true
    if (this.#faulty !== undefined) {
      this.#faulty.write(Buffer.from(bytes))
      return true
    }
    socket.write(bytes)
    // A TLS socket encrypts after this turn.
    return socket.writableLength === 0 && !('encrypted' in socket)
  }

  /** Ends without a word: a reset where there is one. No event comes of it. */
  reset(): void {
    this.#leave()
    const socket = this.#socket
    if (socket === undefined) return
    if (socket.remotePort === undefined || 'encrypted' in socket) socket.destroy()
    else socket.resetAndDestroy()
  }

  /** Ends when all is written. No event comes of it. */
  end(): void {
    this.#leave()
    this.#socket?.destroySoon()
  }

  #leave(): void {
    this.#closed = true
    this.#dialling?.cancel()
    this.#faulty?.stop()
  }
}
