/**
 * An HTTP/1.1 client that hides nothing: it sends what it is given, from the address it is given, and shows heads as
 * they came, with the case, the order and the repetitions of their fields. For tests that compare two proxies.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** A response as it came. */
export interface RawReply {
  /** `HTTP/1.1 200 OK`. */
  readonly line: string
  /** `name: value`, as they came. */
  readonly headers: readonly string[]
  readonly body: string
  /** How the body was delimited. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
}

/** What came instead of a response. */
export type RawEnd = 'closed' | 'reset'

/** See the head of this file. */
export class RawHttp {
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #end: RawEnd | undefined
  #wake: () => void = () => {}

  constructor(port: number, options: { readonly localAddress?: string; readonly host?: string } = {}) {
    this.#socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, ...options })
    this.#socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
    this.#socket.on('end', () => this.#over('closed'))
    this.#socket.on('error', () => this.#over('reset'))
    this.#socket.on('close', () => this.#over('closed'))
  }

  send(text: string | Buffer): void {
    this.#socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** Ends our side. */
  end(): void {
    this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
  }

  /** The next response, or how the connection ended. `head`: it answers a HEAD, so it has no body. */
  async reply(head = false): Promise<RawReply | RawEnd> {
    const headEnd = await this.#until(() => this.#bytes.indexOf('\r\n\r\n'))
    if (headEnd < 0) {
      if (this.#bytes.length > 0) throw new Error(`half a head: ${this.#bytes.toString('latin1')}`)
      return this.#end ?? 'closed'
    }
    const [line = '', ...headers] = this.#take(headEnd + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n')
    const status = Number(line.split(' ')[1])
    if (head || status < 200 || status === 204 || status === 304) {
      return { line, headers, body: '', framing: 'none' }
    }
    if (fieldOf(headers, 'transfer-encoding') === 'chunked') {
      return { line, headers, body: await this.#readChunks(), framing: 'chunked' }
    }
    const length = fieldOf(headers, 'content-length')
    if (length === undefined) {
      await this.#until(() => -1)
      return { line, headers, body: this.#take(this.#bytes.length).toString('latin1'), framing: 'close' }
    }
    return { line, headers, body: await this.#read(Number(length)), framing: 'length' }
  }

  /** How the connection ends, when nothing more is to come. */
  async ended(): Promise<RawEnd> {
    await this.#until(() => (this.#bytes.length > 0 ? 0 : -1))
    if (this.#bytes.length > 0) throw new Error(`more came: ${this.#bytes.toString('latin1')}`)
    return this.#end ?? 'closed'
  }

  async #readChunks(): Promise<string> {
    let body = ''
    for (;;) {
      const lineEnd = await this.#until(() => this.#bytes.indexOf('\r\n'))
      if (lineEnd < 0) throw new Error('the body was cut')
      const size = Number.parseInt(this.#take(lineEnd + 2).toString('latin1'), 16)
      const text = await this.#read(size + 2)
      if (size === 0) return body
      body += text.slice(0, -2)
    }
  }

  async #read(size: number): Promise<string> {
    if ((await this.#until(() => (this.#bytes.length >= size ? 0 : -1))) < 0)
      throw new Error('the body was cut')
    return this.#take(size).toString('latin1')
  }

  #take(size: number): Buffer {
    const bytes = this.#bytes.subarray(0, size)
    this.#bytes = this.#bytes.subarray(size)
    return bytes
  }

  /** What `find` answers once that is not negative, or what it says at the end of the connection. */
  async #until(find: () => number): Promise<number> {
    for (;;) {
      const found = find()
      if (found >= 0 || this.#end !== undefined) return found
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #over(how: RawEnd): void {
    this.#end ??= how
    this.#wake()
  }
}

/** The value of the first field of that name, which is given in lower case. */
export function fieldOf(headers: readonly string[], name: string): string | undefined {
  const found = headers.find((each) => each.toLowerCase().startsWith(`${name}:`))
  return found?.slice(name.length + 1).trim()
}

/** One request on a connection of its own. */
export async function askOnce(
  port: number,
  request: string | Buffer,
  options: { readonly localAddress?: string; readonly head?: boolean } = {},
): Promise<RawReply | RawEnd> {
  const { head, ...where } = options
  const client = new RawHttp(port, where)
  try {
    client.send(request)
    return await client.reply(head)
  } finally {
    client.close()
  }
}
