/**
 * What is known of the inside of `net.Socket`, for whoever reads (chunk-reader.ts) and writes (quick-write.ts) past its stream.
 *
 * Nothing here is documented, so nothing is taken for granted: each thing is looked for once, on sockets made for that, and
 * where one is missing, and in lines of Node.js that nobody has tried, sockets are used as documented. They differ in nothing but
 * time then. `SLUICE_PLAIN_SOCKETS=1` asks for that in any line.
 */
import { Socket } from 'node:net'
import type { ConnectOpts, SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { lentMemory } from '../base/lent.ts'

/** The last line of Node.js whose sockets test/net/inside.test.ts has tried. */
const lastTried = 26

const isTried = Number.parseInt(process.versions.node, 10) <= lastTried
const isWanted = process.env['SLUICE_PLAIN_SOCKETS'] !== '1'
/** On Windows the kernel has the memory for as long as it waits for bytes, and none can be shared. */
const isLookedFor = isTried && isWanted && process.platform !== 'win32'

/** The handle under a socket: libuv's stream, as C++ shows it. */
export interface SocketHandle {
  readonly fd?: number
  /** Bytes of writes that the kernel has not taken. */
  readonly writeQueueSize?: number
  /** Where the next reads go. */
  useUserBuffer?(memory: Buffer): void
  /** Both answer 0 or the number of an error. What the kernel does not take at once waits under the request. */
  writeBuffer(request: object, bytes: Buffer): number
  writeLatin1String(request: object, text: string): number
}

/** Of a socket that has one: undefined for other streams, and for a socket that is closed. */
export function handleOf(socket: Duplex): SocketHandle | undefined {
  return (socket as { _handle?: SocketHandle | null })._handle ?? undefined
}

const { prototype } = Socket

/**
 * Whether the stream of Node.js is all that stands between a socket and its handle: not for TLS, and not where somebody has put a
 * `write` of his own.
 */
export function isPlainSocket(socket: Duplex): socket is Socket {
  return (
    socket instanceof Socket &&
    !('encrypted' in socket) &&
    socket.write === prototype.write &&
    socket._write === prototype._write
  )
}

interface StreamState {
  errored?: Error | null
}

/** Leaves a stream as a failed write of its own leaves it: it writes no more, and does not end well. */
export function markFailed(socket: Socket, error: Error): void {
  const { _writableState, _readableState } = socket as {
    readonly _writableState?: StreamState
    readonly _readableState?: StreamState
  }
  if (_writableState !== undefined) _writableState.errored ??= error
  if (_readableState !== undefined) _readableState.errored ??= error
}

/** Under what symbols a socket keeps what the option `onread` gives it. */
export interface ReadKeys {
  readonly memory: symbol
  readonly onRead: symbol
}

function findReadKeys(): ReadKeys | undefined {
  const callback = (): boolean => true
  const options: SocketConstructorOpts & ConnectOpts = { onread: { buffer: lentMemory, callback } }
  const socket = new Socket(options) as Socket & Record<symbol, unknown>
  const symbols = Object.getOwnPropertySymbols(socket)
  const memory = symbols.find((symbol) => socket[symbol] === lentMemory)
  const onRead = symbols.find((symbol) => socket[symbol] === callback)
  return memory === undefined || onRead === undefined ? undefined : { memory, onRead }
}

/** What calls itself Node.js and is another runtime may have sockets that cannot even be made so. */
function lookFor<T>(find: () => T | undefined): T | undefined {
  if (!isLookedFor) return undefined
  try {
    return find()
  } catch {
    return undefined
  }
}

/** Undefined where they cannot be told from what a socket was given. */
export const readKeys = lookFor(findReadKeys)

/** What libuv keeps a write by that has to wait. */
export interface WriteRequest {
  /** Below 0 while libuv does not have it. */
  getAsyncId(): number
}

/** A socket upon a handle of our own is told to write nothing; with what it asks the handle for that is seen. */
function findWriteRequest(): (new () => WriteRequest) | undefined {
  let seen: object | null | undefined
  const handle = {
    readStart: () => 0,
    writeLatin1String(request: object | null) {
      seen = request
      return 0
    },
  }
  const options = { handle, readable: false, manualStart: true }
  new Socket(options as SocketConstructorOpts).on('error', () => {}).write('', 'latin1')
  // From Node.js 26 on there is no request for what does not wait, and nothing to be gained.
  const found = seen?.constructor as (new () => Partial<WriteRequest>) | undefined
  if (found === undefined || new found().getAsyncId?.() !== -1) return undefined
  return found as new () => WriteRequest
}

/** Undefined where a socket makes none for each write, or where it is not seen. */
export const WriteRequestClass = lookFor(findWriteRequest)
