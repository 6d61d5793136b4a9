/** The streams over file descriptors that logs are written to: `stdout`, `stderr` and `fd@N`. */
import { createWriteStream, fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { isatty, WriteStream as TerminalStream } from 'node:tty'

/** One stream for a descriptor, whoever writes to it: it belongs to the process, and stays open. */
const streams = new Map<number, Writable>()

/**
 * The stream that writes to a descriptor. One that has failed is made anew, unless it has closed its descriptor.
 * @throws Error when there is no such descriptor.
 */
export function descriptorStream(fd: number): Writable {
  if (fd === 1) return process.stdout
  if (fd === 2) return process.stderr
  const known = streams.get(fd)
  // The number of a socket that has failed may be that of something else by now.
  if (known !== undefined && (!known.destroyed || known instanceof Socket)) return known
  const stream = openDescriptor(fd)
  streams.set(fd, stream)
  return stream
}

/** Pipes and sockets do not block, as streams of a file would: a thread that waits for a reader holds up the exit. */
function openDescriptor(fd: number): Writable {
  if (isatty(fd)) return new TerminalStream(fd)
  const kind = fstatSync(fd)
  if (kind.isFIFO() || kind.isSocket()) return new Socket({ fd, readable: false, writable: true })
  return createWriteStream('', { fd, autoClose: false })
}
