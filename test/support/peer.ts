/**
 * HAProxy's end of a SPOP connection for tests, in raw bytes: what is sent is written by hand (in the notation of
 * hex.ts) or captured, what comes is cut at its length fields and compared as bytes. Nothing of src/spop is used.
 *
 * @example
 * const peer = await Peer.connect({ port })
 * await peer.greet()
 * assert.deepEqual(await peer.ask(notify('01 01', '01 "m" 00')), ack('01 01'))
 */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { parseHex } from './hex.ts'

/** Bytes in the notation of hex.ts; may go over several lines. */
export function hex(text: string): Buffer {
  return Buffer.concat(text.split('\n').map(parseHex))
}

/** A frame: its length, and the bytes. */
export function frame(text: string): Buffer {
  const content = hex(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content])
}

/** A whole NOTIFY; `ids` are stream-id and frame-id. */
export const notify = (ids: string, payload = '') => frame(`03 00000001 ${ids} ${payload}`)

/** Ids that no other NOTIFY of the connection has; SPOE.txt 3.1: 240 and more take a second byte, and 2288 a third. */
export function idsOf(count: number): string {
  const bytes = count < 240 ? [count] : [(count & 15) | 240]
  if (count >= 2288) bytes.push((((count - 240) >> 4) & 127) | 128, (count - 2288) >> 11)
  else if (count >= 240) bytes.push((count - 240) >> 4)
  return `${Buffer.of(...bytes).toString('hex')} 01`
}

/** The first fragment of a NOTIFY. */
export const notifyStart = (ids: string, payload = '') => frame(`03 00000000 ${ids} ${payload}`)

/** A fragment in the middle. */
export const unset = (ids: string, payload = '') => frame(`00 00000000 ${ids} ${payload}`)

/** The last fragment. */
export const unsetFin = (ids: string, payload = '') => frame(`00 00000001 ${ids} ${payload}`)

/** An ACK. */
export const ack = (ids: string, actions = '') => frame(`67 00000001 ${ids} ${actions}`)

/** What HAProxy 2.6.12 and 3.0.0 send, after a capture; keys may be replaced, or left out with null. */
export function hello(keys: Partial<Record<HelloKey, string | null>> = {}): Buffer {
  const all = { ...haproxyKeys, ...keys }
  return frame(`01 00000001 00 00 ${Object.values(all).join(' ')}`)
}

type HelloKey = 'versions' | 'size' | 'capabilities' | 'healthcheck' | 'engine'

const haproxyKeys: Record<HelloKey, string | null> = {
  versions: '12 "supported-versions" 08 03 "2.0"',
  size: '0e "max-frame-size" 03 fc f0 06',
  capabilities: '0c "capabilities" 08 10 "pipelining,async"',
  healthcheck: null,
  engine: '09 "engine-id" 08 24 "4c16e5b1-a9d3-4d1b-8a0c-37d2c1a0d9f3"',
}

/** The health check of every version of HAProxy, as captured. */
export const healthCheck = hex(`
  0000004e 01 00000001 00 00
  12 "supported-versions" 08 03 "2.0"  0e "max-frame-size" 03 fc f0 06  0c "capabilities" 08 00  0b "healthcheck" 11`)

/** HAProxy's farewell, as captured. */
export const haproxyDisconnect = hex(
  '00000025 02 00000001 00 00 0b "status-code" 03 00 07 "message" 08 06 "normal"',
)

/** AGENT-HELLO with these capabilities and a size. */
export function agentHello(capabilities = 'pipelining,fragmentation', size = 'fc f0 06'): Buffer {
  const length = capabilities.length.toString(16).padStart(2, '0')
  return frame(`65 00000001 00 00  07 "version" 08 03 "2.0"  0e "max-frame-size" 03 ${size}
    0c "capabilities" 08 ${length} "${capabilities}"`)
}

/** Takes an AGENT-DISCONNECT apart; fails when the frame is another. */
export function readDisconnect(bytes: Buffer): { status: number; message: string } {
  const head = hex('66 00000001 00 00 0b "status-code" 03')
  assert.deepEqual(
    bytes.subarray(4, 4 + head.length),
    head,
    `not an AGENT-DISCONNECT: ${bytes.toString('hex')}`,
  )
  const at = 4 + head.length
  const key = hex('07 "message" 08')
  assert.deepEqual(bytes.subarray(at + 1, at + 1 + key.length), key)
  const length = at + 1 + key.length
  const [first = 0, second = 0] = bytes.subarray(length, length + 2)
  const [size, from] = first < 240 ? [first, length + 1] : [first + 16 * second, length + 2]
  assert.equal(from + size, bytes.length, 'the message fills the frame')
  return { status: bytes[at] ?? 0, message: bytes.toString('utf8', from) }
}

