/**
 * XXH3 of 64 bits with a seed and the default secret, as the xxHash specification 0.2.0 has it. In BigInt: it is for
 * compatibility of keys, not for speed. All names but a few are the specification's.
 */
import { Buffer } from 'node:buffer'

const prime32x1 = 0x9e37_79b1n
const prime32x2 = 0x85eb_ca77n
const prime32x3 = 0xc2b2_ae3dn
const prime64x1 = 0x9e37_79b1_85eb_ca87n
const prime64x2 = 0xc2b2_ae3d_27d4_eb4fn
const prime64x3 = 0x1656_67b1_9e37_79f9n
const prime64x4 = 0x85eb_ca77_c2b2_ae63n
const prime64x5 = 0x27d4_eb2f_1656_67c5n
const primeMx1 = 0x1656_6791_9e37_79f9n
const primeMx2 = 0x9fb2_1c65_1e98_df25n

const defaultSecret = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)

const low64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotate = (value: bigint, bits: bigint): bigint => low64((value << bits) | (value >> (64n - bits)))
const read32 = (bytes: Buffer, at: number): bigint => BigInt(bytes.readUInt32LE(at))
const read64 = (bytes: Buffer, at: number): bigint => bytes.readBigUInt64LE(at)

/** The halves of the 128-bit product, xored. */
function multiplyFold(a: bigint, b: bigint): bigint {
  const product = a * b
  return low64(product) ^ (product >> 64n)
}

function swap64(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE()
}

function avalanche(hash: bigint): bigint {
  const mixed = low64((hash ^ (hash >> 37n)) * primeMx1)
  return mixed ^ (mixed >> 32n)
}

function avalancheXxh64(hash: bigint): bigint {
  const first = low64((hash ^ (hash >> 33n)) * prime64x2)
  const second = low64((first ^ (first >> 29n)) * prime64x3)
  return second ^ (second >> 32n)
}

/** XXH3 of latin1 text, as an unsigned integer. */
export function xxh3(text: string, seed: bigint): bigint {
  const bytes = Buffer.from(text, 'latin1')
  const start = low64(seed)
  if (bytes.length <= 16) return ofSmall(bytes, start)
  if (bytes.length <= 240) return ofMedium(bytes, start)
  return ofLarge(bytes, start)
}

function ofSmall(bytes: Buffer, seed: bigint): bigint {
  const { length } = bytes
  const secret = (at: number): bigint => read64(defaultSecret, at)
  if (length === 0) return avalancheXxh64(seed ^ secret(56) ^ secret(64))
  if (length <= 3) {
    const [first = 0, middle = 0, last = 0] = [bytes[0], bytes[length >> 1], bytes[length - 1]]
    const combined = BigInt(((first << 16) | (middle << 24) | last | (length << 8)) >>> 0)
    const flip = low64((read32(defaultSecret, 0) ^ read32(defaultSecret, 4)) + seed)
    return avalancheXxh64(combined ^ flip)
  }
  if (length <= 8) {
    const spread = seed ^ (swap64(seed & 0xffff_ffffn) & 0xffff_ffff_0000_0000n)
    const flip = low64((secret(8) ^ secret(16)) - spread)
    const keyed = low64(read32(bytes, length - 4) + (read32(bytes, 0) << 32n)) ^ flip
    const first = low64((keyed ^ rotate(keyed, 49n) ^ rotate(keyed, 24n)) * primeMx2)
    const second = low64((first ^ ((first >> 35n) + BigInt(length))) * primeMx2)
    return second ^ (second >> 28n)
  }
  const low = read64(bytes, 0) ^ low64((secret(24) ^ secret(32)) + seed)
  const high = read64(bytes, length - 8) ^ low64((secret(40) ^ secret(48)) - seed)
  return avalanche(low64(BigInt(length) + swap64(low) + high + multiplyFold(low, high)))
}

function ofMedium(bytes: Buffer, seed: bigint): bigint {
  const { length } = bytes
  const mix = (at: number, secretAt: number): bigint =>
    multiplyFold(
      read64(bytes, at) ^ low64(read64(defaultSecret, secretAt) + seed),
      read64(bytes, at + 8) ^ low64(read64(defaultSecret, secretAt + 8) - seed),
    )
  let sum = BigInt(length) * prime64x1
  if (length <= 128) {
    // Pairs from both ends towards the middle.
    for (let pair = 0; pair * 32 < length; pair++)
      sum += mix(pair * 16, pair * 32) + mix(length - (pair + 1) * 16, pair * 32 + 16)
    return avalanche(low64(sum))
  }
  for (let round = 0; round < 8; round++) sum += mix(round * 16, round * 16)
  sum = avalanche(low64(sum))
  for (let round = 8; round < length >> 4; round++) sum += mix(round * 16, (round - 8) * 16 + 3)
  return avalanche(low64(sum + mix(length - 16, 136 - 17)))
}

const stripe = 64
const stripesOfBlock = 16

function ofLarge(bytes: Buffer, seed: bigint): bigint {
  const { length } = bytes
  const secret = seededSecret(seed)
  const lanes = [prime32x3, prime64x1, prime64x2, prime64x3, prime64x4, prime32x2, prime64x5, prime32x1]
  const lastSecret = secret.length - stripe
  const stripes = Math.floor((length - 1) / stripe)
  for (let number = 0; number < stripes; number++) {
    accumulate(lanes, bytes, number * stripe, secret, (number % stripesOfBlock) * 8)
    if (number % stripesOfBlock === stripesOfBlock - 1) scramble(lanes, secret, lastSecret)
  }
  accumulate(lanes, bytes, length - stripe, secret, lastSecret - 7)
  let sum = BigInt(length) * prime64x1
  for (let pair = 0; pair < 4; pair++)
    sum += multiplyFold(
      (lanes[pair * 2] ?? 0n) ^ read64(secret, 11 + pair * 16),
      (lanes[pair * 2 + 1] ?? 0n) ^ read64(secret, 11 + pair * 16 + 8),
    )
  return avalanche(low64(sum))
}

function seededSecret(seed: bigint): Buffer {
  const secret = Buffer.alloc(defaultSecret.length)
  for (let at = 0; at < secret.length; at += 16) {
    secret.writeBigUInt64LE(low64(read64(defaultSecret, at) + seed), at)
    secret.writeBigUInt64LE(low64(read64(defaultSecret, at + 8) - seed), at + 8)
  }
  return secret
}

function accumulate(lanes: bigint[], bytes: Buffer, from: number, secret: Buffer, secretFrom: number): void {
  for (let lane = 0; lane < 8; lane++) {
    const value = read64(bytes, from + lane * 8)
    const key = value ^ read64(secret, secretFrom + lane * 8)
    lanes[lane ^ 1] = low64((lanes[lane ^ 1] ?? 0n) + value)
    lanes[lane] = low64((lanes[lane] ?? 0n) + (key & 0xffff_ffffn) * (key >> 32n))
  }
}

function scramble(lanes: bigint[], secret: Buffer, secretFrom: number): void {
  for (const [lane, value] of lanes.entries())
    lanes[lane] = low64((value ^ (value >> 47n) ^ read64(secret, secretFrom + lane * 8)) * prime32x1)
}
