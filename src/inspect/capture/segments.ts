/** From a captured packet to what TCP says in it: link layer, IP, TCP. Everything else is passed over. */
import { IpAddress } from '../../net/ip-address.ts'
import type { Packet } from './packets.ts'

/** A segment of TCP. */
export interface Segment {
  /** Milliseconds since 1970. */
  readonly time: number
  /** `192.0.2.1:80`, `[2001:db8::1]:80`. */
  readonly from: string
  readonly to: string
  readonly fromPort: number
  readonly toPort: number
  readonly sequence: number
  /** What counts with `ack` only. */
  readonly acknowledged: number
  readonly syn: boolean
  readonly ack: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly payload: Buffer
  /** Bytes of payload that were sent: more than `payload` has when the capture was limited. */
  readonly size: number
}

/** LINKTYPE_… of libpcap. */
const Link = {
  Null: 0,
  Ethernet: 1,
  Raw: 101,
  Loop: 108,
  LinuxSll: 113,
  Ipv4: 228,
  Ipv6: 229,
  LinuxSll2: 276,
} as const

/** The segment in a packet; undefined when it holds none that can be read. */
export function readSegment(packet: Packet): Segment | undefined {
  const ip = ipOf(packet)
  const first = ip?.[0]
  if (ip === undefined || first === undefined) return undefined
  return first >> 4 === 4
    ? readIpv4(ip, packet.time)
    : first >> 4 === 6
      ? readIpv6(ip, packet.time)
      : undefined
}

/** Whether libpcap's number is one that can be read. */
export function isKnownLink(linkType: number): boolean {
  return linkType === 12 || linkType === 14 || Object.values<number>(Link).includes(linkType)
}

function ipOf({ linkType, bytes }: Packet): Buffer | undefined {
  switch (linkType) {
    case Link.Null:
    case Link.Loop:
      return bytes.subarray(4)
    case Link.Ethernet:
      return behindEtherType(bytes, 12)
    case Link.LinuxSll:
      return behindEtherType(bytes, 14)
    case Link.LinuxSll2:
      return bytes.subarray(20)
    case 12: // what LINKTYPE_RAW is called on some systems
    case 14:
    case Link.Raw:
    case Link.Ipv4:
    case Link.Ipv6:
      return bytes
    default:
      return undefined
  }
}

/** Tags of VLANs are passed over. */
function behindEtherType(bytes: Buffer, at: number): Buffer | undefined {
  for (let place = at; place + 2 <= bytes.length; place += 4) {
    const type = bytes.readUInt16BE(place)
    if (type === 0x8100 || type === 0x88a8) continue
    return type === 0x0800 || type === 0x86dd ? bytes.subarray(place + 2) : undefined
  }
  return undefined
}

const tcp = 6

function readIpv4(ip: Buffer, time: number): Segment | undefined {
  if (ip.length < 20 || ip[9] !== tcp) return undefined
  // Fragments of IP: TCP avoids them.
  if ((ip.readUInt16BE(6) & 0x3fff) !== 0) return undefined
  const headerSize = ((ip[0] as number) & 15) * 4 // 20 bytes are there
  // A card that cuts segments itself (TSO) leaves the length to be filled in.
  const total = ip.readUInt16BE(2) || ip.length
  const address = (at: number) => IpAddress.fromUint32(ip.readUInt32BE(at)).toString()
  return readTcp(ip.subarray(headerSize, total), total - headerSize, address(12), address(16), time)
}

/** Extension headers that say how long they are: hop by hop, routing, destination. */
const extensions: readonly number[] = [0, 43, 60]

function readIpv6(ip: Buffer, time: number): Segment | undefined {
  if (ip.length < 40) return undefined
  const total = (ip.readUInt16BE(4) || ip.length - 40) + 40
  let next = ip[6] as number // 40 bytes are there
  let at = 40
  while (extensions.includes(next) && at + 8 <= ip.length) {
    next = ip[at] as number // the loop has checked
    at += ((ip[at + 1] as number) + 1) * 8
  }
  if (next !== tcp) return undefined
  const address = (from: number) => `[${formatIpv6(ip, from)}]`
  return readTcp(ip.subarray(at, total), total - at, address(8), address(24), time)
}

function formatIpv6(ip: Buffer, at: number): string {
  const word = (index: number) => ip.readUInt32BE(at + index * 4)
  return IpAddress.fromWords(word(0), word(1), word(2), word(3)).toString()
}

function readTcp(bytes: Buffer, total: number, from: string, to: string, time: number): Segment | undefined {
  if (bytes.length < 20) return undefined
  const flags = bytes[13] as number // 20 bytes are there
  const headerSize = ((bytes[12] as number) >> 4) * 4
  if (headerSize < 20 || headerSize > total) return undefined
  const fromPort = bytes.readUInt16BE(0)
  const toPort = bytes.readUInt16BE(2)
  return {
    time,
    from: `${from}:${fromPort}`,
    to: `${to}:${toPort}`,
    fromPort,
    toPort,
    sequence: bytes.readUInt32BE(4),
    acknowledged: bytes.readUInt32BE(8),
    fin: (flags & 1) !== 0,
    syn: (flags & 2) !== 0,
    rst: (flags & 4) !== 0,
    ack: (flags & 16) !== 0,
    payload: bytes.subarray(headerSize),
    size: total - headerSize,
  }
}
