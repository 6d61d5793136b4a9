/** Connections beyond `maxconn`: accepted, unread, until another one has gone. */
import type { Socket } from 'node:net'

/** More are refused, as a full queue of the kernel would. */
const mostWaiting = 1024

/** First come, first served; who leaves while waiting is forgotten. */
export class WaitingRoom {
  readonly #sockets = new Set<Socket>()

  get size(): number {
    return this.#sockets.size
  }

  enter(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#sockets.size >= mostWaiting) return void socket.destroy()
    socket.pause()
    socket.once('close', () => this.#sockets.delete(socket))
    this.#sockets.add(socket)
  }

  /** Whoever has waited longest; undefined when nobody does. */
  next(): Socket | undefined {
    const [socket] = this.#sockets
    if (socket === undefined) return undefined
    this.#sockets.delete(socket)
    socket.removeAllListeners()
    return socket
  }

  clear(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }
}
