/** What the tests of the agent share: an agent that closes with its test, and peers that do so too. */
import { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import { createAgent, type Agent, type AgentOptions } from 'sluice/agent'
import { Peer, type PeerTarget } from '../support/peer.ts'

/** An agent that listens. */
export interface Stage {
  readonly agent: Agent
  readonly port: number
  /** A peer that has not said anything. */
  readonly connect: (target?: PeerTarget) => Promise<Peer>
  /** A peer whose HELLO is over. */
  readonly open: (hello?: Buffer) => Promise<Peer>
}

/** Starts an agent on a port of the kernel's choice; `closeDelay` is short unless given. */
export async function stage(
  t: TestContext,
  options: AgentOptions = {},
  setUp: (agent: Agent) => void = () => {},
): Promise<Stage> {
  const agent = createAgent({ closeDelay: 5, closeTimeout: 500, logger: false, ...options })
  setUp(agent)
  const address = await agent.listen('127.0.0.1:0')
  const port = address.type === 'tcp' ? address.port : 0
  const peers: Peer[] = []
  t.after(() => {
    for (const peer of peers) peer.close()
    agent.destroy()
  })
  const connect = async (target: PeerTarget = { port }) => {
    const peer = await Peer.connect(target)
    peers.push(peer)
    return peer
  }
  const open = async (hello?: Buffer) => {
    const peer = await connect()
    await peer.greet(hello)
    return peer
  }
  return { agent, port, connect, open }
}

/** One end of a connection that records each write. */
export class SpySocket extends Duplex {
  readonly writes: Buffer[] = []
  /** The same buffers as they were handed over: whoever reuses one changes what is in here. */
  readonly handed: Buffer[] = []

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.writes.push(Buffer.from(chunk))
    this.handed.push(chunk)
    done()
  }

  /** Bytes from the peer, as one chunk. */
  arrive(...bytes: Buffer[]): void {
    this.push(Buffer.concat(bytes))
  }
}

/** A logger that keeps what it was told. */
export class MemoryLogger {
  readonly lines: { level: string; fields: Record<string, unknown>; message: string }[] = []

  #at(level: string) {
    return (fields: object, message: string) =>
      void this.lines.push({ level, fields: { ...fields } as Record<string, unknown>, message })
  }

  readonly debug = this.#at('debug')
  readonly info = this.#at('info')
  readonly warn = this.#at('warn')
  readonly error = this.#at('error')

  /** Warnings and errors. */
  get troubles(): string[] {
    return this.lines
      .filter(({ level }) => level === 'warn' || level === 'error')
      .map(({ message }) => message)
  }
}

/** A promise and its ends. */
export function deferred<T = void>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: unknown) => void
} {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
