import { Socket } from 'node:net'
import { takePiece } from '../base/slab.ts'
import type { ConnectOpts, SocketConstructorOpts } from 'node:net'

const bufferSize = 65_536
const { platform } = process

/** Reads happen one after the other, but on Windows, where the kernel has the buffer for as long as it waits for bytes. */
const shared = platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(bufferSize)

/**
 * A socket whose bytes go past the buffers of the stream layer (`onread`): a read takes no memory but for what it has
 * brought, and makes no events. Everything else, `pause`, `resume`, 'end' and 'close' with it, is as it was.
 */
export class ChunkSocket extends Socket {
  /** Gets what is read, in memory that is never written again. To be set before anything comes. */
  onChunk: (chunk: Buffer) => void = () => {}

  constructor(options: SocketConstructorOpts = {}) {
    const buffer = shared ?? Buffer.allocUnsafeSlow(bufferSize)
    const onread: ConnectOpts['onread'] = {
      buffer,
      callback: (size) => {
        const chunk = takePiece(size)
        buffer.copy(chunk, 0, 0, size)
        this.onChunk(chunk)
        return true
      },
    }
    // Documented for the constructor (net.Socket), declared for connect() only.
    const all: SocketConstructorOpts & ConnectOpts = { ...options, onread }
    super(all)
  }
}
