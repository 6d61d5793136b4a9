/** What a handler may know about the message it is called for, beside the arguments. */
import type { X509Certificate } from 'node:crypto'
import { createReader, type Id } from '../spop/frame-head.ts'
import { decodeItems } from '../spop/kv-list.ts'
import { Message } from '../spop/notify.ts'

/** The connection that a message came on. */
export interface ConnectionInfo {
  /** Counts the connections of this agent from 1. */
  readonly id: number
  /** `address:port` of the peer; `unix` for a unix socket, and for a peer that was gone at once. */
  readonly peer: string
  /** HAProxy's engine-id, or the empty string. */
  readonly engineId: string
  /**
   * The client's certificate, with mutual TLS: whose authority is in `ca`, and was verified. `subject`, `subjectAltName` and
   * `fingerprint256` say who it is.
   */
  readonly certificate?: X509Certificate | undefined
  /** The negotiated frame size, in bytes. */
  readonly maxFrameSize: number
}

/**
 * Aborts the signal of a context. Not a method of it: a handler holds the context, and whether its answer is still wanted is
 * not for the handler to say.
 */
export let abortContext: (context: Context, reason: unknown) => void

/** The third parameter of a handler. */
export class Context {
  /** The name of the message. */
  readonly name: string
  /** The connection that the message came on. */
  readonly connection: ConnectionInfo
  /** Up to HAProxy 3.0 the client's stream; later a number of the connection: pass `unique-id` to correlate. */
  readonly streamId: Id
  /** With the stream id it names the exchange. */
  readonly frameId: Id
  #aborter: AbortController | undefined
  #abortReason: unknown
  #aborted = false
  #message: Message | undefined
  readonly #bytes: Buffer
  readonly #start: number
  readonly #count: number

  /** `bytes` from `start` holds `count` encoded arguments. */
  constructor(
    name: string,
    connection: ConnectionInfo,
    streamId: Id,
    frameId: Id,
    bytes: Buffer,
    start: number,
    count: number,
  ) {
    this.name = name
    this.connection = connection
    this.streamId = streamId
    this.frameId = frameId
    this.#bytes = bytes
    this.#start = start
    this.#count = count
  }

  /** The whole message with all of its arguments, decoded when it is asked for. */
  get message(): Message {
    this.#message ??= new Message(this.name, decodeItems(createReader(this.#bytes, this.#start), this.#count))
    return this.#message
  }

  /**
   * Aborted when the answer is no longer wanted: the deadline has passed, or the connection is gone. The reason is a
   * SluiceError: `ERR_AGENT_DEADLINE`, `ERR_AGENT_CLOSED`, `ERR_AGENT_SUPERSEDED`, or what the peer did wrong.
   */
  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController()
      if (this.#aborted) this.#aborter.abort(this.#abortReason)
    }
    return this.#aborter.signal
  }

  /** Whether {@link Context.signal} is aborted; asking makes no signal. */
  get aborted(): boolean {
    return this.#aborted
  }

  #abort(reason: unknown): void {
    this.#aborted = true
    this.#abortReason = reason
    this.#aborter?.abort(reason)
  }

  static {
    abortContext = (context, reason) => context.#abort(reason)
  }
}
