/** What all sockets of the data path have in common. */
import { Socket } from 'node:net'

/**
 * Either side may end before the other, and a socket takes two reads of the other side before it says that it has
 * enough.
 */
export const socketOptions = { allowHalfOpen: true, noDelay: true, highWaterMark: 131_072 }

/** A socket of the data path, to be connected. */
export function createSocket(): Socket {
  return new Socket(socketOptions)
}
