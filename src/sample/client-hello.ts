/**
 * The first words of TLS, read from a buffer that nobody decrypts: what a proxy in TCP mode routes by (RFC 8446 sections
 * 4.1.2, 4.2 and 5.1, RFC 6066 section 3, RFC 7301 section 3.1).
 */
import type { Buffer } from 'node:buffer'

/** What a client says before anything is encrypted. */
export interface ClientHello {
  /** The host name that it asks for, latin1. */
  readonly serverName: string | undefined
  /** Application protocols, the one it likes best first. */
  readonly protocols: readonly string[]
  /** Whether it names elliptic curves. */
  readonly curves: boolean
  /** The length of its session ticket; undefined when it does not know of tickets. */
  readonly ticketLength: number | undefined
}

/** `partial`: more bytes may make one of it; `none`: they cannot. */
export type Incomplete = 'partial' | 'none'

const handshake = 0x16
const clientHello = 1

const extensions = { serverName: 0, curves: 10, protocols: 16, ticket: 35 } as const

/** A version, a random value, an empty session id, one cipher, one compression method, and extensions. */
const leastHello = 2 + 32 + 1 + 4 + 2 + 4

/** Reads the message that the buffer begins with, which must be whole within its first record. */
export function readClientHello(bytes: Buffer): ClientHello | Incomplete {
  if (!begins(bytes, 0, (byte) => byte === handshake)) return 'none'
  if (bytes.length < 5) return bytes.length > 2 && bytes.readUInt8(1) < 3 ? 'none' : 'partial'
  const recordLength = bytes.readUInt16BE(3)
  if (bytes.readUInt8(1) < 3 || recordLength < leastHello + 4) return 'none'
  if (!begins(bytes, 5, (byte) => byte === clientHello)) return 'none'
  if (bytes.length < 9) return 'partial'
  const length = bytes.readUIntBE(6, 3)
  if (length < leastHello || recordLength < length + 4) return 'none'
  if (bytes.length < 9 + length) return 'partial'
  try {
    return parseHello(new HelloReader(bytes.subarray(9, 9 + length)))
  } catch (error) {
    if (error instanceof RangeError) return 'none'
    throw error
  }
}

/** Bytes that are not there yet may be anything. */
function begins(bytes: Buffer, at: number, test: (byte: number) => boolean): boolean {
  const byte = bytes[at]
  return byte === undefined || test(byte)
}

/** Hands out vectors; reading beyond the end throws a RangeError, as Buffer does. */
class HelloReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  integer(size: 1 | 2): number {
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at += size
    return value
  }

  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError('a vector is longer than what holds it')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  vector(lengthSize: 1 | 2): HelloReader {
    return new HelloReader(this.take(this.integer(lengthSize)))
  }

  text(lengthSize: 1 | 2): string {
    return this.take(this.integer(lengthSize)).toString('latin1')
  }
}

function parseHello(reader: HelloReader): ClientHello {
  reader.take(2 + 32)
  reader.vector(1)
  reader.vector(2)
  reader.vector(1)
  let serverName: string | undefined
  let protocols: readonly string[] = []
  let curves = false
  let ticketLength: number | undefined
  for (const list = reader.vector(2); !list.atEnd;) {
    const type = list.integer(2)
    const content = list.take(list.integer(2))
    if (type === extensions.serverName) serverName = readServerName(new HelloReader(content))
    else if (type === extensions.protocols) protocols = readProtocols(new HelloReader(content))
    else if (type === extensions.curves) curves = true
    else if (type === extensions.ticket) ticketLength = content.length
  }
  return { serverName, protocols, curves, ticketLength }
}

/** Only the first name counts, and only host names are known. */
function readServerName(reader: HelloReader): string | undefined {
  const list = reader.vector(2)
  return list.integer(1) === 0 ? list.text(2) : undefined
}

function readProtocols(reader: HelloReader): string[] {
  const names: string[] = []
  for (const list = reader.vector(2); !list.atEnd;) names.push(list.text(1))
  return names
}

/**
 * The type of a whole handshake message at the beginning of the buffer: 1 is a ClientHello, 2 a ServerHello
 * (`smp_fetch_ssl_hello_type` in src/payload.c, which takes any record for a handshake).
 */
export function readHandshakeType(bytes: Buffer): number | Incomplete {
  if (!begins(bytes, 0, (byte) => (byte >= 0x14 && byte <= 0x17) || byte === 0xff)) return 'none'
  if (bytes.length < 9) return 'partial'
  if (bytes.readUInt8(1) < 3 || bytes.readUInt16BE(3) < 4) return 'none'
  return bytes.length < 9 + bytes.readUIntBE(6, 3) ? 'partial' : bytes.readUInt8(5)
}
