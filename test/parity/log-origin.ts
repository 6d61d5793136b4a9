/** An origin whose answers take their time: 300 ms where the path says so, so that each timer of a log line has a value. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long everything waits that waits, in milliseconds. */
export const wait = 300

type Answer = (socket: Socket) => unknown

const head = 'HTTP/1.1 200 OK\r\n'
const hello = `${head}Content-Length: 5\r\n\r\nhello`
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`

/** Writes the texts with a wait between them. */
const pieces =
  (...texts: readonly string[]): Answer =>
  async (socket) => {
    for (const [at, text] of texts.entries()) {
      if (at > 0) await sleep(wait)
      if (text !== '') socket.write(text)
    }
  }

/** The same, and then the end. */
const closing =
  (...texts: readonly string[]): Answer =>
  async (socket) => {
    await pieces(...texts)(socket)
    socket.end()
  }

/** The text, and a third of a wait later a reset. */
const resetting =
  (text: string): Answer =>
  async (socket) => {
    socket.write(text)
    await sleep(wait / 3)
    socket.resetAndDestroy()
  }

const answers: Readonly<Record<string, Answer>> = {
  '/ok': pieces(hello),
  '/wait': pieces('', hello),
  '/body-later': pieces(`${head}Content-Length: 10\r\n\r\nhello`, 'world'),
  '/both-later': pieces('', `${head}Content-Length: 10\r\n\r\nhello`, 'world'),
  '/chunked': pieces(`${chunked}3\r\nabc\r\n5\r\nhello\r\n0\r\n\r\n`),
  '/chunked-later': pieces(`${chunked}3\r\nabc\r\n`, '5\r\nhello\r\n', '0\r\n\r\n'),
  '/chunked-cut': closing(`${chunked}3\r\nabc\r\n`, ''),
  '/until-close': closing(`${head}\r\nhello`, 'world'),
  '/connection-close': closing(`${head}Connection: close\r\nContent-Length: 5\r\n\r\nhello`),
  '/http10': closing('HTTP/1.0 200 OK\r\n\r\nhello'),
  '/204': pieces('HTTP/1.1 204 No Content\r\n\r\n'),
  '/304': pieces('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'),
  '/500': pieces('HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n'),
  '/hints': pieces('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', hello),
  '/late-hints': pieces('', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', hello),
  '/cut-soon': (socket) => socket.end(`${head}Content-Length: 100\r\n\r\nabc`),
  '/second-gone': (socket) => socket.end(),
  '/silent': () => {},
  '/stall': pieces(`${head}Content-Length: 100\r\n\r\nabc`),
  '/cut-head': closing('HTTP/1.1 200 OK\r\nConte', ''),
  '/cut-body': closing(`${head}Content-Length: 100\r\n\r\nabc`, ''),
  '/gone': closing('', ''),
  '/garbage': pieces('foo bar\r\n\r\n'),
  '/bad-header': pieces('HTTP/1.1 200 OK\r\nA b: c\r\n\r\n'),
  '/reset': async (socket) => {
    await sleep(wait)
    socket.resetAndDestroy()
  },
  '/ok-reset': resetting(hello),
  '/204-reset': resetting('HTTP/1.1 204 No Content\r\n\r\n'),
  '/cut-reset': resetting(`${head}Content-Length: 100\r\n\r\nabc`),
  '/chunked-reset': resetting(`${chunked}3\r\nabc\r\n0\r\n\r\n`),
  '/reset-body': async (socket) => {
    socket.write(`${head}Content-Length: 100\r\n\r\nabc`)
    await sleep(wait)
    socket.resetAndDestroy()
  },
  '/big': async (socket) => {
    socket.write(`${head}Content-Length: 8000000\r\n\r\n`)
    for (let at = 0; at < 8 && !socket.destroyed; at++) socket.write('x'.repeat(1_000_000))
  },
  '/drip': async (socket) => {
    socket.write(`${head}Content-Length: 50\r\n\r\n`)
    for (let at = 0; at < 5 && !socket.destroyed; at++) {
      await sleep(wait)
      socket.write('0123456789')
    }
  },
}

/** Takes connections, reads requests, answers by path; `early` paths are answered before the body is there. */
class OriginConnection {
  readonly #socket: Socket
  #received = ''
  #tunnel = false
  #answering: Promise<unknown> = Promise.resolve()

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('data', (chunk: Buffer) => this.#take(chunk.toString('latin1')))
  }

  #take(text: string): void {
    if (this.#tunnel) return this.#talk(text)
    this.#received += text
    const early = /^POST \/early(-close)? [^]*?\r\n\r\n/.exec(this.#received)
    if (early !== null) {
      this.#received = ''
      this.#socket.write(hello)
      if (early[1] !== undefined) this.#socket.end()
      return
    }
    for (;;) {
      const size = requestSize(this.#received)
      if (size === undefined) return
      const path = this.#received.split(' ', 2)[1] ?? ''
      this.#received = this.#received.slice(size)
      if (path === '/tunnel' || path === 'a:80') return this.#openTunnel(path)
      this.#answering = this.#answering.then(() => (answers[path] ?? pieces(hello))(this.#socket))
    }
  }

  #talk(text: string): void {
    if (text === 'reset') this.#socket.resetAndDestroy()
    else if (text === 'end') this.#socket.end()
    else this.#socket.write(`echo:${text}`)
  }

  #openTunnel(path: string): void {
    this.#tunnel = true
    const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n'
    this.#socket.write(path === 'a:80' ? `${head}\r\n` : upgrade)
  }
}

/** Bytes of the first request, or undefined when it is not complete. */
function requestSize(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const requestHead = text.slice(0, end + 4)
  if (/transfer-encoding: chunked/i.test(requestHead)) {
    const last = text.indexOf('0\r\n\r\n', end + 4)
    return last < 0 ? undefined : last + 5
  }
  const size = end + 4 + Number(/content-length: (\d+)/i.exec(requestHead)?.[1] ?? 0)
  return text.length < size ? undefined : size
}

/** An origin that speaks HTTP, and one that greets whoever connects after 300 ms, echoes one message, and leaves. */
export interface LogOrigin {
  readonly http: number
  readonly greeter: number
  stop(): void
}

/** Starts both. */
export async function startLogOrigin(): Promise<LogOrigin> {
  const sockets = new Set<Socket>()
  const listen = async (serve: (socket: Socket) => void): Promise<Server> => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      serve(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  const http = await listen((socket) => new OriginConnection(socket))
  const greeter = await listen((socket) => {
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    setTimeout(() => socket.writable && socket.write('hello'), wait)
    socket.on('data', (chunk) => socket.end(`echo:${chunk.toString('latin1')}`))
  })
  return {
    http: (http.address() as AddressInfo).port,
    greeter: (greeter.address() as AddressInfo).port,
    stop() {
      for (const socket of sockets) socket.destroy()
      http.close()
      greeter.close()
    },
  }
}
