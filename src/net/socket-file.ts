/**
 * The name of a unix socket that takes the place of a predecessor's, as HAProxy does it: it is bound under a name of its own
 * and gets the wanted one by a rename, so that there is no moment without a socket. libuv removes what it has bound, by
 * name, when the socket is closed: the predecessor, which ends later, would remove its successor's.
 */
import { Buffer } from 'node:buffer'
import cluster from 'node:cluster'
import { lstatSync, renameSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { longestSocketPath } from './endpoint.ts'

/** Several sockets of this process may lie in one folder. */
let made = 0

/** A name, and the file that was given it. */
export class SocketFile {
  /** What it is to be called. */
  readonly path: string
  /** Where to bind. */
  readonly beside: string
  #inode: bigint | undefined

  constructor(path: string) {
    this.path = path
    const beside = join(dirname(path), `.${process.pid}.${++made}`)
    // Workers of a cluster share a socket by its name, and so do those that are too long for another one.
    const isShared = cluster.isWorker || Buffer.byteLength(beside) > longestSocketPath
    this.beside = isShared ? path : beside
  }

  /** Gives what was bound {@link SocketFile.beside} its name. @throws Error of the system. */
  publish(): void {
    if (this.beside === this.path) return
    this.#inode = inodeOf(this.beside)
    renameSync(this.beside, this.path)
  }

  /** Removes the name, unless it is another socket's by now. */
  remove(): void {
    const inode = this.#inode
    this.#inode = undefined
    try {
      if (inode !== undefined && inodeOf(this.path) === inode) unlinkSync(this.path)
    } catch {
      // The folder went, or is somebody else's by now: a name that nobody listens at stays, and is replaced by who comes next.
    }
  }
}

function inodeOf(path: string): bigint | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}
