/**
 * What can go wrong in SPOP: the status codes of SPOE.txt section 3.5, and one error class with one catalogue.
 */
import { SluiceError, withDetail, type ErrorAbout } from '../base/errors.ts'
import { refuseArgument } from '../base/options.ts'

/** Status codes of DISCONNECT frames (SPOE.txt 3.5). Agents may use codes of their own too. */
export const StatusCode = {
  Normal: 0,
  Io: 1,
  Timeout: 2,
  FrameTooBig: 3,
  InvalidFrame: 4,
  NoVersion: 5,
  NoMaxFrameSize: 6,
  NoCapabilities: 7,
  UnsupportedVersion: 8,
  BadMaxFrameSize: 9,
  FragmentationNotSupported: 10,
  InterlacedFrames: 11,
  FrameIdNotFound: 12,
  ResourceAllocation: 13,
  Unknown: 99,
} as const

/** One of the known status codes. */
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode]

/** Every code that this layer throws, with the status that a DISCONNECT frame carries for it. */
export const spopFaults = {
  ERR_SPOP_FRAME_TOO_BIG: { status: StatusCode.FrameTooBig, message: 'frame is too big' },
  ERR_SPOP_PAYLOAD_TOO_BIG: { status: StatusCode.FrameTooBig, message: 'fragmented payload is too big' },
  ERR_SPOP_INVALID_FRAME: { status: StatusCode.InvalidFrame, message: 'invalid frame received' },
  ERR_SPOP_TRUNCATED: { status: StatusCode.InvalidFrame, message: 'frame ends inside a value' },
  ERR_SPOP_VARINT: { status: StatusCode.InvalidFrame, message: 'invalid variable-length integer' },
  ERR_SPOP_DATA_TYPE: { status: StatusCode.InvalidFrame, message: 'unknown data type' },
  ERR_SPOP_NO_VERSION: { status: StatusCode.NoVersion, message: 'version value not found' },
  ERR_SPOP_NO_MAX_FRAME_SIZE: {
    status: StatusCode.NoMaxFrameSize,
    message: 'max-frame-size value not found',
  },
  ERR_SPOP_NO_CAPABILITIES: { status: StatusCode.NoCapabilities, message: 'capabilities value not found' },
  ERR_SPOP_UNSUPPORTED_VERSION: { status: StatusCode.UnsupportedVersion, message: 'unsupported version' },
  ERR_SPOP_BAD_MAX_FRAME_SIZE: {
    status: StatusCode.BadMaxFrameSize,
    message: 'max-frame-size too big or too small',
  },
  ERR_SPOP_FRAGMENTATION: {
    status: StatusCode.FragmentationNotSupported,
    message: 'payload fragmentation is not supported',
  },
  ERR_SPOP_INTERLACED: { status: StatusCode.InterlacedFrames, message: 'invalid interlaced frames' },
  ERR_SPOP_FRAME_ID_NOT_FOUND: { status: StatusCode.FrameIdNotFound, message: 'frame-id not found' },
  ERR_SPOP_VALUE: { status: StatusCode.InvalidFrame, message: 'a value cannot be sent' },
} as const satisfies Record<string, { status: number; message: string }>

/** A code of {@link spopFaults}. */
export type SpopErrorCode = keyof typeof spopFaults

/** A violation of the protocol; `status` is what a DISCONNECT frame says about it. */
export class SpopError extends SluiceError<SpopErrorCode> {
  /** The status code for the wire, see {@link StatusCode}. */
  readonly status: number

  constructor(code: SpopErrorCode, detail?: string, about: Pick<ErrorAbout, 'fault' | 'cause'> = {}) {
    const { status, message } = spopFaults[code]
    super(code, withDetail(message, detail), { fault: about.fault ?? 'peer', cause: about.cause })
    this.status = status
  }
}

const statusTexts = new Map<number, string>([
  [StatusCode.Normal, 'normal'],
  [StatusCode.Io, 'I/O error'],
  [StatusCode.Timeout, 'a timeout occurred'],
  [StatusCode.FrameTooBig, 'frame is too big'],
  [StatusCode.InvalidFrame, 'invalid frame received'],
  [StatusCode.NoVersion, 'version value not found'],
  [StatusCode.NoMaxFrameSize, 'max-frame-size value not found'],
  [StatusCode.NoCapabilities, 'capabilities value not found'],
  [StatusCode.UnsupportedVersion, 'unsupported version'],
  [StatusCode.BadMaxFrameSize, 'max-frame-size too big or too small'],
  [StatusCode.FragmentationNotSupported, 'payload fragmentation is not supported'],
  [StatusCode.InterlacedFrames, 'invalid interlaced frames'],
  [StatusCode.FrameIdNotFound, 'frame-id not found'],
  [StatusCode.ResourceAllocation, 'resource allocation error'],
  [StatusCode.Unknown, 'an unknown error occurred'],
])

/** The sentence of SPOE.txt 3.5 for a status code. */
export function statusText(status: number): string {
  if (typeof status !== 'number') refuseArgument('statusText: the status', 'must be a number', status)
  return statusTexts.get(status) ?? `status ${status}`
}
