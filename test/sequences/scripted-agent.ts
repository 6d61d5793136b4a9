/** A SPOE agent that does with each NOTIFY what it is told, right or wrong, and keeps what it was told. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  decodeFrame,
  encodeAck,
  encodeFrame,
  FrameFlag,
  FrameSplitter,
  SpopFraming,
  Writer,
} from 'sluice/spop'
import type { ActionInput, Message, NotifyFrame } from 'sluice/spop'

/** What the agent does with a NOTIFY, after a delay in milliseconds. */
export interface Deed {
  readonly does:
    | 'ack'
    | 'nothing'
    | 'close'
    | 'reset'
    | 'disconnect'
    | 'wrong-stream'
    | 'wrong-frame'
    | 'no-fin'
    | 'garbage'
    | 'huge'
    | 'twice'
    | 'half'
  readonly delay: number
  readonly actions: readonly ActionInput[]
}

/** See the head of this file. */
export class ScriptedAgent {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #decide: (messages: readonly Message[]) => Deed
  #told: string[] = []

  constructor(decide: (messages: readonly Message[]) => Deed) {
    this.#decide = decide
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      this.#serve(socket)
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The messages that came since the last call. */
  take(): string[] {
    const told = this.#told
    this.#told = []
    return told
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket): void {
    const splitter = new FrameSplitter(new SpopFraming(1 << 20))
    socket.on('data', (chunk: Buffer) => {
      try {
        splitter.push(chunk)
        while (splitter.next()) this.#take(socket, splitter)
      } catch (error) {
        this.#told.push(`not SPOP: ${String(error)}`)
        socket.destroy()
      }
    })
  }

  #take(socket: Socket, { bytes, start, end }: FrameSplitter): void {
    const frame = decodeFrame(Buffer.from(bytes.subarray(start, end)))
    if (frame.type === 'haproxy-hello') greet(socket)
    if (frame.type === 'haproxy-disconnect') socket.end()
    if (frame.type === 'notify') void this.#answer(socket, frame)
  }

  async #answer(socket: Socket, frame: NotifyFrame): Promise<void> {
    this.#told.push(frame.messages.map(textOf).join(' + '))
    const deed = this.#decide(frame.messages)
    if (deed.delay > 0) await sleep(deed.delay)
    if (socket.destroyed) return
    const bytes = bytesOf(deed, frame)
    if (bytes.length > 0) socket.write(bytes)
    if (deed.does === 'reset') socket.resetAndDestroy()
    if (['close', 'disconnect', 'half'].includes(deed.does)) socket.end()
  }
}

function greet(socket: Socket): void {
  const writer = new Writer()
  encodeFrame(writer, {
    type: 'agent-hello',
    version: '2.0',
    maxFrameSize: 16_380,
    capabilities: 'pipelining',
  })
  socket.write(Buffer.from(writer.view()))
}

function bytesOf({ does, actions }: Deed, { streamId, frameId }: NotifyFrame): Buffer {
  const writer = new Writer()
  const other = (id: number | bigint): number => Number(id) + 1000
  if (does === 'disconnect') {
    encodeFrame(writer, { type: 'agent-disconnect', statusCode: 99, message: 'no' })
    return Buffer.from(writer.view())
  }
  if (does === 'garbage') return Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')
  if (does === 'huge') return Buffer.from('ffffffff67', 'hex')
  if (['nothing', 'close', 'reset'].includes(does)) return Buffer.alloc(0)
  encodeAck(
    writer,
    does === 'wrong-stream' ? other(streamId) : streamId,
    does === 'wrong-frame' ? other(frameId) : frameId,
    actions,
  )
  const ack = Buffer.from(writer.view())
  if (does === 'no-fin') ack.writeUInt32BE(ack.readUInt32BE(5) & ~FrameFlag.Fin, 5)
  if (does === 'half') return ack.subarray(0, ack.length - 3)
  return does === 'twice' ? Buffer.concat([ack, ack]) : ack
}

function textOf({ name, args }: Message): string {
  const values = args.map(
    ([key, value]) => `${key}=${value.type}:${'value' in value ? String(value.value) : ''}`,
  )
  return `${name} ${values.join(',')}`
}
