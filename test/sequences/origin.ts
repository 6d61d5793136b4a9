/**
 * The origin behind a proxy: it answers as each request says (answer.ts), one after the other on each connection, and
 * keeps what it received. So a request that reached it is seen also when its answer never reached the client.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerPieces, parseAnswer, plainAnswer } from './answer.ts'
import type { Answer } from './answer.ts'
import { fieldOf, readMessage } from './message.ts'
import type { Message } from './message.ts'

/** Names the request in `X-Id`, so that what was received is found by what was sent. */
export const idHeader = 'x-id'
/** How the request wants to be answered. */
export const answerHeader = 'x-answer'

/** How long a slow answer takes, in milliseconds. */
export const slow = 60

/** See the head of this file. */
export class Origin {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #received = new Map<string, Message[]>()
  /** Requests without an id, and bytes that are no request. */
  readonly strays: string[] = []

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      void new OriginConnection(socket, (message) => this.#record(message)).serve()
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The requests with that id, in the order of their arrival; each is given once. */
  take(id: string): Message[] {
    const found = this.#received.get(id) ?? []
    this.#received.delete(id)
    return found
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #record(message: Message | string): void {
    if (typeof message === 'string') return void this.strays.push(message)
    const id = fieldOf(message.headers, idHeader)
    if (id === undefined) return void this.strays.push([message.line, ...message.headers].join('|'))
    this.#received.set(id, [...(this.#received.get(id) ?? []), message])
  }
}

class OriginConnection {
  readonly #socket: Socket
  readonly #record: (message: Message | string) => void
  #text = ''
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket, record: (message: Message | string) => void) {
    this.#socket = socket
    this.#record = record
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    const over = () => {
      this.#ended = true
      this.#wake()
    }
    socket.on('end', over)
    socket.on('close', over)
    socket.on('error', over)
  }

  async serve(): Promise<void> {
    while (await this.#serveOne());
    if (this.#text.trim() !== '') this.#record(this.#text)
    this.#socket.end()
  }

  /** False when nothing more is to be read from the connection. */
  async #serveOne(): Promise<boolean> {
    const begun = await this.#until((message) => message !== undefined)
    if (begun === undefined) return false
    const method = begun.line.split(' ')[0] ?? ''
    const wanted = fieldOf(begun.headers, answerHeader)
    const answer = wanted === undefined ? plainAnswer : parseAnswer(wanted)
    if (answer.interim.includes(100)) this.#write(interimText(100))
    if (answer.when === 'early') {
      const [goesOn] = await Promise.all([this.#answer(answer, method), this.#receive()])
      return goesOn
    }
    if (!(await this.#receive())) return false
    if (answer.when === 'slow') await sleep(slow)
    return await this.#answer(answer, method)
  }

  /** Waits for the whole request and records it; false when it is cut. */
  async #receive(): Promise<boolean> {
    const message = await this.#until((each) => each?.complete === true || each?.wrong !== undefined)
    const found = message ?? this.#read()
    if (found === undefined) return false
    this.#text = this.#text.slice(found.used)
    this.#record(found)
    return found.complete
  }

  async #answer(answer: Answer, method: string): Promise<boolean> {
    for (const status of answer.interim) if (status !== 100) this.#write(interimText(status))
    const { pieces, end } = answerPieces(answer, method)
    for (const { text, pause } of pieces) {
      if (pause > 0) await sleep(pause)
      this.#write(text)
    }
    if (answer.status === 101 || (method === 'CONNECT' && answer.status < 300)) return await this.#echo()
    if (end === 'reset') this.#socket.resetAndDestroy()
    if (end === 'close') this.#socket.end()
    return end === 'keep'
  }

  /** A tunnel: what comes goes back. */
  async #echo(): Promise<boolean> {
    while (!this.#ended || this.#text !== '') {
      this.#write(this.#text)
      this.#text = ''
      if (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.#socket.end()
    return false
  }

  #read(): Message | undefined {
    return readMessage(this.#text, { side: 'request', ended: this.#ended })
  }

  /** The message that is being received, once `ready` says so; undefined when the connection ends before. */
  async #until(ready: (message: Message | undefined) => boolean): Promise<Message | undefined> {
    for (;;) {
      const message = this.#read()
      if (ready(message)) return message
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #write(text: string): void {
    if (this.#socket.writable) this.#socket.write(Buffer.from(text, 'latin1'))
  }
}

function interimText(status: number): string {
  return `HTTP/1.1 ${status} Interim\r\n${status === 103 ? 'Link: </a>\r\n' : ''}\r\n`
}
