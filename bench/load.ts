/**
 * A closed-loop SPOP load: `load PORT CONNECTIONS DEPTH SECONDS PAYLOAD [RATE]`. Each connection keeps DEPTH NOTIFYs in
 * flight, checks that every answer has the id that is due, and sends the next. Works against an echo too, which
 * answers each frame with itself. With RATE (frames per second over all) the load is limited to it; a line on standard
 * input is a new one.
 *
 * Prints `ready`, starts on the first SIGUSR2, prints one JSON line for each measurement, and leaves on SIGTERM.
 */
import { connect, type Socket } from 'node:net'
import { encodeHaproxyHello, Writer } from 'sluice/spop'
import { notifyFrame, type PayloadName } from './payloads.js'

const [port = '', connections = '1', depth = '1', seconds = '3', payload = 'one', rate = '0'] =
  process.argv.slice(2)
const slots = Number(depth)
const frames = Array.from({ length: slots }, (_, slot) => notifyFrame(payload as PayloadName, slot + 1))
const frameSize = frames[0]?.length ?? 0
/** Twice around, so that any run of at most DEPTH frames is one slice. */
const ring = Buffer.concat([...frames, ...frames])
/** Of an answer: length, type, flags, then the stream id of one byte. */
const idOffset = 9

const tally = { answers: 0, wrong: 0, closed: 0, latencies: new Float64Array(1 << 20), recorded: 0 }

class Connection {
  readonly socket: Socket
  #pending = Buffer.alloc(0)
  #greeted = false
  /** The slot whose answer is due next. */
  #due = 0
  /** Frames that may be sent when the rate allows. */
  owed = 0
  readonly #sentAt = new Float64Array(slots)
  readonly ready: Promise<void>

  constructor(onGreeted: () => void) {
    this.socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
    this.ready = new Promise((resolve) => {
      this.socket.once('connect', () => this.socket.write(hello()))
      this.onReady = () => {
        resolve()
        onGreeted()
      }
    })
    this.socket.on('data', (chunk) => this.#onData(chunk))
    this.socket.on('error', () => {})
    this.socket.on('close', () => tally.closed++)
  }

  private onReady: () => void = () => {}

  send(from: number, count: number): void {
    if (count === 0) return
    const now = performance.now()
    for (let index = 0; index < count; index++) this.#sentAt[(from + index) % slots] = now
    this.socket.write(ring.subarray(from * frameSize, (from + count) * frameSize))
  }

  #onData(chunk: Buffer): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    const first = this.#due
    const now = performance.now()
    let count = 0
    let at = 0
    while (bytes.length - at >= 4) {
      const size = 4 + bytes.readUInt32BE(at)
      if (bytes.length - at < size) break
      if (this.#greeted) {
        this.#onAnswer(bytes[at + idOffset] ?? 0, now)
        count++
      } else {
        this.#greeted = true
        this.onReady()
      }
      at += size
    }
    this.#pending = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at))
    if (allowance === undefined) return this.send(first, count)
    this.owed += count
  }

  #onAnswer(id: number, now: number): void {
    if (id !== this.#due + 1) tally.wrong++
    if (tally.recorded < tally.latencies.length) {
      tally.latencies[tally.recorded++] = now - (this.#sentAt[this.#due] ?? now)
    }
    tally.answers++
    this.#due = (this.#due + 1) % slots
  }

  /** Sends what the rate allows of what has been answered. */
  sendOwed(allowance: Allowance): void {
    const count = allowance.take(this.owed)
    const from = (this.#due + slots - this.owed) % slots
    this.owed -= count
    this.send(from, count)
  }
}

function hello(): Buffer {
  const writer = new Writer()
  encodeHaproxyHello(writer, {
    type: 'haproxy-hello',
    supportedVersions: '2.0',
    maxFrameSize: 16_380,
    capabilities: 'pipelining',
    healthcheck: false,
    engineId: '00000000-0000-4000-8000-000000000001',
  })
  return Buffer.from(writer.view())
}

/** How much may be sent: the rate since the last time, and never more at once than two milliseconds' worth. */
class Allowance {
  rate: number
  #frames = 0
  #at = performance.now()

  constructor(rate: number) {
    this.rate = rate
  }

  /** Up to `wanted` frames. */
  take(wanted: number): number {
    const now = performance.now()
    this.#frames = Math.min(this.#frames + ((now - this.#at) * this.rate) / 1000, this.rate / 500)
    this.#at = now
    const count = Math.min(wanted, Math.floor(this.#frames))
    this.#frames -= count
    return count
  }
}

const allowance = Number(rate) > 0 ? new Allowance(Number(rate)) : undefined
const all: Connection[] = []
for (let index = 0; index < Number(connections); index++) {
  const connection = new Connection(() => {})
  all.push(connection)
  await connection.ready
}

function measure(): void {
  const before = { answers: tally.answers, at: performance.now() }
  tally.recorded = 0
  setTimeout(
    () => {
      const elapsed = (performance.now() - before.at) / 1000
      const sorted = tally.latencies.subarray(0, tally.recorded).slice().sort()
      const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
      const answers = tally.answers - before.answers
      const { wrong, closed } = tally
      console.log(
        JSON.stringify({ answers, elapsed, p50: quantile(0.5), p99: quantile(0.99), wrong, closed }),
      )
    },
    Number(seconds) * 1000,
  )
}

if (allowance !== undefined) {
  for (const connection of all) connection.owed = slots
  let first = 0
  setInterval(() => {
    // Each time another one is the first to be served.
    first = (first + 1) % all.length
    for (const connection of [...all.slice(first), ...all.slice(0, first)]) connection.sendOwed(allowance)
  }, 1)
  process.stdin.on('data', (line) => (allowance.rate = Number(line)))
}
let started = false
process.on('SIGUSR2', () => {
  if (!started && allowance === undefined) for (const connection of all) connection.send(0, slots)
  started = true
  measure()
})
process.on('SIGTERM', () => process.exit(0))
console.log('ready')
