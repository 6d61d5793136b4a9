/** Keeps Node.js 20 quick at making sockets. */
import { Socket } from 'node:net'
import type { Server } from 'node:net'

/** Later lines have a V8 that does not need it. */
const isNeeded = process.versions.node.startsWith('20.')

let accepted = 0

/**
 * The constructor of a socket copies its options (`{ ...options }`) and adds to the copy. V8 copies the shapes that it has met at this place
 * into hidden classes to which nothing can be added but by its run-time: each socket that is accepted takes 6 to 30
 * microseconds then, where 0.6 would do. An object without prototype cannot be copied so, and once V8 has met one there it makes
 * plain copies of all. It remembers what it has met only once the constructor was called some times: hence at each doubling.
 */
function meetAnother(): void {
  accepted++
  if ((accepted & (accepted - 1)) === 0) void new Socket({ __proto__: null } as object)
}

/** For a server before it listens. */
export function keepSocketsQuick(server: Server): void {
  if (isNeeded) server.on('connection', meetAnother)
}
