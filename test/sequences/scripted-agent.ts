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
    | 'empty'
    | 'wrong-action'
    | 'unknown-frame'
  readonly delay: number
  readonly actions: readonly ActionInput[]
  /** What `disconnect` says. @default 99 */
  readonly code?: number
}

/** How the agent greets, and how it answers DISCONNECT. */
export interface Manners {
  readonly capabilities: string
  readonly farewell: 'answers' | 'closes'
}

const plainManners: Manners = { capabilities: 'pipelining', farewell: 'closes' }

/** See the head of this file. */
export class ScriptedAgent {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #decide: (messages: readonly Message[]) => Deed
  readonly #manners: Manners
  #told: string[] = []

  constructor(decide: (messages: readonly Message[]) => Deed, manners = plainManners) {
    this.#decide = decide
    this.#manners = manners
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
    if (frame.type === 'haproxy-hello') greet(socket, this.#manners)
    if (frame.type === 'haproxy-disconnect') {
      if (this.#manners.farewell === 'answers') socket.write(disconnect(0))
      socket.end()
    }
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

function greet(socket: Socket, { capabilities }: Manners): void {
  const writer = new Writer()
  encodeFrame(writer, {
    type: 'agent-hello',
    version: '2.0',
    maxFrameSize: 16_380,
    capabilities,
  })
  socket.write(Buffer.from(writer.view()))
}

function disconnect(statusCode: number): Buffer {
  const writer = new Writer()
  encodeFrame(writer, { type: 'agent-disconnect', statusCode, message: 'no' })
  return Buffer.from(writer.view())
}

/** set-var of a scope that does not exist, behind right actions: HAProxy stops reading there. */
const wrongAction = Buffer.from('0103090176020a', 'hex')
/** A type that nobody has given a meaning. */
const unknownFrame = Buffer.from('000000087f000000010000aa', 'hex')

function bytesOf({ does, actions, code = 99 }: Deed, { streamId, frameId }: NotifyFrame): Buffer {
  const writer = new Writer()
  const other = (id: number | bigint): number => Number(id) + 1000
  if (does === 'disconnect') return disconnect(code)
  if (does === 'garbage') return Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')
  if (does === 'huge') return Buffer.from('ffffffff67', 'hex')
  if (['nothing', 'close', 'reset'].includes(does)) return Buffer.alloc(0)
  encodeAck(
    writer,
    does === 'wrong-stream' ? other(streamId) : streamId,
    does === 'wrong-frame' ? other(frameId) : frameId,
    does === 'empty' ? [] : actions,
  )
  const ack = Buffer.from(writer.view())
  if (does === 'unknown-frame') return Buffer.concat([unknownFrame, ack])
  if (does === 'wrong-action') {
    const whole = Buffer.concat([ack, wrongAction])
    whole.writeUInt32BE(whole.length - 4)
    return whole
  }
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
