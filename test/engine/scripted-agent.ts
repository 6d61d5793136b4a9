/**
 * Agents for tests, independent of our own codec: bytes written by hand in, frames cut by a few lines of their own out.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { freePorts } from '../support/ports.ts'

/** A frame as it came, with its parts. */
export interface RawFrame {
  readonly type: number
  readonly flags: number
  /** The bytes of both ids, to be echoed in an ACK. */
  readonly ids: string
  readonly streamId: number
  readonly frameId: number
  readonly payload: Buffer
  /** The whole frame, its length included. */
  readonly hex: string
}

const text = (value: string) => Buffer.from(value).toString('hex')
const byte = (value: number) => value.toString(16).padStart(2, '0')

/** A length in front of hexadecimal bytes; blanks do not count. */
export function frame(hex: string): string {
  const bytes = hex.replaceAll(/\s/g, '')
  return (bytes.length / 2).toString(16).padStart(8, '0') + bytes
}

/** `max-frame-size` 16380, as everybody says. */
export const usualSize = 'fcf006'

/** AGENT-HELLO: version 2.0, a size as a varint in hexadecimal, capabilities. */
export function agentHello(capabilities = 'pipelining', size = usualSize): string {
  return frame(`65 00000001 00 00
    07 ${text('version')} 08 03 ${text('2.0')}
    0e ${text('max-frame-size')} 03 ${size}
    0c ${text('capabilities')} 08 ${byte(capabilities.length)} ${text(capabilities)}`)
}

/** AGENT-DISCONNECT with a code under 240. */
export function agentDisconnect(code: number, message = 'bye'): string {
  return frame(`66 00000001 00 00
    0b ${text('status-code')} 03 ${byte(code)}
    07 ${text('message')} 08 ${byte(message.length)} ${text(message)}`)
}

/** An ACK: both ids as bytes, the actions as bytes. */
export function ack(ids: string, actions = '', flags = '00000001'): string {
  return frame(`67 ${flags} ${ids} ${actions}`)
}

/** set-var of txn scope, one-letter name, int32 below 240. */
export function setVar(name: string, value: number): string {
  return `01 03 02 01 ${text(name)} 02 ${byte(value)}`.replaceAll(' ', '')
}

/** The capability-less start of a session: enough for most scripts. */
export type Script = (peer: AgentPeer) => void | Promise<void>

function readVarint(bytes: Buffer, at: number): [value: number, end: number] {
  let value = bytes[at] as number
  let end = at + 1
  if (value < 240) return [value, end]
  let factor = 16
  for (;;) {
    const next = bytes[end++] as number
    value += next * factor
    if (next < 128) return [value, end]
    factor *= 128
  }
}

/** A whole frame, taken apart. */
export function cutFrame(bytes: Buffer): RawFrame {
  const [streamId, afterStream] = readVarint(bytes, 9)
  const [frameId, end] = readVarint(bytes, afterStream)
  return {
    type: bytes[4] as number,
    flags: bytes.readUInt32BE(5),
    ids: bytes.toString('hex', 9, end),
    streamId,
    frameId,
    payload: bytes.subarray(end),
    hex: bytes.toString('hex'),
  }
}

/** One connection, seen by the agent. */
export class AgentPeer {
  readonly socket: Socket
  /** What each `data` event brought: how the engine's writes arrived. */
  readonly chunks: Buffer[] = []
  #rest = Buffer.alloc(0)
  #frames: RawFrame[] = []
  #waiting: ((frame: RawFrame | undefined) => void)[] = []
  #onFrame: ((frame: RawFrame) => void) | undefined
  /** `fin`, `reset` or `open`. */
  end: 'open' | 'fin' | 'reset' = 'open'
  readonly closed: Promise<void>
  /** Whether DISCONNECT is answered and the socket closed, whatever the script does. */
  mannered = true

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', () => (this.end = 'reset'))
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        if (this.end === 'open') this.end = 'fin'
        for (const resume of this.#waiting.splice(0)) resume(undefined)
        resolve()
      })
    })
  }

  #onData(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      if (this.#rest.length < 4) return
      const size = this.#rest.readUInt32BE(0) + 4
      if (this.#rest.length < size) return
      const whole = this.#rest.subarray(0, size)
      this.#rest = this.#rest.subarray(size)
      this.#give(cutFrame(whole))
    }
  }

  #give(each: RawFrame): void {
    if (each.type === 2 && this.mannered) this.socket.end(Buffer.from(agentDisconnect(0), 'hex'))
    if (this.#onFrame !== undefined) return this.#onFrame(each)
    const resume = this.#waiting.shift()
    if (resume === undefined) this.#frames.push(each)
    else resume(each)
  }

  /** From now on frames go to a function. */
  onFrame(listener: (frame: RawFrame) => void): void {
    this.#onFrame = listener
    for (const each of this.#frames.splice(0)) listener(each)
  }

  /** The next frame. */
  async frame(): Promise<RawFrame> {
    const each =
      this.#frames.shift() ??
      (await new Promise<RawFrame | undefined>((resume) => this.#waiting.push(resume)))
    if (each === undefined) throw new Error('the engine closed the connection')
    return each
  }

  /** Hexadecimal bytes in one write. */
  send(...hex: string[]): void {
    this.socket.write(Buffer.from(hex.join(''), 'hex'))
  }

  /** Answers a HELLO that was taken already. */
  greetLate(capabilities?: string): void {
    this.send(agentHello(capabilities))
  }

  /** Takes HELLO, and answers it. */
  async greet(capabilities?: string, size?: string): Promise<RawFrame> {
    const hello = await this.frame()
    this.send(agentHello(capabilities, size))
    return hello
  }
}

/** A listening agent. */
export class ScriptedAgent {
  readonly peers: AgentPeer[] = []
  readonly #server: Server
  #scriptError: unknown
  port = 0

  constructor(script: Script) {
    this.#server = createServer((socket) => {
      const peer = new AgentPeer(socket)
      this.peers.push(peer)
      void this.#run(script, peer)
    })
  }

  /** A script that fails because the engine went away has done its part. */
  async #run(script: Script, peer: AgentPeer): Promise<void> {
    try {
      await script(peer)
    } catch (error) {
      if (peer.socket.destroyed) return
      this.#scriptError = error
      peer.socket.destroy()
    }
  }

  /** On a port that nobody else gets while it is stopped. */
  async listen(port?: number): Promise<this> {
    this.#server.listen(port ?? (await freePorts(1))[0], '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
    return this
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Ends all, as a killed process would. */
  async stop(): Promise<void> {
    for (const { socket } of this.peers) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
    if (this.#scriptError !== undefined) throw this.#scriptError
  }
}

/** Starts an agent, and stops it after the test. */
export async function startAgent(
  t: { after(hook: () => void | Promise<void>): void },
  script: Script,
): Promise<ScriptedAgent> {
  const agent = await new ScriptedAgent(script).listen()
  t.after(() => agent.stop())
  return agent
}

/** Acknowledges everything, with set-var txn.a = 7. */
export const answering: Script = async (peer) => {
  await peer.greet()
  peer.onFrame((each) => {
    if (each.type === 3) peer.send(ack(each.ids, setVar('a', 7)))
  })
}
