/** What log lines show of a stream (configuration.txt 8.2.4), computed when it is asked for. */
import type { SampleEndpoint, StreamLog } from '../../sample/stream.ts'
import type { StreamRecord } from './record.ts'
import type { LoggedStream } from './logged-stream.ts'

/** One look at one stream; a log format asks it for each of its fields. */
export class StreamLogView implements StreamLog {
  readonly #stream: LoggedStream
  readonly #record: StreamRecord

  constructor(stream: LoggedStream) {
    this.#stream = stream
    this.#record = stream.record
  }

  get acceptDate(): number {
    return this.#record.beginning.acceptDate
  }

  get requestDate(): number {
    return this.#record.beginning.requestDate
  }

  get handshakeTime(): number {
    return 0
  }

  get idleTime(): number {
    return this.#record.idleTime
  }

  get requestTime(): number {
    return this.#record.requestTime
  }

  get requestEnd(): number {
    return this.#record.requestEnd
  }

  get queueTime(): number {
    return this.#record.queueTime
  }

  get connectTime(): number {
    return this.#record.connectTime
  }

  get responseTime(): number {
    return this.#record.responseTime
  }

  get dataTime(): number {
    return this.#record.dataTime
  }

  get activeTime(): number {
    return this.#record.activeTime
  }

  get totalTime(): number {
    return this.#record.totalTime
  }

  get userTime(): number {
    return this.#record.activeTime
  }

  get asap(): boolean {
    return false
  }

  get status(): number {
    return this.#record.status
  }

  get bytesRead(): number {
    return this.#record.bytesRead
  }

  get bytesUploaded(): number {
    return this.#record.bytesUploaded
  }

  get termination(): string {
    return this.#record.termination
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
    const { context, frontend, chosenBackend, server } = this.#stream
    return {
      process: context.connections,
      frontend: frontend.connections,
      backend: chosenBackend?.streams ?? 0,
      server: server?.served ?? 0,
    }
  }

  get retries(): number {
    return this.#record.retries
  }

  get redispatched(): boolean {
    return this.#record.redispatched
  }

  get serverQueue(): number {
    return 0
  }

  get backendQueue(): number {
    return this.#record.queuedBefore
  }

  get capturedRequest(): readonly (string | undefined)[] {
    const { capturedRequest, frontend } = this.#stream
    return capturedRequest ?? this.#noCapture(frontend.plan.model.captures.request)
  }

  get capturedResponse(): readonly (string | undefined)[] {
    const { capturedResponse, frontend } = this.#stream
    return capturedResponse ?? this.#noCapture(frontend.plan.model.captures.response)
  }

  /** Empty slots are shown as well, but a request that could not be read has none. */
  #noCapture(slots: readonly unknown[]): readonly undefined[] {
    return this.#stream.head === undefined ? [] : slots.map(() => undefined)
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
    return this.#stream.context.pid
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
