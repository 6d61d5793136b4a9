/** A syslog server over UDP (RFC 5426): one datagram for each line, its line feed included, as HAProxy sends it. */
import { Buffer } from 'node:buffer'
import { createSocket } from 'node:dgram'
import type { Socket, SocketOptions } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { monotonic } from '../../base/clock.ts'
import { takePiece } from '../../base/slab.ts'
import { Turn } from '../../base/turn.ts'
import type { Flushable } from '../../base/turn.ts'
import { writeLatin1 } from '../../bytes/latin1.ts'
import type { LogOutput, LossReport } from './output.ts'

/** Bytes that may wait: for the name to be resolved, and for the kernel. */
const mostQueued = 1_048_576
/** What a datagram costs beyond its bytes. */
const datagramOverhead = 256
/** Milliseconds until a name that could not be resolved is tried again. */
const retryAfter = 1000

/**
 * A syslog server over UDP. Its name is resolved once, as in HAProxy; lines wait for that, within bounds. Those of a turn leave at its
 * end: the kernel's way out stays in the processor's caches, and ours does too.
 */
export class UdpOutput implements LogOutput, Flushable {
  readonly #host: string
  readonly #port: number
  readonly #report: LossReport
  #socket: Socket | undefined
  #address = ''
  #opening = false
  #closed = false
  #failedAt = Number.NEGATIVE_INFINITY
  readonly #turn = new Turn()
  /** Of this turn. */
  #lines: string[] = []
  #waiting: Buffer[] = []
  #waitingCost = 0
  #dropped = 0

  constructor(host: string, port: number, report: LossReport) {
    this.#host = host
    this.#port = port
    this.#report = report
  }

  write(line: string): void {
    if (this.#socket !== undefined) {
      if (this.#lines.push(line) === 1) this.#turn.add(this)
      return
    }
    const datagram = Buffer.from(`${line}\n`, 'latin1')
    const cost = datagram.length + datagramOverhead
    if (monotonic() - this.#failedAt < retryAfter || this.#waitingCost + cost > mostQueued) {
      return this.#drop(1)
    }
    this.#waiting.push(datagram)
    this.#waitingCost += cost
    if (!this.#opening) void this.#open()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.flush()
    this.#socket?.close()
    this.#socket = undefined
    this.#recover()
  }

  async #open(): Promise<void> {
    this.#opening = true
    let socket: Socket | undefined
    try {
      const { address, family } = await lookup(this.#host)
      socket = await bind(family === 6 ? 'udp6' : 'udp4')
      this.#address = address
    } catch (error) {
      this.#failedAt = monotonic()
      const lost = this.#takeWaiting().length
      this.#drop(lost, error instanceof Error ? error : new Error(String(error)))
    }
    this.#opening = false
    if (socket === undefined) return
    if (this.#closed) return void socket.close()
    socket.on('error', (error) => this.#drop(1, error))
    this.#socket = socket
    for (const each of this.#takeWaiting()) this.#send(socket, each)
  }

  #takeWaiting(): Buffer[] {
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingCost = 0
    return waiting
  }

  flush(): void {
    const socket = this.#socket
    const lines = this.#lines
    if (socket === undefined || lines.length === 0) return
    this.#lines = []
    for (const line of lines) this.#send(socket, encode(line))
  }

  #send(socket: Socket, datagram: Buffer): void {
    if (socket.getSendQueueSize() + datagram.length > mostQueued) return this.#drop(1)
    socket.send(datagram, this.#port, this.#address, this.#onSent)
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#drop(1, error)
    else this.#recover()
  }

  #drop(lines: number, error?: Error): void {
    const isFirst = this.#dropped === 0
    this.#dropped += lines
    if (isFirst) this.#report.begin(error)
  }

  #recover(): void {
    const dropped = this.#dropped
    if (dropped === 0) return
    this.#dropped = 0
    this.#report.end(dropped)
  }
}

function encode(line: string): Buffer {
  const datagram = takePiece(line.length + 1)
  writeLatin1(datagram, line, 0)
  datagram[line.length] = 0x0a
  return datagram
}

/** A socket with a port of its own that does not keep the process running. */
function bind(type: 'udp4' | 'udp6'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // It is given addresses alone: without this, each datagram would wait for a name to be resolved that is none.
    const resolveNothing: SocketOptions['lookup'] = (address, _, done) =>
      done(null, address, type === 'udp6' ? 6 : 4)
    const socket = createSocket({ type, lookup: resolveNothing })
    socket.unref()
    socket.once('error', reject)
    socket.bind({ port: 0, exclusive: true }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
