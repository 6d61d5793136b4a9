// A grammar of SPOP frames, and a mutator. Frames are written here byte by byte, not by the encoder under test; most are
// right, some have one of the mistakes that peers make.

const edges = [
  0n,
  1n,
  239n,
  240n,
  2287n,
  2288n,
  264431n,
  264432n,
  33818863n,
  33818864n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]

const names = [
  '',
  'a',
  'ip',
  'get-ip-reputation',
  'ip_score',
  '__proto__',
  'constructor',
  'é',
  'n'.repeat(63),
  'n'.repeat(64),
]
const versions = [
  '2.0',
  '2.0, 1.5',
  '1.0',
  '3.0,2.9',
  '',
  'x',
  '2',
  ' 2.0 ',
  '2.0,',
  '999.999',
  '2.0,2.0,2.0',
]
const capabilities = [
  '',
  'pipelining',
  'pipelining,async',
  'fragmentation',
  ' async , pipelining ',
  ',,,',
  'unknown',
]
const helloKeys = [
  'supported-versions',
  'version',
  'max-frame-size',
  'capabilities',
  'healthcheck',
  'engine-id',
  'foo',
  '',
]

/** Makes frames until `room` is used up; one buffer is written again and again, and `take` copies out of it. */
export class FrameWriter {
  #random
  #bytes = Buffer.alloc(65_536)
  #at = 0

  constructor(random) {
    this.#random = random
  }

  /** One frame, its length included, in a buffer of its own. */
  frame() {
    const random = this.#random
    this.#at = 4
    const type = random.once(20) ? random.below(256) : random.pick([0, 1, 2, 3, 3, 3, 101, 102, 103, 103])
    this.#head(type)
    this.#payload(type)
    const length = this.#at - 4
    this.#bytes.writeUInt32BE(
      random.once(100) ? random.pick([0, 6, length - 1, length + 1, 0xffff_ffff]) >>> 0 : length,
      0,
    )
    return Buffer.from(this.#bytes.subarray(0, this.#at))
  }

