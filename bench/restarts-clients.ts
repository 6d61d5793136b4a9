/** Keep-alive clients that ask again when they have their answer, and look at it. */
import { connect, type Socket } from 'node:net'

/** What became of the requests. */
export interface Tally {
  /** Answered with what the agent said. */
  served: number
  /** Answered, with the code of the SPOE filter. */
  readonly failures: Map<string, number>
  /** Answered with what the agent said to another request. */
  wrong: number
  /** Not answered. */
  broken: number
  /** When the last request was served that came after {@link Clients.mark}, by the monotonic clock. */
  firstServed: number
}

/** A number of them. */
export class Clients {
  readonly tally: Tally = { served: 0, failures: new Map(), wrong: 0, broken: 0, firstServed: 0 }
  readonly #port: number
  readonly #pause: number
  readonly #sockets = new Set<Socket>()
  #next = 0
  #running = true

  /** `pause` is how long each waits before it asks again, in milliseconds; 0 is not at all. */
  constructor(port: number, count: number, pause: number) {
    this.#port = port
    this.#pause = pause
    for (let client = 0; client < count; client++) this.#open()
  }

  /** From now on the first request that is served is looked for. */
  mark(): void {
    this.tally.firstServed = 0
  }

  stop(): void {
    this.#running = false
    for (const socket of this.#sockets) socket.destroy()
  }

  #open(): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    let id = ''
    let answer = ''
    const ask = () => {
      id = String(this.#next++)
      socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX-Id: ${id}\r\n\r\n`)
    }
    const askAgain = () => {
      if (this.#running && !socket.destroyed) ask()
    }
    this.#sockets.add(socket)
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    socket.on('data', (text: string) => {
      answer += text
      if (!answer.endsWith('\r\n\r\n')) return
      this.#judge(id, answer)
      answer = ''
      if (this.#pause > 0) setTimeout(askAgain, this.#pause)
      else askAgain()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (!this.#running) return
      this.tally.broken++
      this.#open()
    })
  }

  #judge(id: string, answer: string): void {
    const { tally } = this
    const said = /x-id: (\S*)\r\n/.exec(answer)?.[1]
    if (said === id) {
      tally.served++
      if (tally.firstServed === 0) tally.firstServed = performance.now()
    } else if (said !== undefined && said !== '') tally.wrong++
    else {
      const code = /x-err: (\S*)\r\n/.exec(answer)?.[1] ?? 'none'
      tally.failures.set(code, (tally.failures.get(code) ?? 0) + 1)
    }
  }
}
