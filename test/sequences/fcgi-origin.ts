/**
 * The origin of origin.ts as a FastCGI application: the same answers to the same requests, over raw records (FastCGI
 * specification 3 to 6). It has no code in common with the client that it is asked by.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerPieces, parseAnswer, plainAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import { fieldOf } from './message.ts'
import type { Message } from './message.ts'
import { answerHeader, idHeader, slow } from './origin.ts'

const types = { begin: 1, abort: 2, end: 3, params: 4, stdin: 5, stdout: 6 }

/** See the head of this file. */
export class FcgiOrigin {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #received = new Map<string, Message[]>()
  readonly strays: string[] = []

  constructor() {
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

  take(id: string): Message[] {
    const found = this.#received.get(id) ?? []
    this.#received.delete(id)
    return found
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: Socket): void {
    const requests = new Map<number, FcgiExchange>()
    let left = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      left = Buffer.concat([left, chunk])
      while (left.length >= 8) {
        const size = 8 + left.readUInt16BE(4) + left.readUInt8(6)
        if (left.length < size) return
        const [type, id] = [left.readUInt8(1), left.readUInt16BE(2)]
        const content = left.subarray(8, 8 + left.readUInt16BE(4))
        if (type === types.begin) {
          requests.set(id, new FcgiExchange(socket, id, (message) => this.#record(message)))
        }
        requests.get(id)?.take(type, content)
        left = left.subarray(size)
      }
    })
  }

  #record(message: Message): void {
    const id = fieldOf(message.headers, idHeader)
    if (id === undefined) return void this.strays.push([message.line, ...message.headers].join('|'))
    this.#received.set(id, [...(this.#received.get(id) ?? []), message])
  }
}

/** One request of a connection. */
class FcgiExchange {
  readonly #socket: Socket
  readonly #id: number
  readonly #record: (message: Message) => void
  #params = Buffer.alloc(0)
  #head: Pick<Message, 'line' | 'headers'> = { line: '', headers: [] }
  #body = ''
  #answer = plainAnswer

  constructor(socket: Socket, id: number, record: (message: Message) => void) {
    this.#socket = socket
    this.#id = id
    this.#record = record
  }

  take(type: number, content: Buffer): void {
    if (type === types.params && content.length > 0) this.#params = Buffer.concat([this.#params, content])
    else if (type === types.params) this.#begin()
    else if (type === types.stdin && content.length > 0) this.#body += content.toString('latin1')
    else if (type === types.stdin) this.#receive()
    else if (type === types.abort) this.#send(types.end, Buffer.alloc(8))
  }

  #begin(): void {
    this.#head = headOf(pairsOf(this.#params))
    const wanted = fieldOf(this.#head.headers, answerHeader)
    if (wanted !== undefined) this.#answer = parseAnswer(wanted)
    if (this.#answer.when === 'early') void this.#play()
  }

  #receive(): void {
    this.#record({
      ...this.#head,
      framing: 'length',
      body: this.#body,
      trailers: [],
      complete: true,
      used: 0,
    })
    if (this.#answer.when !== 'early') void this.#play()
  }

  async #play(): Promise<void> {
    if (this.#answer.when === 'slow') await sleep(slow)
    const { pieces, end } = answerPieces(asCgi(this.#answer), this.#head.line.split(' ')[0] ?? '')
    for (const { text, pause } of pieces) {
      if (pause > 0) await sleep(pause)
      for (let at = 0; at < text.length; at += 60_000) {
        const status = at === 0 ? text.replace(/^HTTP\/1\.1 /, 'Status: ') : text
        this.#send(types.stdout, Buffer.from(status.slice(at, at + 60_000), 'latin1'))
      }
    }
    if (end === 'reset') return void this.#socket.resetAndDestroy()
    if (this.#answer.end === 'keep' || this.#answer.end === 'close') {
      this.#send(types.stdout, Buffer.alloc(0))
      this.#send(types.end, Buffer.alloc(8))
    }
    if (end === 'close') this.#socket.end()
  }

  #send(type: number, content: Buffer): void {
    if (!this.#socket.writable) return
    const head = Buffer.from([1, type, 0, 0, 0, 0, 0, 0])
    head.writeUInt16BE(this.#id, 2)
    head.writeUInt16BE(content.length, 4)
    this.#socket.write(Buffer.concat([head, content]))
  }
}

/** A body that HTTP sends in chunks, or until close, has no length here. */
function asCgi(answer: Answer): Answer {
  return answer.framing === 'chunked' ? { ...answer, framing: 'close' } : answer
}

/** What stands in PARAMS. */
function pairsOf(content: Buffer): Map<string, string> {
  const found = new Map<string, string>()
  let at = 0
  const length = () => {
    const short = content.readUInt8(at)
    const size = short < 128 ? short : content.readUInt32BE(at) - 2 ** 31
    at += short < 128 ? 1 : 4
    return size
  }
  while (at < content.length) {
    const sizes = [length(), length()] as const
    const name = content.toString('latin1', at, (at += sizes[0]))
    found.set(name, content.toString('latin1', at, (at += sizes[1])))
  }
  return found
}

/** The request that the parameters tell of. */
function headOf(params: ReadonlyMap<string, string>): Pick<Message, 'line' | 'headers'> {
  const headers = [...params].flatMap(([name, value]) =>
    name.startsWith('HTTP_') ? [`${name.slice(5).toLowerCase().replaceAll('_', '-')}: ${value}`] : [],
  )
  const line = `${params.get('REQUEST_METHOD') ?? ''} ${params.get('REQUEST_URI') ?? ''} HTTP/1.1`
  return { line, headers }
}
