/**
 * An agent in raw bytes that is not ours: it keeps every rule, except those that it is told to break, one defect each,
 * as agents in the wild do.
 */
import type { Duplex } from 'node:stream'
import { hex } from '../support/peer.ts'

/** What may be wrong with it. */
export type Defect =
  | 'split-hello'
  | 'no-capabilities'
  | 'announces-async'
  | 'exact-version'
  | 'any-version'
  | 'prefix-keys'
  | 'only-uint32'
  | 'healthcheck-by-presence'
  | 'no-size-check'
  | 'status-99'
  | 'ids-as-doubles'
  | 'stream-0-is-none'
  | 'silent-without-handler'
  | 'signed-nb-args'
  | 'ignores-nb-args'
  | 'unset-with-null'
  | 'ack-too-big'
  | 'ack-in-pieces'
  | 'ack-twice'
  | 'mixes-frames'
  | 'little-endian-flags'
  | 'one-frame-per-read'
  | 'one-connection-at-a-time'
  | 'no-farewell'
  | 'dies-of-http'
  | 'fragments-alone'
  | 'never-closes'

/** A value on the wire, as far as this agent cares. */
interface Item {
  readonly name: string
  readonly type: number
  readonly number: bigint
  readonly text: string
}

/** A peer's violation: the status of DISCONNECT. */
class Violation extends Error {
  readonly status: number

  constructor(status: number) {
    super(`status ${status}`)
    this.status = status
  }
}

class Cursor {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  take(count: number): Buffer {
    if (count > this.left) throw new Violation(4)
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  byte(): number {
    return this.take(1).readUInt8()
  }

  varint(): bigint {
    let byte = this.byte()
    let value = BigInt(byte)
    if (byte < 240) return value
    for (let shift = 4n, count = 1; ; shift += 7n, count++) {
      if (count === 10) throw new Violation(4)
      byte = this.byte()
      value += BigInt(byte) << shift
      if (byte < 128) return value
    }
  }

  string(): string {
    const size = this.varint()
    if (size > BigInt(this.left)) throw new Violation(4)
    return this.take(Number(size)).toString('latin1')
  }

  item(): Item {
    const name = this.string()
    const head = this.byte()
    const type = head & 15
    const item = { name, type, number: 0n, text: '' }
    if (type === 0) return item
    if (type === 1) return { ...item, number: BigInt(head >> 4) }
    if (type <= 5) return { ...item, number: this.varint() }
    if (type === 6 || type === 7) return { ...item, text: this.take(type === 6 ? 4 : 16).toString('hex') }
    if (type === 8 || type === 9) return { ...item, text: this.string() }
    throw new Violation(4)
  }
}

function varint(value: bigint): Buffer {
  if (value < 240n) return Buffer.of(Number(value))
  const bytes = [Number(value & 15n) | 240]
  let rest = (value - 240n) >> 4n
  for (; rest >= 128n; rest = (rest - 128n) >> 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.of(...bytes, Number(rest))
}

function framed(...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content])
}

const text = (value: string) => Buffer.concat([varint(BigInt(value.length)), Buffer.from(value, 'latin1')])
const ownSize = 16_380n

/** See the head of this file. Its message is `m`, with the argument `ip`. */
export class RawAgent {
  readonly #defects: ReadonlySet<Defect>
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #dead = false

  constructor(...defects: Defect[]) {
    this.#defects = new Set(defects)
  }

  has(defect: Defect): boolean {
    return this.#defects.has(defect)
  }

  die(): void {
    this.#dead = true
  }

  accept(stream: Duplex): void {
    if (this.#dead) {
      stream.destroy()
      throw Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' })
    }
    stream.on('error', () => {})
    if (!this.has('one-connection-at-a-time')) {
      new RawConnection(this, stream)
      return
    }
    stream.pause()
    const serve = () => {
      this.#busy++
      new RawConnection(this, stream)
      stream.once('close', () => {
        this.#busy--
        this.#waiting.shift()?.()
      })
      stream.resume()
    }
    if (this.#busy === 0) serve()
    else this.#waiting.push(serve)
  }
}

class RawConnection {
  readonly #agent: RawAgent
  readonly #stream: Duplex
  #buffer: Buffer = Buffer.alloc(0)
  #max = ownSize
  #greeted = false
  #left = false
  #held: Buffer[] = []