/** Where {@link Peer.connect} goes. */
export interface PeerTarget {
  readonly port?: number
  readonly host?: string
  readonly path?: string
  readonly tls?: ConnectionOptions
}

interface Waiter {
  resolve(frame: Buffer): void
  reject(error: Error): void
}

/** See the head of this file. */
export class Peer {
  readonly socket: Duplex
  /** How the agent ended the connection; undefined while it has not. */
  over: 'end' | 'reset' | undefined
  /** Bytes that came in all. */
  received = 0
  #pending: Buffer = Buffer.alloc(0)
  readonly #frames: Buffer[] = []
  readonly #waiters: Waiter[] = []
  readonly #ends: ((how: 'end' | 'reset') => void)[] = []

  constructor(socket: Duplex) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onOver('end'))
    socket.on('error', () => this.#onOver('reset'))
    socket.on('close', () => this.#onOver('end'))
  }

  /** Connects; rejects when it is refused. */
  static async connect({ port, host = '127.0.0.1', path, tls }: PeerTarget): Promise<Peer> {
    const where = path === undefined ? { host, port: port ?? 0 } : { path }
    const socket =
      tls === undefined
        ? connect({ ...where, allowHalfOpen: true, noDelay: true })
        : connectTls({ ...where, ...tls })
    await new Promise<void>((resolve, reject) => {
      socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve)
      socket.once('error', reject)
    })
    socket.removeAllListeners('error')
    return new Peer(socket)
  }

  #onData(chunk: Buffer): void {
    this.received += chunk.length
    let left = Buffer.concat([this.#pending, chunk])
    while (left.length >= 4 && left.length >= 4 + left.readUInt32BE(0)) {
      const size = 4 + left.readUInt32BE(0)
      const waiter = this.#waiters.shift()
      if (waiter === undefined) this.#frames.push(left.subarray(0, size))
      else waiter.resolve(left.subarray(0, size))
      left = left.subarray(size)
    }
    this.#pending = left
  }

  #onOver(how: 'end' | 'reset'): void {
    if (this.over !== undefined) return
    this.over = how
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error(`the agent is gone: ${how}`))
    for (const resolve of this.#ends.splice(0)) resolve(how)
  }

  send(...bytes: Buffer[]): void {
    this.socket.write(Buffer.concat(bytes))
  }

  /** The next frame, its length included. */
  frame(timeout = 5000): Promise<Buffer> {
    const there = this.#frames.shift()
    if (there !== undefined) return Promise.resolve(there)
    if (this.over !== undefined) return Promise.reject(new Error(`the agent is gone: ${this.over}`))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no frame after ${timeout} ms`)), timeout)
      const settle = <T>(then: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer)
          then(value)
        }
      }
      this.#waiters.push({ resolve: settle(resolve), reject: settle(reject) })
    })
  }

  /** The next frames. */
  async frames(count: number): Promise<Buffer[]> {
    const found: Buffer[] = []
    while (found.length < count) found.push(await this.frame())
    return found
  }

  /** Sends, and takes the next frame. */
  ask(...bytes: Buffer[]): Promise<Buffer> {
    this.send(...bytes)
    return this.frame()
  }

  /** Says HELLO; the answer. */
  greet(bytes: Buffer = hello()): Promise<Buffer> {
    return this.ask(bytes)
  }

  /** Frames that came and nobody has asked for. */
  get unread(): number {
    return this.#frames.length
  }

  /** How the agent ends the connection. */
  ended(): Promise<'end' | 'reset'> {
    if (this.over !== undefined) return Promise.resolve(this.over)
    return new Promise((resolve) => this.#ends.push(resolve))
  }

  /** The AGENT-DISCONNECT that must come next, and the end behind it. */
  async farewell(): Promise<{ status: number; message: string }> {
    const bytes = await this.frame()
    return readDisconnect(bytes)
  }

  /** Ends our half. */
  end(): void {
    this.socket.end()
  }

  /** Sends a RST, as HAProxy does from 3.1 on. */
  reset(): void {
    const socket = this.socket as Partial<Socket>
    if (socket.resetAndDestroy === undefined) this.socket.destroy()
    else (this.socket as Socket).resetAndDestroy()
  }

  close(): void {
    this.socket.destroy()
  }
}
