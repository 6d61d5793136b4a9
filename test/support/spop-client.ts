/**
 * A small SPOP client for tests whose subject is not the wire: says HELLO, sends NOTIFYs, collects ACKs. Tests of the
 * wire itself use bytes written by hand.
 */
import { connect, type Socket } from 'node:net'
import {
  decodeFrame,
  encodeFrame,
  encodeNotify,
  FrameSplitter,
  SpopFraming,
  Writer,
  type AckFrame,
  type Action,
  type Frame,
  type MessageInput,
} from 'sluice/spop'
import { type Endpoint } from 'sluice'

export class SpopClient {
  readonly #socket: Socket
  readonly #splitter = new FrameSplitter(new SpopFraming(1 << 24))
  readonly #waiting = new Map<number, (frame: AckFrame) => void>()
  #onHello: ((frame: Frame) => void) | undefined
  #last = 0
  /** Every frame that came. */
  readonly frames: Frame[] = []
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#onData(chunk))
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  static async open(
    address: Endpoint,
    options: { maxFrameSize?: number; engineId?: string; capabilities?: string } = {},
  ) {
    if (address.type === 'fd') throw new Error('cannot connect to a descriptor')
    const socket = address.type === 'tcp' ? connect(address.port, address.host) : connect(address.path)
    await new Promise<void>((resolve, reject) =>
      socket.once('connect', () => resolve()).once('error', reject),
    )
    const client = new SpopClient(socket)
    await client.#greet(options)
    return client
  }

  async #greet(options: { maxFrameSize?: number; engineId?: string; capabilities?: string }): Promise<void> {
    const hello = new Promise<Frame>((resolve) => {
      this.#onHello = resolve
    })
    const writer = new Writer()
    encodeFrame(writer, {
      type: 'haproxy-hello',
      supportedVersions: '2.0',
      maxFrameSize: options.maxFrameSize ?? 16_380,
      capabilities: options.capabilities ?? 'pipelining',
      healthcheck: false,
      engineId: options.engineId ?? 'test',
    })
    this.#socket.write(writer.view())
    await hello
  }

  #onData(chunk: Buffer): void {
    this.#splitter.push(chunk)
    while (this.#splitter.next()) {
      const { bytes, start, end } = this.#splitter
      const frame = decodeFrame(Buffer.from(bytes.subarray(start, end)))
      this.frames.push(frame)
      if (frame.type === 'agent-hello') this.#onHello?.(frame)
      if (frame.type === 'ack') this.#waiting.get(Number(frame.streamId))?.(frame)
    }
  }

  /** Sends one NOTIFY and resolves to the actions of its ACK; rejects when the connection closes first. */
  async notify(...messages: MessageInput[]): Promise<readonly Action[]> {
    const id = ++this.#last
    const ack = new Promise<AckFrame>((resolve) => this.#waiting.set(id, resolve))
    const writer = new Writer()
    encodeNotify(writer, id, 1, messages)
    this.#socket.write(Buffer.from(writer.view()))
    const lost = this.closed.then(() => {
      throw new Error('the agent closed the connection')
    })
    const frame = await Promise.race([ack, lost])
    return frame.actions
  }

  close(): void {
    this.#socket.destroy()
  }
}
