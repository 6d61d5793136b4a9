/** Captures as packets: pcap in both byte orders, with micro- and nanoseconds, and the blocks of pcapng that hold packets. */
import { UsageError } from '../../base/errors.ts'

/** A packet as it was captured. */
export interface Packet {
  /** Milliseconds since 1970. */
  readonly time: number
  /** A LINKTYPE of libpcap: what the bytes begin with. */
  readonly linkType: number
  readonly bytes: Buffer
}

/** Whether the bytes begin as a capture does; if not, they may be text. */
export function isCapture(file: Buffer): boolean {
  return file.length >= 4 && (pcapForm(file) !== undefined || file.readUInt32BE(0) === sectionHeader)
}

/**
 * Reads a capture. One that was cut, as while it is being written, ends before the packet that is not whole.
 * @throws UsageError `ERR_SLUICE_OPTION` for what is no capture.
 */
export function readPackets(file: Buffer): Packet[] {
  const form = file.length >= 24 ? pcapForm(file) : undefined
  if (form !== undefined) return readPcap(file, form)
  if (file.length >= 12 && file.readUInt32BE(0) === sectionHeader) return readPcapng(file)
  throw new UsageError('ERR_SLUICE_OPTION', 'this is neither pcap nor pcapng')
}

interface Form {
  readonly little: boolean
  /** Parts of a second. */
  readonly parts: number
}

function pcapForm(file: Buffer): Form | undefined {
  for (const little of [true, false]) {
    const magic = little ? file.readUInt32LE(0) : file.readUInt32BE(0)
    if (magic === 0xa1b2_c3d4) return { little, parts: 1e6 }
    if (magic === 0xa1b2_3c4d) return { little, parts: 1e9 }
  }
  return undefined
}

const reader32 = (file: Buffer, little: boolean) => (at: number) =>
  little ? file.readUInt32LE(at) : file.readUInt32BE(at)
const reader16 = (file: Buffer, little: boolean) => (at: number) =>
  little ? file.readUInt16LE(at) : file.readUInt16BE(at)

function readPcap(file: Buffer, { little, parts }: Form): Packet[] {
  const uint32 = reader32(file, little)
  // The upper bits tell of a checksum behind the frame.
  const linkType = uint32(20) & 0xffff
  const packets: Packet[] = []
  for (let at = 24; at + 16 <= file.length;) {
    const size = uint32(at + 8)
    const end = at + 16 + size
    if (end > file.length) break
    const time = uint32(at) * 1000 + (uint32(at + 4) * 1000) / parts
    packets.push({ time, linkType, bytes: file.subarray(at + 16, end) })
    at = end
  }
  return packets
}

const sectionHeader = 0x0a0d_0d0a
const byteOrderMagic = 0x1a2b_3c4d
/** Types of blocks. */
const Block = { Interface: 1, ObsoletePacket: 2, SimplePacket: 3, EnhancedPacket: 6 } as const

interface Interface {
  readonly linkType: number
  readonly snapLength: number
  /** Parts of a second. */
  readonly parts: number
  /** Seconds that are added to each time. */
  readonly offset: number
}

interface Section {
  readonly little: boolean
  readonly interfaces: Interface[]
}

function readPcapng(file: Buffer): Packet[] {
  const packets: Packet[] = []
  let section: Section = { little: false, interfaces: [] }
  for (let at = 0; at + 12 <= file.length;) {
    // The type of a section header reads alike in both orders.
    if (file.readUInt32BE(at) === sectionHeader) {
      section = { little: file.readUInt32LE(at + 8) === byteOrderMagic, interfaces: [] }
    }
    const uint32 = reader32(file, section.little)
    const size = uint32(at + 4)
    if (size < 12 || size % 4 !== 0 || at + size > file.length) break
    readBlock(file.subarray(at, at + size), uint32(at), section, packets)
    at += size
  }
  return packets
}

function readBlock(block: Buffer, type: number, section: Section, packets: Packet[]): void {
  const uint32 = reader32(block, section.little)
  switch (type) {
    case Block.Interface:
      if (block.length >= 20) section.interfaces.push(readInterface(block, section.little))
      return
    case Block.EnhancedPacket:
    case Block.ObsoletePacket: {
      if (block.length < 32) return
      const id = type === Block.EnhancedPacket ? uint32(8) : reader16(block, section.little)(8)
      const from = section.interfaces[id]
      if (from === undefined) return
      const ticks = uint32(12) * 0x1_0000_0000 + uint32(16)
      const time = (from.offset + ticks / from.parts) * 1000
      push(block, 28, uint32(20), time, from)
      return
    }
    case Block.SimplePacket: {
      const [from] = section.interfaces
      if (from !== undefined && block.length >= 16)
        push(block, 12, Math.min(uint32(8), from.snapLength), 0, from)
      return
    }
  }

  function push(source: Buffer, at: number, size: number, time: number, { linkType }: Interface): void {
    if (at + size > source.length - 4) return
    packets.push({ time, linkType, bytes: source.subarray(at, at + size) })
  }
}

/** Codes of options of an interface. */
const Option = { End: 0, Resolution: 9, Offset: 14 } as const

function readInterface(block: Buffer, little: boolean): Interface {
  const uint16 = reader16(block, little)
  let parts = 1e6
  let offset = 0
  for (let at = 16; at + 4 <= block.length - 4;) {
    const code = uint16(at)
    const size = uint16(at + 2)
    const value = at + 4
    if (code === Option.End || value + size > block.length) break
    if (code === Option.Resolution && size >= 1) parts = partsOf(block[value] as number) // it is there
    if (code === Option.Offset && size === 8) {
      offset = Number(little ? block.readBigInt64LE(value) : block.readBigInt64BE(value))
    }
    at = value + Math.ceil(size / 4) * 4
  }
  // No limit is written as 0.
  return { linkType: uint16(8), snapLength: reader32(block, little)(12) || Infinity, parts, offset }
}

/** A power of ten, or of two with the top bit. */
function partsOf(resolution: number): number {
  return (resolution & 0x80) === 0 ? 10 ** resolution : 2 ** (resolution & 0x7f)
}
