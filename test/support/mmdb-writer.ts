/**
 * Writes small databases in MaxMind's format (MaxMind DB File Format Specification 2.0): a binary tree of networks, and
 * records. For tests only.
 */
import { parseCidr } from 'sluice'

/** What a record may hold. */
export type MmdbValue =
  | string
  | number
  | boolean
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue }

/** How a database is written. */
export interface MmdbOptions {
  readonly recordSize?: 24 | 28 | 32
  readonly ipVersion?: 4 | 6
  readonly type?: string
  /** What the metadata say of the record size, when that is not true. */
  readonly claimedSize?: number
  /** Seconds since 1970. @default now */
  readonly epoch?: number
}

interface Node {
  readonly sides: [Side, Side]
}
/** A node, the place of a record in the data section, or nothing. */
type Side = Node | number | undefined

/** A double is written for a number with a fraction, and an unsigned integer for others. */
export function writeMmdb(
  entries: readonly (readonly [network: string, record: MmdbValue])[],
  {
    recordSize = 24,
    ipVersion = 6,
    type = 'Test',
    epoch = Math.floor(Date.now() / 1000),
    claimedSize = recordSize,
  }: MmdbOptions = {},
): Buffer {
  const root: Node = { sides: [undefined, undefined] }
  const data: Buffer[] = []
  let length = 0
  for (const [network, record] of entries) {
    insert(root, bitsOf(network, ipVersion), length)
    const encoded = encode(record)
    data.push(encoded)
    length += encoded.length
  }
  const nodes = numberNodes(root)
  const tree = Buffer.concat([...nodes.keys()].map((node) => writeNode(node, nodes, recordSize)))
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: epoch,
    database_type: type,
    description: { en: 'for tests' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.size,
    record_size: claimedSize,
  })
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ])
}

/** IPv4 is the last 32 bits of ::/96 in a tree of IPv6. */
function bitsOf(network: string, ipVersion: 4 | 6): number[] {
  const { bytes, bits } = parseCidr(network) ?? { bytes: new Uint8Array(0), bits: 0 }
  const all = [...bytes]
    .flatMap((byte) => byte.toString(2).padStart(8, '0').split('').map(Number))
    .slice(0, bits)
  return ipVersion === 6 && bytes.length === 4 ? [...Array.from({ length: 96 }, () => 0), ...all] : all
}

function insert(root: Node, bits: readonly number[], place: number): void {
  let node = root
  bits.forEach((bit, index) => {
    if (index === bits.length - 1) {
      node.sides[bit as 0 | 1] = place
      return
    }
    let next = node.sides[bit as 0 | 1]
    if (typeof next !== 'object') {
      next = { sides: [next, next] }
      node.sides[bit as 0 | 1] = next
    }
    node = next
  })
}

function numberNodes(root: Node): Map<Node, number> {
  const numbers = new Map<Node, number>([[root, 0]])
  for (const node of numbers.keys()) {
    for (const side of node.sides) if (typeof side === 'object') numbers.set(side, numbers.size)
  }
  return numbers
}

function writeNode(node: Node, nodes: ReadonlyMap<Node, number>, recordSize: 24 | 28 | 32): Buffer {
  const [left = 0, right = 0] = node.sides.map((side) => {
    if (side === undefined) return nodes.size
    return typeof side === 'number' ? nodes.size + 16 + side : (nodes.get(side) ?? 0)
  })
  const bytes = Buffer.alloc(recordSize / 4)
  if (recordSize === 24) {
    bytes.writeUIntBE(left, 0, 3)
    bytes.writeUIntBE(right, 3, 3)
  } else if (recordSize === 28) {
    bytes.writeUIntBE(left & 0xff_ffff, 0, 3)
    // The upper four bits of both share a byte.
    bytes[3] = ((left >>> 24) << 4) | (right >>> 24)
    bytes.writeUIntBE(right & 0xff_ffff, 4, 3)
  } else {
    bytes.writeUInt32BE(left, 0)
    bytes.writeUInt32BE(right, 4)
  }
  return bytes
}

const kinds = { text: 2, double: 3, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11, boolean: 14 } as const

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([control(kinds.text, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'boolean') return control(kinds.boolean, value ? 1 : 0)
  if (typeof value === 'number') return encodeNumber(value)
  if (Array.isArray(value)) {
    const items = value as readonly MmdbValue[]
    return Buffer.concat([control(kinds.array, items.length), ...items.map(encode)])
  }
  const pairs = Object.entries(value as Readonly<Record<string, MmdbValue>>)
  return Buffer.concat([
    control(kinds.map, pairs.length),
    ...pairs.flatMap(([key, each]) => [encode(key), encode(each)]),
  ])
}

function encodeNumber(value: number): Buffer {
  if (!Number.isInteger(value) || value < 0) {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([control(kinds.double, 8), bytes])
  }
  const digits = value.toString(16)
  const bytes =
    value === 0
      ? Buffer.alloc(0)
      : Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  return Buffer.concat([control(value < 0x1_0000_0000 ? kinds.uint32 : kinds.uint64, bytes.length), bytes])
}

/** The control byte, with what does not fit into it behind it. */
function control(kind: number, size: number): Buffer {
  const [low, more] =
    size < 29 ? [size, []] : size < 285 ? [29, [size - 29]] : [30, [(size - 285) >> 8, (size - 285) & 255]]
  return kind > 7 ? Buffer.of(low, kind - 7, ...more) : Buffer.of((kind << 5) | low, ...more)
}