  constructor(agent: RawAgent, stream: Duplex) {
    this.#agent = agent
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => {
      if (this.#left) return
      this.#buffer = Buffer.concat([this.#buffer, chunk])
      try {
        this.#read()
      } catch (error) {
        if (!(error instanceof Violation)) throw error
        this.#leave(error.status)
      }
    })
    stream.on('end', () => stream.end())
  }

  #read(): void {
    for (;;) {
      if (this.#left || this.#buffer.length < 4) return
      const length = this.#buffer.readUInt32BE()
      if (this.#agent.has('dies-of-http') && this.#buffer.toString('latin1', 0, 4) === 'GET ') {
        this.#agent.die()
        this.#stream.destroy()
        return
      }
      if (!this.#agent.has('no-size-check')) {
        if (BigInt(length) > this.#max) throw new Violation(3)
        if (length < 7) throw new Violation(4)
      }
      if (this.#buffer.length < length + 4) return
      const frame = this.#buffer.subarray(4, 4 + length)
      this.#buffer = this.#agent.has('one-frame-per-read')
        ? Buffer.alloc(0)
        : this.#buffer.subarray(4 + length)
      this.#onFrame(frame)
    }
  }

  #onFrame(frame: Buffer): void {
    const cursor = new Cursor(frame, 0)
    const type = cursor.byte()
    const flags = cursor.take(4)
    const isFin = this.#agent.has('little-endian-flags') ? flags.readUInt32LE() & 1 : flags.readUInt32BE() & 1
    const ids = [cursor.varint(), cursor.varint()]
    if (type === 1) return this.#onHello(cursor, isFin === 1 && ids[0] === 0n && ids[1] === 0n)
    if (type === 2) return this.#agent.has('no-farewell') ? this.#end() : this.#leave(0)
    if (!this.#greeted || type > 100) throw new Violation(4)
    if (type === 0) {
      if (!this.#agent.has('fragments-alone')) throw new Violation(12)
      return this.#onNotify(cursor, ids)
    }
    if (type !== 3) return
    if (isFin === 0 && !this.#agent.has('fragments-alone')) throw new Violation(10)
    this.#onNotify(cursor, ids)
  }

  #onHello(cursor: Cursor, whole: boolean): void {
    if (!whole || this.#greeted) throw new Violation(4)
    const items: Item[] = []
    while (cursor.left > 0) items.push(cursor.item())
    const prefix = this.#agent.has('prefix-keys')
    const find = (name: string) =>
      items.find((item) => (prefix ? item.name.startsWith(name) : item.name === name))
    const versions = find('supported-versions')
    if (versions === undefined) throw new Violation(5)
    const size = find('max-frame-size')
    if (size === undefined) throw new Violation(6)
    if (size.type < 2 || size.type > 5 || (this.#agent.has('only-uint32') && size.type !== 3))
      throw new Violation(4)
    const capabilities = find('capabilities')
    if (capabilities === undefined) throw new Violation(7)
    if (!this.#isSupported(versions.text)) throw new Violation(8)
    if (size.number < 256n) throw new Violation(9)
    this.#max = size.number < ownSize ? size.number : ownSize
    this.#greeted = true
    this.#greet(capabilities.text)
    const check = find('healthcheck')
    if (check !== undefined && (check.number === 1n || this.#agent.has('healthcheck-by-presence')))
      this.#end()
  }

  #isSupported(versions: string): boolean {
    if (this.#agent.has('any-version')) return true
    if (this.#agent.has('exact-version')) return versions === '2.0'
    const list = versions.split(',').map((each) => each.trim())
    return list.every((each) => /^\d+\.\d+$/.test(each)) && list.some((each) => each.startsWith('2.'))
  }

  #greet(theirs: string): void {
    const ours = theirs.includes('pipelining') ? ['pipelining'] : []
    if (this.#agent.has('announces-async')) ours.push('async')
    if (this.#agent.has('fragments-alone')) ours.push('fragmentation')
    const keys = [
      hex('65 00000001 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03'),
      varint(this.#max),
      ...(this.#agent.has('no-capabilities') ? [] : [hex('0c "capabilities" 08'), text(ours.join(','))]),
    ]
    const bytes = framed(...keys)
    if (!this.#agent.has('split-hello')) {
      this.#stream.write(bytes)
      return
    }
    this.#stream.write(bytes.subarray(0, 13))
    setTimeout(() => this.#stream.write(bytes.subarray(13)), 2)
  }

  #onNotify(cursor: Cursor, ids: readonly bigint[]): void {
    const actions: Buffer[] = []
    let known = false
    while (cursor.left > 0) {
      const name = cursor.string()
      let count = cursor.byte()
      if (this.#agent.has('signed-nb-args') && count > 127) throw new Violation(4)
      if (this.#agent.has('ignores-nb-args')) count = Number.POSITIVE_INFINITY
      const ip = this.#arguments(cursor, count).find((item) => item.name === 'ip')
      if (name !== 'm' || ip === undefined) continue
      known = true
      actions.push(hex('01 03 01 02 "ip" 08'), text(ip.text), hex('02 02 02 03 "old"'))
      if (this.#agent.has('unset-with-null')) actions.push(Buffer.of(0))
      if (this.#agent.has('ack-too-big')) actions.push(hex('01 03 01 03 "big" 09 ff 01'), Buffer.alloc(271))
    }
    if (!known && this.#agent.has('silent-without-handler')) return
    if (this.#agent.has('stream-0-is-none') && ids[0] === 0n) return
    this.#answer(ids, Buffer.concat(actions))
  }

  #arguments(cursor: Cursor, count: number): Item[] {
    const items: Item[] = []
    while (items.length < count) {
      if (count === Number.POSITIVE_INFINITY && cursor.left === 0) break
      items.push(cursor.item())
    }
    return items
  }

  #answer(ids: readonly bigint[], actions: Buffer): void {
    const doubles = this.#agent.has('ids-as-doubles')
    const echoed = ids.map((id) => varint(doubles ? BigInt(Number(id)) & (2n ** 64n - 1n) : id))
    let bytes = framed(hex('67 00000001'), ...echoed, actions)
    // Set only what fits, as every agent should.
    if (BigInt(bytes.length - 4) > this.#max && !this.#agent.has('ack-too-big')) {
      bytes = framed(hex('67 00000001'), ...echoed)
    }
    if (this.#agent.has('mixes-frames')) return this.#mix(bytes)
    if (this.#agent.has('ack-in-pieces')) {
      this.#stream.write(bytes.subarray(0, 5))
      this.#stream.write(bytes.subarray(5))
      return
    }
    this.#stream.write(bytes)
    if (this.#agent.has('ack-twice')) this.#stream.write(bytes)
  }

  /** Two writers on one socket, each frame in two writes. */
  #mix(bytes: Buffer): void {
    this.#held.push(bytes)
    if (this.#held.length > 1) return
    setImmediate(() => {
      const held = this.#held
      this.#held = []
      for (const each of held) this.#stream.write(each.subarray(0, 4))
      for (const each of held) this.#stream.write(each.subarray(4))
    })
  }

  #leave(status: number): void {
    this.#left = true
    const code = status !== 0 && this.#agent.has('status-99') ? 99 : status
    this.#stream.write(
      framed(hex('66 00000001 00 00 0b "status-code" 03'), Buffer.of(code), hex('07 "message" 08 00')),
    )
    this.#end()
  }

  #end(): void {
    this.#left = true
    if (!this.#agent.has('never-closes')) this.#stream.end()
  }
}
