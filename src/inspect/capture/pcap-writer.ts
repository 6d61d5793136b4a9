/**
 * Writes connections as a capture (pcap, as libpcap has it since 2.4) that Wireshark and tcpdump read: IP and TCP headers
 * are made for what a socket has hidden, with handshakes, sequence numbers and checksums.
 */
import { Buffer } from 'node:buffer'
import { parseIp } from '../../net/ip.ts'
import type { Side } from '../entry.ts'

/** Packets begin with their IP header. */
const linkTypeRaw = 101
const snapLength = 262_144
/** The most payload that is put into one packet, in bytes: an IPv4 packet has 65535 at most. */
const mostPayload = 32_768

const nothing = Buffer.alloc(0)

const Flag = { Fin: 1, Syn: 2, Rst: 4, Psh: 8, Ack: 16 } as const

/** One end as IP and TCP know it. */
interface Address {
  readonly ip: Buffer
  readonly port: number
}

interface Written {
  readonly ends: Readonly<Record<Side, Address>>
  /** The next sequence number of each side. */
  readonly next: Record<Side, number>
  readonly over: Set<Side>
}

/** `127.0.0.1:80`, `[::1]:80`; anything else, such as a unix socket, becomes 127.0.0.1 and the port that is given. */
function addressOf(text: string, port: number): Address {
  const match = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text)
  const ip = parseIp((match?.[1] ?? '').replace(/%.*$/, ''))
  if (match === null || ip === undefined) return { ip: Buffer.from([127, 0, 0, 1]), port }
  return { ip: Buffer.from(ip), port: Number(match[2]) }
}

/** IPv4 within IPv6, where the other end is IPv6. */
function alike(one: Address, other: Address): Address {
  if (one.ip.length === other.ip.length || one.ip.length === 16) return one
  return { ...one, ip: Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), one.ip]) }
}

const otherSide = (side: Side): Side => (side === 'client' ? 'server' : 'client')

/** Times are milliseconds since 1970. */
export class PcapWriter {
  readonly #write: (bytes: Buffer) => void
  readonly #connections = new Map<number, Written>()

  /** `write` gets the bytes of the file, in order. */
  constructor(write: (bytes: Buffer) => void) {
    this.#write = write
    const header = Buffer.alloc(24)
    header.writeUInt32LE(0xa1b2_c3d4, 0)
    header.writeUInt16LE(2, 4)
    header.writeUInt16LE(4, 6)
    header.writeUInt32LE(snapLength, 16)
    header.writeUInt32LE(linkTypeRaw, 20)
    write(header)
  }

  /** A connection between two ends, as text; those that have no address get one. */
  open(connection: number, client: string, server: string, time: number): void {
    const ends = {
      client: addressOf(client, 1024 + (connection % 60_000)),
      server: addressOf(server, 12_345),
    }
    const written: Written = {
      ends: { client: alike(ends.client, ends.server), server: alike(ends.server, ends.client) },
      next: { client: 0, server: 0 },
      over: new Set(),
    }
    this.#connections.set(connection, written)
    this.#packet(written, 'client', Flag.Syn, time)
    this.#packet(written, 'server', Flag.Syn | Flag.Ack, time)
    this.#packet(written, 'client', Flag.Ack, time)
  }

  /** Bytes that a side has sent. */
  data(connection: number, from: Side, bytes: Buffer, time: number): void {
    const written = this.#connections.get(connection)
    if (written === undefined || written.over.has(from)) return
    for (let at = 0; at < bytes.length; at += mostPayload) {
      this.#packet(written, from, Flag.Psh | Flag.Ack, time, bytes.subarray(at, at + mostPayload))
    }
  }

  /** A side ends the connection. */
  end(connection: number, from: Side, how: 'fin' | 'reset', time: number): void {
    const written = this.#connections.get(connection)
    if (written === undefined || written.over.has(from)) return
    this.#packet(written, from, (how === 'fin' ? Flag.Fin : Flag.Rst) | Flag.Ack, time)
    written.over.add(from)
    if (how === 'reset' || written.over.size === 2) this.#connections.delete(connection)
  }

  #packet(written: Written, from: Side, flags: number, time: number, payload: Buffer = nothing): void {
    const { ends, next } = written
    const to = otherSide(from)
    const segment = tcpSegment(ends[from], ends[to], next[from], next[to], flags, payload)
    const packet = Buffer.concat([ipHeader(ends[from].ip, ends[to].ip, segment.length), segment])
    // SYN and FIN take a number each.
    const taken = payload.length + ((flags & (Flag.Syn | Flag.Fin)) === 0 ? 0 : 1)
    next[from] = (next[from] + taken) >>> 0
    const header = Buffer.alloc(16)
    const micros = Math.max(0, Math.round(time * 1000))
    header.writeUInt32LE(Math.floor(micros / 1_000_000), 0)
    header.writeUInt32LE(micros % 1_000_000, 4)
    header.writeUInt32LE(packet.length, 8)
    header.writeUInt32LE(packet.length, 12)
    this.#write(Buffer.concat([header, packet]))
  }
}

const tcp = 6

function ipHeader(from: Buffer, to: Buffer, size: number): Buffer {
  if (from.length === 16) {
    const header = Buffer.alloc(8)
    header.writeUInt32BE(0x6000_0000, 0)
    header.writeUInt16BE(size, 4)
    header.writeUInt8(tcp, 6)
    header.writeUInt8(64, 7)
    return Buffer.concat([header, from, to])
  }
  const header = Buffer.alloc(20)
  header.writeUInt8(0x45, 0)
  header.writeUInt16BE(20 + size, 2)
  header.writeUInt16BE(0x4000, 6) // do not fragment
  header.writeUInt8(64, 8)
  header.writeUInt8(tcp, 9)
  from.copy(header, 12)
  to.copy(header, 16)
  header.writeUInt16BE(checksum(header), 10)
  return header
}

function tcpSegment(
  from: Address,
  to: Address,
  sequence: number,
  acknowledged: number,
  flags: number,
  payload: Buffer,
): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(from.port, 0)
  header.writeUInt16BE(to.port, 2)
  header.writeUInt32BE(sequence, 4)
  header.writeUInt32BE((flags & Flag.Ack) === 0 ? 0 : acknowledged, 8)
  header.writeUInt8(5 << 4, 12)
  header.writeUInt8(flags, 13)
  header.writeUInt16BE(65_535, 14)
  const pseudo = Buffer.alloc(8)
  pseudo.writeUInt32BE(header.length + payload.length, 0)
  pseudo.writeUInt32BE(tcp, 4)
  header.writeUInt16BE(checksum(from.ip, to.ip, pseudo, header, payload), 16)
  return Buffer.concat([header, payload])
}

/** The internet checksum (RFC 1071); only the last piece may be of odd length. */
function checksum(...pieces: readonly Buffer[]): number {
  let sum = 0
  for (const piece of pieces) {
    for (let at = 0; at + 1 < piece.length; at += 2) sum += piece.readUInt16BE(at)
    if (piece.length % 2 === 1) sum += (piece.at(-1) as number) << 8 // an odd length is no empty piece
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000)
  return ~sum & 0xffff
}
