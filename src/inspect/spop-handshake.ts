/** The HELLOs of a connection: what both ends agreed on, and what is wrong with either. */
import { SpopError } from '../spop/errors.ts'
import { createReader, FrameType } from '../spop/frame-head.ts'
import {
  decodeAgentHello,
  decodeHaproxyHello,
  type AgentHelloFrame,
  type HaproxyHelloFrame,
} from '../spop/hello.ts'
import {
  acceptAgentHello,
  acceptHaproxyHello,
  parseList,
  type Agreement,
  type Capability,
} from '../spop/negotiation.ts'
import type { Finding } from './entry.ts'
import { find } from './rules.ts'
import type { SpopFrame } from './spop-frame.ts'

/** HAProxy 3.2 takes a first piece that is shorter than this. */
const leastBadPiece = 11

/** What is known of one connection. */
export class SpopHandshake {
  /** What holds after both HELLOs. */
  agreement: Agreement | undefined
  #client: HaproxyHelloFrame | undefined
  #server: AgentHelloFrame | undefined

  /** Whether the client only wants to know if there is an agent. */
  get isHealthCheck(): boolean {
    return this.#client?.healthcheck === true
  }

  get engineId(): string | undefined {
    return this.#client?.engineId
  }

  /** The largest frame, in bytes, as far as it is known. */
  get maxFrameSize(): number | undefined {
    return this.agreement?.maxFrameSize ?? this.#client?.maxFrameSize
  }

  /** Whether the agent takes fragments. HAProxy never says that it makes them. */
  get fragmentation(): boolean {
    return parseList(this.#server?.capabilities ?? '').includes('fragmentation')
  }

  /** Takes a HELLO, and answers what is wrong with it. `firstPiece`: bytes that came at once. */
  take(frame: SpopFrame, size: number, firstPiece: number): Finding[] {
    try {
      return frame.head.type === FrameType.HaproxyHello
        ? this.#takeClient(decodeHaproxyHello(createReader(frame.payload)))
        : this.#takeServer(decodeAgentHello(createReader(frame.payload)), size, firstPiece)
    } catch (error) {
      if (error instanceof SpopError) return [refused(error)]
      throw error
    }
  }

  #takeClient(hello: HaproxyHelloFrame): Finding[] {
    if (this.#client !== undefined) return [find('hello.again', 'HAPROXY-HELLO')]
    this.#client = hello
    acceptHaproxyHello(hello, { maxFrameSize: hello.maxFrameSize ?? 0, capabilities: [] })
    return []
  }

  #takeServer(hello: AgentHelloFrame, size: number, firstPiece: number): Finding[] {
    if (this.#server !== undefined) return [find('hello.again', 'AGENT-HELLO')]
    this.#server = hello
    const findings: Finding[] = []
    if (firstPiece >= leastBadPiece && firstPiece < size) findings.push(find('hello.split', firstPiece, size))
    if (this.#client === undefined) return [...findings, find('frame.before-hello', 'AGENT-HELLO')]
    return [...findings, ...this.#agree(this.#client, hello)]
  }

  #agree(client: HaproxyHelloFrame, server: AgentHelloFrame): Finding[] {
    const findings: Finding[] = []
    if (server.capabilities === undefined) findings.push(find('hello.no-capabilities'))
    const maxFrameSize = client.maxFrameSize ?? 0
    try {
      this.agreement = acceptAgentHello(server, { maxFrameSize, capabilities: capabilitiesOf(client) })
    } catch (error) {
      if (!(error instanceof SpopError)) throw error
      return [...findings, refused(error)]
    }
    if (client.healthcheck) return findings
    if (this.agreement.maxFrameSize < maxFrameSize) {
      findings.push(find('hello.smaller-frames', this.agreement.maxFrameSize, maxFrameSize))
    }
    if (this.agreement.async) findings.push(find('hello.async'))
    return findings
  }
}

function refused(error: SpopError): Finding {
  return find('hello.refused', error.status, error.message)
}

const known: readonly Capability[] = ['pipelining', 'async', 'fragmentation']

function capabilitiesOf({ capabilities }: HaproxyHelloFrame): Capability[] {
  const announced = parseList(capabilities ?? '')
  return known.filter((each) => announced.includes(each))
}
