import { Socket } from 'node:net'
import { lentMemory, lentView } from '../base/lent.ts'
import type { Lent } from '../base/lent.ts'
import { handleOf, readKeys } from './inside.ts'

type OnRead = (size: number) => boolean

/** The 'data' listener of a reader, under which its successor finds it. */
const listener = Symbol('chunk listener')

interface Listened {
  [listener]?: (chunk: Buffer) => void
}

/**
 * Makes what reads sockets that were accepted as a {@link ChunkSocket} is read: past the buffers of the stream, where that can be
 * done, else by 'data' events. `onread` is documented for sockets that connect; a server makes its sockets without.
 *
 * `onChunk` gets what comes, for the time of the call, with the socket for `this`: one is made for all sockets of a kind, which
 * need no function of their own then. The next one for a socket takes the place of the one before.
 */
export function createChunkReader<S extends Socket>(
  onChunk: (this: S, chunk: Lent) => void,
): (socket: S) => void {
  function onRead(this: S, size: number): boolean {
    onChunk.call(this, lentView(size))
    return true
  }
  return (socket: S & Listened) => {
    const before = socket[listener]
    if (before !== undefined) socket.off('data', before)
    if (readPast(socket, onRead as OnRead)) return
    socket[listener] = onChunk
    socket.on('data', onChunk)
  }
}

/** False for what is no plain socket, and for one that has been read already: that stands in its buffers. */
function readPast(socket: Socket, onRead: OnRead): boolean {
  if (readKeys === undefined || Object.getPrototypeOf(socket) !== Socket.prototype) return false
  const handle = handleOf(socket)
  if (typeof handle?.useUserBuffer !== 'function' || socket.readableLength > 0) return false
  const inside = socket as Socket & Record<symbol, unknown>
  inside[readKeys.onRead] = onRead
  if (inside[readKeys.memory] === lentMemory) return true
  inside[readKeys.memory] = lentMemory
  handle.useUserBuffer(lentMemory)
  // Until here a socket that was paused has read on, to fill its buffers.
  if (socket.isPaused()) socket.pause()
  return true
}
