import { ChunkSocket } from './chunk-socket.ts'

/** Turns of the event loop without data after which the kernel has no more; one may have begun before the failure. */
const quietTurns = 2

/**
 * A socket that hands out what the peer sent before it went away.
 *
 * An application may answer and close without reading the rest of STDIN. Node destroys a socket when a write to it fails,
 * and with it the answer that already lies in the kernel. This one keeps reading until nothing more comes, and is
 * destroyed then. Reading goes past the stream layer ({@link ChunkSocket}), because a stream that has failed takes no data.
 */
export class LingeringSocket extends ChunkSocket {
  #failure: Error | undefined

  /** Whether a write has failed and what the peer sent is still being read. */
  get lingering(): boolean {
    return this.#failure !== undefined && !this.destroyed
  }

  override destroy(error?: Error): this {
    if (!this.destroyed && isWriteFailure(error)) {
      // What was being written behind it fails as well, and says nothing new.
      if (this.#failure === undefined) this.#linger(0)
      this.#failure ??= error
      return this
    }
    return super.destroy(error ?? this.#failure)
  }

  #linger(quiet: number): void {
    const before = this.bytesRead
    setImmediate(() => {
      if (this.destroyed) return
      // Who paused it will resume it, and is given time: there is no data to be had meanwhile.
      if (this.isPaused()) this.once('resume', () => this.#linger(0))
      else if (this.bytesRead > before) this.#linger(0)
      else if (quiet < quietTurns) this.#linger(quiet + 1)
      else super.destroy(this.#failure)
    })
  }
}

function isWriteFailure(error: Error | undefined): error is NodeJS.ErrnoException {
  if (error === undefined) return false
  const { code, syscall } = error as NodeJS.ErrnoException
  return syscall === 'write' && (code === 'EPIPE' || code === 'ECONNRESET')
}
