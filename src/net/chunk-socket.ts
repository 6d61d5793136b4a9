import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { getDefaultHighWaterMark } from 'node:stream'
import type { ConnectOpts, SocketConstructorOpts } from 'node:net'
import { lentMemory, lentView } from '../base/lent.ts'
import type { Lent } from '../base/lent.ts'
import { takePiece } from '../base/slab.ts'

const { platform } = process

/** Reads happen one after the other, but on Windows, where the kernel has the buffer for as long as it waits for bytes. */
const shares = platform !== 'win32'

/** Of those of a `net.Socket`; see there. */
export interface ChunkSocketOptions {
  /** Whether it stays open when the peer has ended. @default false */
  readonly allowHalfOpen?: boolean
  /** Whether nothing waits for the answer to what was sent before (TCP_NODELAY). @default false */
  readonly noDelay?: boolean
  /** Bytes behind which a write says that it is enough. @default Node.js's */
  readonly highWaterMark?: number
}

/**
 * A socket whose bytes go past the buffers of the stream layer (`onread`): a read takes no memory, and makes no events.
 * Everything else, `pause`, `resume`, 'end' and 'close' with it, is as it was.
 */
export class ChunkSocket extends Socket {
  /**
   * Gets what is read, for the time of the call. To be set before anything comes. Declared, and not a field: to define one more
   * property on a socket takes V8 as long as a system call.
   */
  declare onChunk: (chunk: Lent) => void

  constructor({
    allowHalfOpen = false,
    noDelay = false,
    highWaterMark = getDefaultHighWaterMark(false),
  }: ChunkSocketOptions = {}) {
    const buffer = shares ? lentMemory : Buffer.allocUnsafeSlow(lentMemory.length)
    const onread: ConnectOpts['onread'] = {
      buffer,
      callback: (size) => {
        if (shares) this.onChunk(lentView(size))
        else this.onChunk(copyOf(buffer, size))
        return true
      },
    }
    // Documented for the constructor (net.Socket), declared for connect() only. No spread: V8 takes longer for that.
    const options: SocketConstructorOpts & ConnectOpts & ChunkSocketOptions = {
      allowHalfOpen,
      noDelay,
      highWaterMark,
      onread,
    }
    super(options)
    this.onChunk = nobody
  }
}

function nobody(): void {}

function copyOf(buffer: Buffer, size: number): Buffer {
  const copy = takePiece(size)
  buffer.copy(copy, 0, 0, size)
  return copy
}
