/** What log lines show of a stream (configuration.txt 8.2.4), computed when it is asked for. */
import type { SampleEndpoint, StreamLog } from '../../sample/stream.ts'
import { between } from './times.ts'
import type { ProxyStream } from './stream.ts'


/** See the head of this file. */
export class StreamLogView implements StreamLog {
  readonly #stream: ProxyStream

  constructor(stream: ProxyStream) {
    this.#stream = stream
  }

  get acceptDate(): number {
    return this.#stream.times.acceptDate
  }

  get requestDate(): number {
    return this.#stream.times.requestDate
  }

  get handshakeTime(): number {
    return 0
  }

  get idleTime(): number {
    const { accepted, begun } = this.#stream.times
    return between(accepted, begun)
  }

  get requestTime(): number {
    const { begun, requested } = this.#stream.times
    return between(begun, requested)
  }

  get requestEnd(): number {
    const { accepted, requested } = this.#stream.times
    return between(accepted, requested)
  }

  get queueTime(): number {
    const { begun, requested, assigned } = this.#stream.times
    return between(requested < 0 ? begun : requested, assigned)
  }

  get connectTime(): number {
    const { assigned, connected } = this.#stream.times
    return between(assigned, connected)
  }

  get responseTime(): number {
    const { connected, responded } = this.#stream.times
    return between(connected, responded)
  }

  get dataTime(): number {
    const { responded, ended } = this.#stream.times
    return between(responded, ended)
  }

  get activeTime(): number {
    const { begun, ended } = this.#stream.times
    return between(begun, ended)
  }

  get totalTime(): number {
    const { accepted, ended } = this.#stream.times
    return between(accepted, ended)
  }

  get userTime(): number {
    const { begun, ended } = this.#stream.times
    return between(begun, ended)
  }

  get asap(): boolean {
    return false
  }

  get status(): number {
    return this.#stream.status
  }

  get bytesRead(): number {
    return this.#stream.bytesRead
  }

  get bytesUploaded(): number {
    return this.#stream.bytesUploaded
  }

  get termination(): string {
    const { cause, stage } = this.#stream
    return cause === '-' ? '--' : cause + stage
  }

  get cookieState(): string {
    return '--'
  }

  get requestCookie(): undefined {
    return undefined
  }

  get responseCookie(): undefined {
    return undefined
  }

  get connections(): StreamLog['connections'] {
    const { frontend, chosenBackend, server } = this.#stream
    return {
      process: frontend.proxy.connections,
      frontend: frontend.connections,
      backend: chosenBackend?.streams ?? 0,
      server: server?.served ?? 0,
    }
  }

  get retries(): number {
    return this.#stream.retries
  }

  get redispatched(): boolean {
    return this.#stream.redispatched
  }

  get serverQueue(): number {
    return 0
  }

  get backendQueue(): number {
    return this.#stream.queuedBefore
  }

  get capturedRequest(): readonly (string | undefined)[] {
    const { capturedRequest, frontend } = this.#stream
    return capturedRequest ?? frontend.plan.model.captures.request.map(() => undefined)
  }

  get capturedResponse(): readonly (string | undefined)[] {
    const { capturedResponse, frontend } = this.#stream
    return capturedResponse ?? frontend.plan.model.captures.response.map(() => undefined)
  }

  get requestLine(): string | undefined {
    return this.#stream.requestLine
  }

  get requestCounter(): number {
    return this.#stream.serial
  }

  get logCounter(): number {
    return this.#stream.frontend.logged
  }

  get pid(): number {
    return this.#stream.frontend.proxy.pid
  }

  get backendSource(): SampleEndpoint | undefined {
    return this.#stream.backendSource
  }

  get serverAddress(): SampleEndpoint | undefined {
    return this.#stream.serverAddress
  }

  get noServer(): string {
    return '<NOSRV>'
  }
}
