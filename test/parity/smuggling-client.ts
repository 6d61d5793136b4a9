/** A client that sends bytes as they are and reads as many responses as it can. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { readMessage, statusOf } from '../sequences/message.ts'
import type { Message } from '../sequences/message.ts'

/** See the head of this file. `methods` are those of the requests, in order; GET when there are more responses. */
export class SmugglingClient {
  readonly #socket: Socket
  readonly #methods: string[] = []
  #text = ''
  end: 'open' | 'closed' | 'reset' = 'open'

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#socket.on('data', (chunk: Buffer) => void (this.#text += chunk.toString('latin1')))
    this.#socket.on('end', () => this.#over('closed'))
    this.#socket.on('error', () => this.#over('reset'))
    this.#socket.on('close', () => this.#over('closed'))
  }

  send(bytes: Uint8Array | string, method = 'GET'): void {
    this.#methods.push(method)
    this.#socket.write(bytes)
  }

  /** The final responses, whole or not. */
  get answers(): Message[] {
    const found: Message[] = []
    let text = this.#text
    for (;;) {
      const method = this.#methods[found.length] ?? 'GET'
      const message = readMessage(text, { side: 'response', method, ended: this.end !== 'open' })
      if (message === undefined) return found
      text = text.slice(message.used)
      if (message.framing === 'tunnel' || statusOf(message.line) >= 200) found.push(message)
      if (!message.complete || message.framing === 'tunnel') return found
    }
  }

  /** Waits until `ready`, the end of the connection, or that many milliseconds. */
  async until(ready: () => boolean, milliseconds: number): Promise<void> {
    for (let waited = 0; waited < milliseconds && this.end === 'open' && !ready(); waited += 5) await sleep(5)
  }

  /** Waits for the end, or until nothing has come for a while: a short one once there is an answer. */
  async settle(quiet: number): Promise<void> {
    for (let still = 0, before = 0; this.end === 'open'; still += 10) {
      const limit = this.answers.length > 0 ? quiet : 5 * quiet
      if (still >= limit) return
      await sleep(10)
      if (this.#text.length !== before) still = 0
      before = this.#text.length
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #over(how: 'closed' | 'reset'): void {
    if (this.end === 'open') this.end = how
  }
}
