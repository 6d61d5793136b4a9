/**
 * A health check as HAProxy's `option spop-check` does it: a HELLO of its own on a connection of its own, whose answer
 * must be exact (`spoe_handle_healthcheck_response` in HAProxy up to 3.0).
 */
import { FrameSplitter } from '../bytes/frame-splitter.ts'
import { Writer } from '../bytes/writer.ts'
import { monotonic } from '../base/clock.ts'
import { Deadline } from '../base/deadline.ts'
import { onAbort } from '../base/on-abort.ts'
import { decodeDisconnect } from '../spop/disconnect.ts'
import { SpopError } from '../spop/errors.ts'
import {
  createReader,
  FrameFlag,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
  SpopFraming,
} from '../spop/frame-head.ts'
import { decodeAgentHello, encodeHaproxyHello, type AgentHelloFrame } from '../spop/hello.ts'
import { acceptAgentHello, parseList, spopVersion } from '../spop/negotiation.ts'
import { EngineError } from './errors.ts'
import type { EngineSettings } from './options.ts'
import { openTransport, type ConnectTo, type Transport } from './socket.ts'
import { readyEvent } from './tls.ts'

/** What a health check found. */
export interface HealthReport {
  /** The server's endpoint as text. */
  readonly server: string
  /** Whether HAProxy would take the server for up. */
  readonly healthy: boolean
  /** What was wrong; undefined when healthy. */
  readonly error: EngineError | undefined
  /** Milliseconds from connecting to the answer or the failure. */
  readonly duration: number
  /** What the agent announced, when it answered; bytes. */
  readonly maxFrameSize: number | undefined
  /** What the agent announced, when it answered; empty when it did not. */
  readonly capabilities: readonly string[]
}

/** Which server is asked. */
export interface HealthTarget {
  readonly name: string
  connect(connectTo: ConnectTo): Transport
}

/** Never rejects; `signal` ends it, with its reason as the cause. */
export function checkHealth(
  target: HealthTarget,
  options: EngineSettings,
  signal: AbortSignal,
): Promise<HealthReport> {
  return new Promise((resolve) => {
    const check = new HealthCheck(target, options, (report) => {
      forget()
      resolve(report)
    })
    // It is never over before this returns.
    const forget = onAbort(signal, () => check.interrupt(signal.reason))
  })
}

class HealthCheck {
  readonly #target: HealthTarget
  readonly #options: EngineSettings
  readonly #resolve: (report: HealthReport) => void
  readonly #startedAt = monotonic()
  readonly #splitter: FrameSplitter
  readonly #socket: Transport
  readonly #deadline = new Deadline(() => this.#onTimeout())
  #connected = false
  #done = false

  constructor(target: HealthTarget, options: EngineSettings, resolve: (report: HealthReport) => void) {
    this.#target = target
    this.#options = options
    this.#resolve = resolve
    this.#splitter = new FrameSplitter(new SpopFraming(options.maxFrameSize))
    this.#deadline.arm(options.connectTimeout)
    this.#socket = openTransport(target, options.connect)
    this.#socket.on(readyEvent(this.#socket), () => this.#onConnect())
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.#socket.on('error', (error) => this.#onLost(error.message, error))
    this.#socket.on('close', () => this.#onLost('the agent closed it before it answered', undefined))
  }

  interrupt(cause: unknown): void {
    this.#finish(new EngineError('ERR_ENGINE_INTERRUPTED', 'the engine was destroyed', { cause }))
  }

  #onConnect(): void {
    this.#connected = true
    this.#deadline.arm(this.#options.helloTimeout)
    const writer = new Writer()
    encodeHaproxyHello(writer, {
      type: 'haproxy-hello',
      supportedVersions: spopVersion,
      maxFrameSize: this.#options.maxFrameSize,
      capabilities: '',
      healthcheck: true,
      engineId: undefined,
    })
    this.#socket.write(writer.view())
  }

  #onData(chunk: Buffer): void {
    if (this.#done) return
    try {
      this.#splitter.push(chunk)
      if (!this.#splitter.next()) return
      this.#finish(undefined, this.#decode())
    } catch (cause) {
      this.#finish(cause instanceof EngineError ? cause : wrongAnswer(cause))
    }
  }

  #decode(): AgentHelloFrame {
    const { bytes, start, end } = this.#splitter
    const reader = createReader(bytes, start + lengthSize, end)
    const head = new FrameHead()
    readFrameHead(reader, head)
    if (head.type === FrameType.AgentDisconnect) {
      const { statusCode, message } = decodeDisconnect(reader, 'agent-disconnect')
      const detail = `status ${statusCode}, '${message}'`
      throw new EngineError('ERR_ENGINE_DISCONNECTED', detail, { status: 256 + statusCode })
    }
    if (head.type === FrameType.AgentHello && (head.flags & FrameFlag.Fin) === 0)
      throw new SpopError('ERR_SPOP_FRAGMENTATION', 'a HELLO without FIN')
    if (
      head.type !== FrameType.AgentHello ||
      head.flags !== FrameFlag.Fin ||
      head.streamId !== 0 ||
      head.frameId !== 0
    ) {
      const detail = `a frame of type ${head.type}, flags ${head.flags}, ids ${head.streamId}/${head.frameId}`
      throw new EngineError('ERR_ENGINE_HEALTH', detail)
    }
    const hello = decodeAgentHello(reader)
    acceptAgentHello(hello, this.#options)
    return hello
  }

  #onTimeout(): void {
    const detail = this.#connected
      ? `${this.#options.helloTimeout} ms`
      : `nothing after ${this.#options.connectTimeout} ms`
    this.#finish(new EngineError(this.#connected ? 'ERR_ENGINE_HELLO_TIMEOUT' : 'ERR_ENGINE_CONNECT', detail))
  }

  #onLost(detail: string, cause: Error | undefined): void {
    this.#finish(
      new EngineError(this.#connected ? 'ERR_ENGINE_CONNECTION_LOST' : 'ERR_ENGINE_CONNECT', detail, {
        cause,
      }),
    )
  }

  #finish(error: EngineError | undefined, hello?: AgentHelloFrame): void {
    if (this.#done) return
    this.#done = true
    this.#deadline.stop()
    this.#socket.destroy()
    this.#resolve({
      server: this.#target.name,
      healthy: error === undefined,
      error,
      duration: monotonic() - this.#startedAt,
      maxFrameSize: hello?.maxFrameSize,
      capabilities: parseList(hello?.capabilities ?? ''),
    })
  }
}

function wrongAnswer(cause: unknown): EngineError {
  if (!(cause instanceof SpopError)) return new EngineError('ERR_ENGINE_INTERNAL', undefined, { cause })
  return new EngineError('ERR_ENGINE_HEALTH', cause.message, { status: 256 + cause.status, cause })
}
