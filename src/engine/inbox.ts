import { FrameSplitter } from '../bytes/frame-splitter.ts'
import { decodeDisconnect, type DisconnectFrame } from '../spop/disconnect.ts'
import { control } from '../spop/frame.ts'
import { createReader, FrameHead, lengthSize, readFrameHead, SpopFraming } from '../spop/frame-head.ts'
import { decodeAgentHello, type AgentHelloFrame } from '../spop/hello.ts'

/** What a connection receives: chunks in, frames out. One reader and one head serve all frames. */
export class Inbox {
  /** The head of the current frame. */
  readonly head = new FrameHead()
  /** Stands at the payload of the current frame. */
  readonly reader = createReader()
  readonly #framing: SpopFraming
  readonly #splitter: FrameSplitter
  #shut = false

  /** `maxFrameSize`: what we announce, in bytes. */
  constructor(maxFrameSize: number) {
    this.#framing = new SpopFraming(maxFrameSize)
    this.#splitter = new FrameSplitter(this.#framing)
  }

  /** What holds after the handshake. */
  limit(maxFrameSize: number): void {
    this.#framing.maxFrameSize = maxFrameSize
  }

  /** Whether part of a frame is waiting for the rest. */
  get midFrame(): boolean {
    return this.#splitter.midFrame
  }

  push(chunk: Buffer): void {
    this.#splitter.push(chunk)
  }

  /** Moves to the next whole frame. @throws SpopError; then {@link Inbox.shut} it: there are no boundaries any more. */
  next(): boolean {
    const splitter = this.#splitter
    if (this.#shut || !splitter.next()) return false
    readFrameHead(this.reader.reset(splitter.bytes, splitter.start + lengthSize, splitter.end), this.head)
    return true
  }

  /** What still comes is dropped. */
  shut(): void {
    this.#shut = true
  }

  /** The current frame as AGENT-HELLO. */
  hello(): AgentHelloFrame {
    return decodeAgentHello(control(this.reader, this.head, 'AGENT-HELLO'))
  }

  /** The current frame as AGENT-DISCONNECT. */
  disconnect(): DisconnectFrame {
    return decodeDisconnect(control(this.reader, this.head, 'AGENT-DISCONNECT'), 'agent-disconnect')
  }
}
