/** A capture through the inspector: packets become connections, connections become frames. */
import type { Side } from '../entry.ts'
import { isFrameStart, senderOf } from '../frame-start.ts'
import type { InspectedConnection, Inspector } from '../inspector.ts'
import { readPackets } from './packets.ts'
import { isKnownLink, readSegment, type Segment } from './segments.ts'
import { TcpStream } from './tcp-stream.ts'

/** What was in a capture. */
export interface CaptureSummary {
  readonly packets: number
  /** Connections that were looked at. */
  readonly connections: number
  /** Connections that carry something else. */
  readonly others: number
  /** Packets of a link layer that cannot be read. */
  readonly unknownLinks: number
}

/** Which connections are looked at. */
export interface CaptureFilter {
  /** Only those with this port at either end; undefined: all. */
  readonly port: number | undefined
  /** Also those that do not begin as SPOP or FastCGI does. */
  readonly any: boolean
}

/**
 * Reads a whole capture. Connections that do not begin as SPOP or FastCGI does are left out, unless all are wanted.
 * @throws UsageError `ERR_SLUICE_OPTION` for what is no capture.
 */
export function readCapture(file: Buffer, inspector: Inspector, filter: CaptureFilter): CaptureSummary {
  const packets = readPackets(file)
  const flows = new Map<string, Flow>()
  const all: Flow[] = []
  for (const packet of packets) {
    const segment = readSegment(packet)
    if (segment === undefined) continue
    if (filter.port !== undefined && segment.fromPort !== filter.port && segment.toPort !== filter.port)
      continue
    const key = [segment.from, segment.to].sort().join(' ')
    let flow = flows.get(key)
    // The same ports may be used again.
    const isNew = segment.syn && !segment.ack && flow?.isOver === true
    if (flow === undefined || isNew) {
      flow = new Flow(inspector, filter.any)
      flows.set(key, flow)
      all.push(flow)
    }
    flow.push(segment)
  }
  for (const flow of all) flow.finish()
  return {
    packets: packets.length,
    connections: all.filter(({ isInspected }) => isInspected).length,
    others: all.filter(({ isInspected, hasData }) => hasData && !isInspected).length,
    unknownLinks: packets.filter(({ linkType }) => !isKnownLink(linkType)).length,
  }
}

/** One connection of the capture. */
class Flow {
  readonly #inspector: Inspector
  readonly #any: boolean
  readonly #streams = new Map<string, TcpStream>()
  /** The address of the client, once it is known. */
  #client: string | undefined
  /** Whether its beginning is in the capture. */
  #fromStart = false
  #inspected: InspectedConnection | undefined
  #foreign = false
  /** Sides that have to find the beginning of a frame again. */
  readonly #lost = new Set<Side>()
  #ends = 0
  hasData = false

  constructor(inspector: Inspector, any: boolean) {
    this.#inspector = inspector
    this.#any = any
  }

  get isInspected(): boolean {
    return this.#inspected !== undefined
  }

  get isOver(): boolean {
    return this.#ends > 0
  }

  push(segment: Segment): void {
    if (segment.syn) {
      this.#client = segment.ack ? segment.to : segment.from
      this.#fromStart = true
    }
    let stream = this.#streams.get(segment.from)
    if (stream === undefined) {
      const { from, to } = segment
      stream = new TcpStream({
        onData: (bytes, time) => this.#onData(segment, bytes, time),
        onMissed: () => this.#inspected?.missed(),
        onGap: (size, time) => this.#onGap(from, size, time),
        onEnd: (how, time) => this.#onEnd(from, to, how, time),
      })
      this.#streams.set(from, stream)
    }
    // First: what it answers to may be missing.
    if (segment.ack) this.#streams.get(segment.to)?.acknowledge(segment.acknowledged, segment.time)
    stream.push(segment)
  }

  finish(): void {
    for (const stream of this.#streams.values()) stream.finish()
  }

  #onData({ from, to, fromPort, toPort }: Segment, bytes: Buffer, time: number): void {
    this.hasData = true
    if (this.#foreign) return
    this.#client ??= this.#guessClient(bytes, { from, to, fromPort, toPort })
    const side: Side = from === this.#client ? 'client' : 'server'
    if (this.#inspected === undefined) {
      const isStart = isFrameStart(bytes) || this.#any
      // In the middle of a connection the first bytes may be the rest of a frame.
      if (!isStart && !this.#fromStart) return
      if (!isStart) return void (this.#foreign = true)
      const server = from === this.#client ? to : from
      this.#inspected = this.#inspector.open({ client: this.#client, server }, time, !this.#fromStart)
      if (!this.#fromStart) this.#lost.add('client').add('server')
    }
    if (this.#lost.has(side) && !isFrameStart(bytes)) return
    this.#lost.delete(side)
    this.#inspected.push(side, bytes, time)
  }

  #guessClient(
    bytes: Buffer,
    { from, to, fromPort, toPort }: Pick<Segment, 'from' | 'to' | 'fromPort' | 'toPort'>,
  ): string {
    const sender = senderOf(bytes)
    if (sender !== undefined) return sender === 'client' ? from : to
    return fromPort > toPort ? from : to
  }

  #onGap(from: string, size: number, time: number): void {
    if (this.#inspected === undefined) return
    const side: Side = from === this.#client ? 'client' : 'server'
    this.#lost.add(side)
    this.#inspected.skip(side, size, time)
  }

  #onEnd(from: string, to: string, how: 'fin' | 'reset', time: number): void {
    this.#ends++
    // Bytes of the other direction that came out of order stay before the end.
    if (how === 'reset') this.#streams.get(to)?.finish()
    this.#inspected?.end(from === this.#client ? 'client' : 'server', how, time)
  }
}