  #byte(value) {
    this.#bytes[this.#at++] = value
  }

  #head(type) {
    const random = this.#random
    const control = type === 1 || type === 2 || type === 101 || type === 102
    this.#byte(type)
    this.#byte(random.once(200) ? 255 : 0)
    this.#byte(0)
    this.#byte(0)
    if (control) this.#byte(random.once(50) ? random.below(4) : 1)
    else this.#byte(random.once(4) ? random.below(4) : 1)
    if (control && !random.once(50)) {
      this.#byte(0)
      this.#byte(0)
    } else {
      // Few ids, so that fragments meet.
      this.#varint(random.once(10) ? random.pick(edges) : BigInt(random.below(3)))
      this.#varint(random.once(10) ? random.pick(edges) : BigInt(random.below(3)))
    }
  }

  #payload(type) {
    const random = this.#random
    if (random.once(30)) return this.#garbage(random.below(60))
    if (type === 3) for (let count = random.below(4); count > 0; count--) this.#message()
    else if (type === 103) for (let count = random.below(6); count > 0; count--) this.#action()
    else if (type === 1 || type === 101)
      for (let count = random.below(7); count > 0; count--) this.#helloItem()
    else if (type === 2 || type === 102)
      for (let count = random.below(4); count > 0; count--) this.#disconnectItem()
    else this.#garbage(random.below(100))
  }

  #garbage(count) {
    for (; count > 0; count--) this.#byte(this.#random.below(256))
  }

  #varint(value) {
    const random = this.#random
    if (random.once(300)) return this.#longVarint()
    if (value < 240n) return this.#byte(Number(value))
    this.#byte(Number(value & 15n) | 240)
    let rest = (value - 240n) >> 4n
    for (; rest >= 128n; rest = (rest - 128n) >> 7n) this.#byte(Number(rest & 127n) | 128)
    this.#byte(Number(rest))
  }

  /** Of any length up to twelve bytes: too many of them, or too many bits. */
  #longVarint() {
    this.#byte(240 | this.#random.below(16))
    for (let count = this.#random.below(12); count > 0; count--) this.#byte(128 | this.#random.below(128))
    this.#byte(this.#random.below(128))
  }

  #text(text) {
    const length = Buffer.byteLength(text)
    this.#varint(BigInt(this.#random.once(200) ? this.#random.below(20_000) : length))
    this.#at += this.#bytes.write(text, this.#at)
  }

  #binary() {
    const count = this.#random.once(50) ? this.#random.below(2000) : this.#random.below(30)
    this.#varint(BigInt(count))
    this.#garbage(count)
  }

  #value(type = this.#random.once(60) ? this.#random.below(16) : this.#random.below(10)) {
    const random = this.#random
    this.#byte(type | (type === 1 || random.once(40) ? random.below(16) << 4 : 0))
    if (type >= 2 && type <= 5) this.#varint(random.once(2) ? random.pick(edges) : BigInt(random.next()))
    else if (type === 6) this.#garbage(4)
    else if (type === 7) this.#garbage(16)
    else if (type === 8 && random.once(2)) this.#text(random.pick(names))
    else if (type === 8 || type === 9) this.#binary()
  }

  #message() {
    const random = this.#random
    this.#text(random.pick(names))
    const count = random.once(100) ? 255 : random.below(6)
    this.#byte(random.once(50) ? random.below(256) : count)
    for (let index = 0; index < count; index++) {
      this.#text(random.pick(names))
      this.#value(count === 255 ? 0 : undefined)
    }
  }

  #action() {
    const random = this.#random
    const type = random.once(50) ? random.below(256) : 1 + random.below(2)
    this.#byte(type)
    this.#byte(random.once(50) ? random.below(256) : type === 1 ? 3 : 2)
    this.#byte(random.once(50) ? random.below(256) : random.below(5))
    this.#text(random.pick(names))
    if (type === 1 || random.once(50)) this.#value()
  }

  #helloItem() {
    const random = this.#random
    const key = random.pick(helloKeys)
    this.#text(key)
    if (random.once(15)) return this.#value()
    if (key === 'max-frame-size') return this.#value(2 + random.below(4))
    if (key === 'healthcheck') return this.#value(1)
    this.#byte(8)
    this.#text(key.includes('version') ? random.pick(versions) : random.pick(capabilities))
  }

  #disconnectItem() {
    const key = this.#random.pick(['status-code', 'message', 'foo'])
    this.#text(key)
    this.#value(this.#random.once(10) ? undefined : key === 'message' ? 8 : 2 + this.#random.below(4))
  }
}

/** What the fuzzer feeds to a target that says nothing else: frames, a third of them changed. */
export function createFrameGrammar(random) {
  const writer = new FrameWriter(random)
  return {
    next() {
      const bytes = writer.frame()
      return random.once(3) ? mutate(random, bytes) : bytes
    },
  }
}

/** Changes some bytes. */
export function mutateBytes(random, bytes) {
  let changed = bytes
  for (let count = 1 + random.below(3); count > 0; count--) changed = mutateOnce(random, changed)
  return changed
}

/** The same; the length in front is mended half of the time, so that the change is seen behind it. */
export function mutate(random, bytes) {
  const changed = mutateBytes(random, bytes)
  if (changed.length >= 4 && random.once(2)) changed.writeUInt32BE(changed.length - 4, 0)
  return changed
}

function mutateOnce(random, bytes) {
  const at = random.below(bytes.length + 1)
  switch (random.below(6)) {
    case 0: // one bit
      if (at < bytes.length) bytes[at] ^= 1 << random.below(8)
      return bytes
    case 1: // one byte
      if (at < bytes.length) bytes[at] = random.pick([0, 1, 127, 128, 239, 240, 254, 255, random.below(256)])
      return bytes
    case 2: // cut off
      return Buffer.from(bytes.subarray(0, at))
    case 3: // taken out
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))])
    case 4: // put in
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.alloc(1 + random.below(4), random.below(256)),
        bytes.subarray(at),
      ])
    default: // twice
      return Buffer.concat([bytes.subarray(0, at), bytes])
  }
}
