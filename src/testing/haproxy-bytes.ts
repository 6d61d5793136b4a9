/**
 * What HAProxy puts on the wire, as templates taken from captures of 2.6.12, 3.0.0, 3.2.0 and 3.5-dev5. Written without
 * this package's encoder, so that the two can be compared.
 */
import { Buffer } from 'node:buffer'
import { integer, requireArgument, resolveOptions, string, type Specs } from '../base/options.ts'

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex')

/** Type 1, FIN, no ids. */
const helloHead = hex('01 00000001 00 00')
/** `supported-versions` = "2.0", and the key `max-frame-size` with the head of a UINT32. */
const helloStart = hex(
  '12 737570706f727465642d76657273696f6e73 08 03 322e30 0e 6d61782d6672616d652d73697a65 03',
)
/** The key `capabilities` with the head of a STRING. */
const capabilitiesKey = hex('0c 6361706162696c6974696573 08')
/** The key `engine-id` with the head of a STRING. */
const engineIdKey = hex('09 656e67696e652d6964 08')

/**
 * The health check of `option spop-check`, in all versions: 82 bytes, with no capabilities, no engine-id, and
 * `healthcheck` true.
 */
export const healthCheckBytes: Buffer = hex(
  '0000004e 01 00000001 00 00 12 737570706f727465642d76657273696f6e73 08 03 322e30' +
    '0e 6d61782d6672616d652d73697a65 03 fcf006 0c 6361706162696c6974696573 08 00 0b 6865616c7468636865636b 11',
)

/** What the HAPROXY-HELLO of a version differs in. */
export interface HelloParts {
  /** `pipelining,async` up to 3.0, `pipelining` since 3.1; empty when the options switch them off. */
  readonly capabilities: string
  /** 36 characters: a UUID. */
  readonly engineId: string
  /** Bytes, without the length field. HAProxy's default is 16380. */
  readonly maxFrameSize: number
}

const parts: Specs<HelloParts> = {
  capabilities: string(''),
  engineId: string(''),
  maxFrameSize: integer(0, { max: 0xffff_ffff }),
}

/**
 * A HAPROXY-HELLO: with the defaults, 129 bytes up to 3.0 and 123 since 3.1, without the length field.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function haproxyHelloBytes(given: HelloParts): Buffer {
  const { capabilities, engineId, maxFrameSize } = resolveOptions(parts, given, 'haproxyHelloBytes')
  const isWhole = Object.keys(parts).every((name) => given[name as keyof HelloParts] !== undefined)
  const rule = `must be ${Object.keys(parts).join(', ')}`
  requireArgument(isWhole, 'haproxyHelloBytes: the parts', rule, given)
  return framed(
    helloHead,
    helloStart,
    varint(maxFrameSize),
    capabilitiesKey,
    text(capabilities),
    engineIdKey,
    text(engineId),
  )
}

/**
 * A HAPROXY-DISCONNECT: 37 bytes for "normal", without the length field.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function haproxyDisconnectBytes(status: number, message: string): Buffer {
  const isStatus = Number.isSafeInteger(status) && status >= 0
  requireArgument(isStatus, 'haproxyDisconnectBytes: the status', 'must be a whole number', status)
  requireArgument(
    typeof message === 'string',
    'haproxyDisconnectBytes: the message',
    'must be a string',
    message,
  )
  return framed(
    hex('02 00000001 00 00 0b 7374617475732d636f6465 03'),
    varint(status),
    hex('07 6d657373616765 08'),
    text(message),
  )
}

/**
 * The value of `req.hdrs_bin` and `res.hdrs_bin` (configuration.txt 7.3.6), for arguments of messages: names in lower case and
 * values of one character per byte, each behind its length, and two empty strings at the end.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 * @example
 * ```ts
 * import { createDriver, haproxyHeadersBytes } from 'sluice/testing'
 *
 * const headers = haproxyHeadersBytes([['Host', 'example.com'], ['Accept', 'text/html']])
 * await createDriver(agent).notify('check-headers', { headers })
 * ```
 */
export function haproxyHeadersBytes(headers: readonly (readonly [name: string, value: string])[]): Buffer {
  const isPair = (each: unknown) =>
    Array.isArray(each) && each.length === 2 && each.every((one) => typeof one === 'string')
  const isList = Array.isArray(headers) && headers.every(isPair)
  requireArgument(isList, 'haproxyHeadersBytes: the headers', 'must be pairs of name and value', headers)
  const parts = headers.flatMap(([name, value]) => [text(name.toLowerCase()), text(value)])
  return Buffer.concat([...parts, text(''), text('')])
}

/** Puts the length before the parts. */
export function framed(...parts: readonly Buffer[]): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat([length, ...parts])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([varint(bytes.length), bytes])
}

/** SPOE.txt 3.1: 240 and more take a second byte, and each later byte carries seven bits. */
function varint(value: number): Buffer {
  if (value < 240) return Buffer.of(value)
  const bytes = [(value & 15) | 240]
  let rest = Math.floor((value - 240) / 16)
  for (; rest >= 128; rest = Math.floor((rest - 128) / 128)) bytes.push((rest & 127) | 128)
  return Buffer.of(...bytes, rest)
}
