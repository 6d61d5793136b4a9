/** The first bytes of TLS, put together as RFC 8446 sections 4.1.2 and 5.1 say. */
import { Buffer } from 'node:buffer'

/** What a ClientHello says. */
export interface HelloOptions {
  readonly serverName?: string
  readonly protocols?: readonly string[]
  /** A session ticket, which may be empty. */
  readonly ticket?: string
  readonly curves?: boolean
}

function vector(size: 1 | 2 | 3, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  )
  const length = Buffer.alloc(size)
  length.writeUIntBE(content.length, 0, size)
  return Buffer.concat([length, content])
}

const extension = (type: number, ...content: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat([Buffer.from([0, type]), vector(2, ...content)])

/** A record with a handshake message of this type. */
export function handshakeRecord(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x16, 3, 1]), vector(2, Buffer.from([type]), vector(3, body))])
}

/** A record with a ClientHello. */
export function clientHelloRecord({ serverName, protocols, ticket, curves = true }: HelloOptions): Buffer {
  const extensions: Buffer[] = []
  if (curves) extensions.push(extension(10, vector(2, '\0\x1d\0\x17')))
  if (serverName !== undefined) extensions.push(extension(0, vector(2, '\0', vector(2, serverName))))
  if (ticket !== undefined) extensions.push(extension(35, ticket))
  if (protocols !== undefined)
    extensions.push(extension(16, vector(2, ...protocols.map((name) => vector(1, name)))))
  // Something at the end: HAProxy takes a message for whole four bytes early.
  extensions.push(extension(21, '\0'.repeat(8)))
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    vector(1, 's'.repeat(32)),
    vector(2, '\x13\x01\x13\x02'),
    vector(1, '\0'),
    vector(2, ...extensions),
  ])
  return handshakeRecord(1, body)
}
