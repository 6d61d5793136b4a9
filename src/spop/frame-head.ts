/**
 * What every frame begins with (SPOE.txt 3.2): its length, which does not count its own four bytes, then type, flags
 * and the two ids. Also where a frame ends in a stream of bytes.
 */
import type { Framing } from '../bytes/frame-splitter.ts'
import { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { refuseArgument } from '../base/options.ts'
import { SpopError } from './errors.ts'
import { readVarint64, writeVarint } from './varint.ts'
import { uint32At } from '../bytes/uint.ts'

/** Frame types (SPOE.txt 3.2.2). */
export const FrameType = {
  Unset: 0,
  HaproxyHello: 1,
  HaproxyDisconnect: 2,
  Notify: 3,
  AgentHello: 101,
  AgentDisconnect: 102,
  Ack: 103,
} as const

/** A number of {@link FrameType}. */
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** Frame flags: 32 bits in network order, of which two are defined. */
export const FrameFlag = {
  /** The last, or only, fragment of a payload. */
  Fin: 1,
  /** The processing of the frame is to be given up; FIN is set too. */
  Abort: 2,
} as const

/** A stream or frame id: up to 64 bits, `bigint` only where a `number` is not exact. HAProxy's first stream may be 0. */
export type Id = number | bigint

/** The largest frame by default, in bytes: HAProxy's `tune.bufsize` of 16384 less the four bytes of the length. */
export const defaultMaxFrameSize = 16_380
/** No peer may ask for less (SPOE.txt 3.2). */
export const leastMaxFrameSize = 256
/** Bytes of the length before each frame. */
export const lengthSize = 4
/** Type, flags and two ids of one byte each: no frame is shorter. */
const leastFrameSize = 7

/**
 * A cursor over `bytes`, from `at` to `end`, which throws SpopError `ERR_SPOP_TRUNCATED` at the bound.
 * @throws UsageError `ERR_SLUICE_OPTION` for what is no Buffer, or is not within it.
 */
export function createReader(bytes?: Buffer, at?: number, end?: number): Reader {
  return new Reader(onTruncated, bytes, at, end)
}

function onTruncated(wanted: number, left: number, at: number): never {
  throw new SpopError('ERR_SPOP_TRUNCATED', `${wanted} bytes wanted at byte ${at}, ${left} left`)
}

/** The head of a frame. One object may be filled again and again by {@link readFrameHead}. */
export class FrameHead {
  /** A {@link FrameType}, or a number that no document names. */
  type = 0
  /** Bits of {@link FrameFlag}. */
  flags = 0
  /** The stream id; 0 in HELLO and DISCONNECT. */
  streamId: Id = 0
  /** The frame id; 0 in HELLO and DISCONNECT. */
  frameId: Id = 0

  /** Whether the payload is whole, or ends here. */
  get fin(): boolean {
    return (this.flags & FrameFlag.Fin) !== 0
  }

  /** Whether what was begun is given up. */
  get abort(): boolean {
    return (this.flags & FrameFlag.Abort) !== 0
  }
}

/** Reads type, flags and ids: `reader` stands behind the length. */
export function readFrameHead(reader: Reader, head: FrameHead): void {
  head.type = reader.uint8()
  head.flags = reader.uint32()
  head.streamId = readVarint64(reader)
  head.frameId = readVarint64(reader)
}

/** Starts a frame, and returns where it starts, for {@link endFrame}. */
export function beginFrame(writer: Writer, type: number, flags: number, streamId: Id, frameId: Id): number {
  const start = writer.reserve(9)
  const bytes = writer.bytes
  bytes[start + 4] = type
  writer.patchUint32(start + 5, flags)
  writeVarint(writer, streamId)
  writeVarint(writer, frameId)
  return start
}

/** Ends a frame: fills in its length, which is returned. */
export function endFrame(writer: Writer, start: number): number {
  const length = writer.at - start - lengthSize
  writer.patchUint32(start, length)
  return length
}

/**
 * Cuts a stream into SPOP frames. The limit starts as what we announce and is lowered by the handshake. A length over
 * the limit is refused before anything is allocated for it.
 */
export class SpopFraming implements Framing {
  readonly headerSize = lengthSize
  /** The largest frame accepted, in bytes, without its length field. */
  maxFrameSize: number

  constructor(maxFrameSize: number = defaultMaxFrameSize) {
    if (!Number.isSafeInteger(maxFrameSize) || maxFrameSize < 0) {
      refuseArgument('SpopFraming: maxFrameSize', 'must be a whole number of bytes', maxFrameSize)
    }
    this.maxFrameSize = maxFrameSize
  }

  sizeAt(bytes: Buffer, at: number): number {
    const length = uint32At(bytes, at)
    if (length > this.maxFrameSize) this.#refuse(bytes, at, length)
    if (length < leastFrameSize) {
      throw new SpopError(
        'ERR_SPOP_INVALID_FRAME',
        `a length of ${length} bytes, the least is ${leastFrameSize}`,
      )
    }
    return length + lengthSize
  }

  #refuse(bytes: Buffer, at: number, length: number): never {
    const text = bytes.toString('latin1', at, at + 4)
    const hint = /^[ -~]{4}$/.test(text) ? `; it reads "${text}": is that another protocol?` : ''
    throw new SpopError(
      'ERR_SPOP_FRAME_TOO_BIG',
      `${length} bytes announced, the limit is ${this.maxFrameSize}${hint}`,
    )
  }
}
