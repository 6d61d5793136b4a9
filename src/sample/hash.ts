/**
 * The hashes of HAProxy's converters, each an unsigned 32-bit integer over latin1 text. None is cryptographic; they
 * spread keys. The definitions are public: CRC-32 (IEEE 802.3, RFC 4960 appendix B), sdbm, djb2, XXH32 and XXH64
 * (the xxHash specification 0.1.1), Bob Jenkins' integer hash; wt6 is HAProxy's own (doc/internals/hashing).
 */
import { Buffer } from 'node:buffer'

function crcTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
    return value >>> 0
  })
}

function crc(table: Uint32Array, text: string): number {
  let hash = 0xffff_ffff
  for (let at = 0; at < text.length; at++)
    hash = (hash >>> 8) ^ (table[(hash ^ text.charCodeAt(at)) & 0xff] ?? 0)
  return ~hash >>> 0
}

const ieee = crcTable(0xedb8_8320)
const castagnoli = crcTable(0x82f6_3b78)

/** CRC-32 as in zlib. */
export function crc32(text: string): number {
  return crc(ieee, text)
}

/** CRC-32C. */
export function crc32c(text: string): number {
  return crc(castagnoli, text)
}

/** sdbm: each byte plus 65599 times the hash so far. */
export function sdbm(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (text.charCodeAt(at) + Math.imul(hash, 65599)) | 0
  return hash >>> 0
}

/** djb2: starts at 5381; 33 times the hash so far plus each byte. */
export function djb2(text: string): number {
  let hash = 5381
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 33) + text.charCodeAt(at)) | 0
  return hash >>> 0
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

/** HAProxy's wt6: two words that are mixed and rotated by amounts taken from themselves. */
export function wt6(text: string): number {
  let high = 0xa53c_965a | 0
  let low = 0x5ca6_953a | 0
  let first = 6
  let second = 18
  for (let at = 0; at < text.length; at++) {
    const byte = text.charCodeAt(at)
    high = ~(high ^ byte)
    low = ~(low + byte)
    const turned = rotate(low, first)
    low = rotate(high, second)
    high = turned
    const mixed = ((high >>> 16) ^ low) & 0xffff
    first = mixed & 31
    second = mixed >>> 11
  }
  return (high ^ low) >>> 0
}

/** Spreads each bit of a 32-bit integer over all others: Jenkins' integer hash, then a multiplication. */
export function avalanche(value: number): number {
  let a = value | 0
  a = (a + 0x7ed5_5d16 + (a << 12)) | 0
  a = a ^ 0xc761_c23c ^ (a >>> 19)
  a = (a + 0x1656_67b1 + (a << 5)) | 0
  a = ((a + 0xd3a2_646c) | 0) ^ (a << 9)
  a = (a + 0xfd70_46c5 + (a << 3)) | 0
  a = a ^ 0xb55a_4f09 ^ (a >>> 16)
  return Math.imul(a, 3_221_225_473) >>> 0
}

const p1 = 0x9e37_79b1
const p2 = 0x85eb_ca77
const p3 = 0xc2b2_ae3d
const p4 = 0x27d4_eb2f
const p5 = 0x1656_67b1

/** XXH32 with a seed. */
export function xxh32(text: string, seed: number): number {
  const bytes = Buffer.from(text, 'latin1')
  const { length } = bytes
  let at = 0
  let hash = (seed + p5) | 0
  if (length >= 16) {
    const lanes = [seed + p1 + p2, seed + p2, seed, seed - p1].map((lane) => lane | 0)
    for (; at <= length - 16; at += 16)
      for (let lane = 0; lane < 4; lane++)
        lanes[lane] = Math.imul(
          rotate((lanes[lane] ?? 0) + Math.imul(bytes.readUInt32LE(at + lane * 4), p2), 13),
          p1,
        )
    const [a = 0, b = 0, c = 0, d = 0] = lanes
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
  }
  hash = (hash + length) | 0
  for (; at <= length - 4; at += 4)
    hash = Math.imul(rotate((hash + Math.imul(bytes.readUInt32LE(at), p3)) | 0, 17), p4)
  for (; at < length; at++) hash = Math.imul(rotate((hash + Math.imul(bytes[at] ?? 0, p5)) | 0, 11), p1)
  hash = Math.imul(hash ^ (hash >>> 15), p2)
  hash = Math.imul(hash ^ (hash >>> 13), p3)
  return (hash ^ (hash >>> 16)) >>> 0
}

const q1 = 0x9e37_79b1_85eb_ca87n
const q2 = 0xc2b2_ae3d_27d4_eb4fn
const q3 = 0x1656_67b1_9e37_79f9n
const q4 = 0x85eb_ca77_c2b2_ae63n
const q5 = 0x27d4_eb2f_1656_67c5n

const low64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotate64 = (value: bigint, bits: bigint): bigint => low64((value << bits) | (value >> (64n - bits)))
const round64 = (lane: bigint, input: bigint): bigint => low64(rotate64(low64(lane + input * q2), 31n) * q1)

/** XXH64 with a seed, as an unsigned integer. */
export function xxh64(text: string, seed: bigint): bigint {
  const bytes = Buffer.from(text, 'latin1')
  const start = low64(seed)
  let at = 0
  let hash = low64(start + q5)
  if (bytes.length >= 32) {
    const lanes = [start + q1 + q2, start + q2, start, start - q1].map(low64)
    for (; at <= bytes.length - 32; at += 32)
      for (let lane = 0; lane < 4; lane++)
        lanes[lane] = round64(lanes[lane] ?? 0n, bytes.readBigUInt64LE(at + lane * 8))
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes
    hash = low64(rotate64(a, 1n) + rotate64(b, 7n) + rotate64(c, 12n) + rotate64(d, 18n))
    for (const lane of lanes) hash = low64((hash ^ round64(0n, lane)) * q1 + q4)
  }
  return finish64(low64(hash + BigInt(bytes.length)), bytes.subarray(at))
}

function finish64(start: bigint, tail: Buffer): bigint {
  let hash = start
  let at = 0
  for (; at <= tail.length - 8; at += 8)
    hash = low64(rotate64(hash ^ round64(0n, tail.readBigUInt64LE(at)), 27n) * q1 + q4)
  for (; at <= tail.length - 4; at += 4)
    hash = low64(rotate64(hash ^ low64(BigInt(tail.readUInt32LE(at)) * q1), 23n) * q2 + q3)
  for (; at < tail.length; at++) hash = low64(rotate64(hash ^ low64(BigInt(tail[at] ?? 0) * q5), 11n) * q1)
  hash = low64((hash ^ (hash >> 33n)) * q2)
  hash = low64((hash ^ (hash >> 29n)) * q3)
  return hash ^ (hash >> 32n)
}
