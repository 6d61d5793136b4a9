/** A client that sends one sequence of requests on one connection and keeps everything that it sees. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { askPieces } from './ask.ts'
import type { Ask } from './ask.ts'
import { readMessage, statusOf } from './message.ts'
import type { Message } from './message.ts'

/** Requests on one connection, and how the client leaves it. */
export interface Sequence {
  readonly asks: readonly Ask[]
  /** hold: listens on; fin: ends its side; reset: breaks it off. */
  readonly end: 'hold' | 'fin' | 'reset'
}

/** What the client saw. */
export interface Seen {
  /** Final and interim responses, in order. */
  readonly answers: readonly Message[]
  /** Bytes behind them: half a head, or a tunnel's. */
  readonly rest: string
  readonly end: 'open' | 'closed' | 'reset'
}

/** How long the client waits for an answer, in milliseconds: longer than every timeout of the configurations. */
const patience = 4000
/** How long nothing must come before the client thinks that nothing will. */
const quiet = 150
/** How long a client that expects `100 Continue` waits for it. */
const expectation = 300

/** Sends the sequence; `idOf` names its requests, and `before` is called before each is sent. */
export async function runSequence(
  port: number,
  sequence: Sequence,
  idOf: (at: number) => string,
  before: (at: number) => void = () => {},
): Promise<Seen> {
  const client = new SequenceClient(
    port,
    sequence.asks.map(({ method }) => method),
  )
  for (const [at, ask] of sequence.asks.entries()) {
    if (client.over) break
    before(at)
    await client.ask(ask, idOf(at), at + 1)
  }
  return await client.finish(sequence.end)
}

class SequenceClient {
  readonly #socket: Socket
  readonly #methods: readonly string[]
  #text = ''
  #end: 'closed' | 'reset' | undefined
  #wake: () => void = () => {}

  constructor(port: number, methods: readonly string[]) {
    this.#methods = methods
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    this.#socket.on('end', () => this.#over('closed'))
    this.#socket.on('error', () => this.#over('reset'))
    this.#socket.on('close', () => this.#over('closed'))
  }

  get over(): boolean {
    return this.#end !== undefined
  }

  /** Sends the request that is the `count`-th of its connection, and waits for its answer if the client does. */
  async ask(ask: Ask, id: string, count: number): Promise<void> {
    for (const { text, pause, listens } of askPieces(ask, id)) {
      if (this.over) return
      const before = this.seen().answers.length
      this.#send(text)
      if (pause > 0) await sleep(pause)
      if (listens === true) await this.#until(() => this.seen().answers.length > before, expectation)
    }
    if (ask.waits) await this.#until(() => this.#finals() >= count, patience)
    // The proxy sees what comes behind the answer before it has the next request.
    if (['close', 'extra', 'cut'].includes(ask.answer.end)) await sleep(40)
    if (ask.tunnel !== '' && this.seen().answers.at(-1)?.framing === 'tunnel') {
      this.#send(ask.tunnel)
      await this.#until(() => this.seen().rest.length >= ask.tunnel.length, patience)
    }
  }

  async finish(how: Sequence['end']): Promise<Seen> {
    if (how === 'reset') {
      const before = this.seen()
      this.#socket.resetAndDestroy()
      await sleep(quiet)
      return { ...before, end: 'closed' }
    }
    if (how === 'fin') this.#socket.end()
    await this.#until(() => how === 'hold' && this.#finals() >= this.#methods.length, patience)
    await this.#silence()
    const seen = this.seen()
    this.#socket.destroy()
    return seen
  }

  /** All that came so far. */
  seen(): Seen {
    const answers: Message[] = []
    let text = this.#text
    let finals = 0
    for (;;) {
      const method = this.#methods[finals] ?? 'GET'
      const message = readMessage(text, { side: 'response', method, ended: this.over })
      if (message === undefined) break
      answers.push(message)
      text = text.slice(message.used)
      if (message.framing === 'tunnel' || !message.complete) break
      if (statusOf(message.line) >= 200) finals++
    }
    return { answers, rest: text, end: this.#end ?? 'open' }
  }

  #finals(): number {
    return this.seen().answers.filter(
      ({ line, complete, framing }) => complete && (framing === 'tunnel' || statusOf(line) >= 200),
    ).length
  }

  async #silence(): Promise<void> {
    for (let before = -1; before !== this.#text.length && !this.over;) {
      before = this.#text.length
      await this.#until(() => before !== this.#text.length, quiet)
    }
  }

  /** Waits until `ready`, the end of the connection or that many milliseconds. */
  async #until(ready: () => boolean, milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds
    while (!ready() && !this.over) {
      const left = end - performance.now()
      if (left <= 0) return
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timer = setTimeout(resolve, left)
      })
      clearTimeout(timer)
    }
  }

  #send(text: string): void {
    if (this.#socket.writable) this.#socket.write(Buffer.from(text, 'latin1'))
  }

  #over(how: 'closed' | 'reset'): void {
    this.#end ??= how
    this.#wake()
  }
}
