import { Buffer } from 'node:buffer'
import type { ExchangeRecorder } from '../engine/recorder.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { EngineStream } from '../engine/profile.ts'
import { Writer } from '../bytes/writer.ts'
import { monotonic, wallClock } from '../base/clock.ts'
import { loggerOption, resolveLogging, type Logging } from '../base/logger-option.ts'
import type { Logger } from '../base/logger.ts'
import { integer, requireArgument, strings, type Specs } from '../base/options.ts'
import { encodeSetVar, encodeUnsetVar, type Action } from '../spop/ack.ts'
import { encodeMessages, type MessageInput } from '../spop/notify.ts'
import type { RecordingError } from './errors.ts'
import { FileSink } from './file-sink.ts'
import { encodeRecord, signature, type Ending, type FileRecord } from './format.ts'

/** Bytes. */
export interface RecorderOptions {
  /** The largest file. @default 104857600: 100 MiB, some hundred thousand exchanges */
  readonly maxSize?: number | undefined
  /**
   * How many files there may be. With 1 the recorder stops when its file is full, and refuses to begin when it exists; with more
   * it goes on in a new file, the ones before are called `FILE.1` (the latest), `FILE.2`, …, and the oldest is deleted. @default 1
   */
  readonly maxFiles?: number | undefined
  /** Arguments and variables whose values are left out: they are recorded as NULL. `*` stands for all. @default none */
  readonly omit?: readonly string[] | undefined
  /** Told when the recording is full, loses exchanges, or cannot be written. @default silent */
  readonly logger?: Logger | false | undefined
}

/** What a recorder has done. */
export interface RecorderStats {
  /** Exchanges that were recorded. */
  readonly exchanges: number
  /** Those that were lost, because the disk was slower than they came. */
  readonly lost: number
  /** Bytes, in all files. */
  readonly bytes: number
  /** Whether nothing is recorded any more: it is full, was closed, or its disk failed. */
  readonly stopped: boolean
}

/** Writes down what engines ask and are answered: give it to `Engine.record`. See {@link createRecorder}. */
export interface Recorder extends ExchangeRecorder {
  /** A recorder for one of several engines, whose exchanges can be told from the others' by this name. */
  source(name: string): ExchangeRecorder
  /** A snapshot. */
  readonly stats: RecorderStats
  /** Writes what it has; settles when the file is whole. What ends later is not recorded. */
  close(): Promise<void>
  /** The same as {@link Recorder.close}. */
  [Symbol.asyncDispose](): Promise<void>
}

const specs: Specs<RecorderOptions> = {
  maxSize: integer(104_857_600, { min: 4096 }),
  maxFiles: integer(1, { min: 1, max: 1000 }),
  omit: strings([]),
  logger: loggerOption(),
}

/**
 * Begins a recording.
 *
 * @example
 * ```ts
 * import { createEngine } from 'sluice/engine'
 * import { createRecorder } from 'sluice/recording'
 *
 * const engine = createEngine({ servers: ['127.0.0.1:12345'] })
 * const recorder = createRecorder('traffic.rec', { maxFiles: 10, omit: ['cookie'] })
 * engine.record(recorder)
 * ```
 * @throws UsageError `ERR_SLUICE_OPTION`; RecordingError `ERR_RECORDING_FILE`, also when the file exists and may not be replaced
 */
export function createRecorder(file: string, options: RecorderOptions = {}): Recorder {
  const isPath = typeof file === 'string' && file !== ''
  requireArgument(isPath, 'createRecorder: the file', 'must be a path', file)
  return new FileRecorder(file, options)
}

/** How much is gathered before it is written, and how long it may wait, in milliseconds: what a crash may cost. */
const gatheredSize = 65_536
const gatheringTime = 100
/** The most that an exchange takes beside its messages and actions, and what may be written behind it: losses, the end. */
const aroundSize = 128

const noActions = Buffer.alloc(0)
const microseconds = (milliseconds: number): number => Math.max(0, Math.round(milliseconds * 1000))

class FileRecorder implements Recorder {
  readonly #settings: Logging<RecorderOptions>
  readonly #sink: FileSink
  readonly #omitted: ReadonlySet<string>
  readonly #writer = new Writer(gatheredSize + 4096)
  readonly #scratch = new Writer(4096)
  readonly #names: string[] = []
  /** Numbers for the streams of engines; a stream of one engine may have the id of another's. */
  readonly #streams = new WeakMap<EngineStream, number>()
  #lastStream = 0
  readonly #epoch = monotonic()
  readonly #startedAt = wallClock()
  #part = 0
  /** Bytes with which each file begins. */
  #begun = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #closing: Promise<void> | undefined
  #exchanges = 0
  #lost = 0
  #bytes = 0
  /** Of `#lost`, those that the file does not tell of yet. */
  #untold = 0
  readonly #unnamed: ExchangeRecorder

  constructor(file: string, options: RecorderOptions) {
    this.#settings = resolveLogging(specs, options, 'createRecorder')
    this.#omitted = new Set(this.#settings.omit)
    this.#sink = new FileSink(file, this.#settings.maxFiles, (error) => this.#fail(error))
    this.#begin()
    this.#unnamed = this.source('')
  }

  get stats(): RecorderStats {
    return { exchanges: this.#exchanges, lost: this.#lost, bytes: this.#bytes, stopped: this.#stopped }
  }

  source(name: string): ExchangeRecorder {
    requireArgument(typeof name === 'string', 'source: the name', 'must be a string', name)
    const source = this.#names.push(name) - 1
    this.#add({ type: 'source', source, name })
    return { begin: (messages, stream) => this.#start(source, messages, stream) }
  }

  begin(messages: readonly MessageInput[], stream: EngineStream | undefined): (outcome: Outcome) => void {
    return this.#unnamed.begin(messages, stream)
  }

  #start(source: number, messages: readonly MessageInput[], stream: EngineStream | undefined) {
    const start = monotonic()
    const payload = this.#stopped ? noActions : this.#encodeMessages(messages)
    return (outcome: Outcome): void => {
      if (this.#stopped) return
      if (!this.#sink.ready) return this.#lose('the disk is too slow')
      const { status, processTime, waitTime } = outcome
      const isKept = this.#addExchange({
        type: 'exchange',
        source,
        stream: this.#streamNumber(stream),
        start: microseconds(start - this.#epoch),
        process: microseconds(processTime),
        wait: waitTime < 0 ? undefined : microseconds(waitTime),
        status,
        messages: payload,
        actions: this.#encodeActions(outcome.actions),
      })
      if (isKept) this.#exchanges++
    }
  }

  #streamNumber(stream: EngineStream | undefined): number {
    if (stream === undefined) return 0
    const known = this.#streams.get(stream)
    if (known !== undefined) return known
    this.#streams.set(stream, ++this.#lastStream)
    return this.#lastStream
  }

  /** A copy. */
  #encodeMessages(messages: readonly MessageInput[]): Buffer {
    this.#scratch.reset()
    const shown = this.#omitted.size === 0 ? messages : messages.map((message) => this.#blank(message))
    encodeMessages(this.#scratch, shown)
    return Buffer.from(this.#scratch.view())
  }

  #blank({ name, args }: MessageInput): MessageInput {
    return { name, args: args.map(([key, value]) => [key, this.#omits(key) ? null : value] as const) }
  }

  #omits(name: string): boolean {
    return this.#omitted.has(name) || this.#omitted.has('*')
  }

  /** A view: valid until something else is encoded. */
  #encodeActions(actions: readonly Action[]): Buffer {
    const scratch = this.#scratch
    scratch.reset()
    for (const action of actions) {
      const { scope, name } = action
      if (action.type === 'unset-var') encodeUnsetVar(scratch, scope, name)
      else encodeSetVar(scratch, scope, name, this.#omits(name) ? null : action.value)
    }
    return scratch.view()
  }

  /** Begins a file: each can be read without the others. */
  #begin(): void {
    const { omit } = this.#settings
    this.#writer.copy(signature)
    encodeRecord(this.#writer, {
      type: 'begin',
      startedAt: this.#startedAt,
      part: ++this.#part,
      omitted: omit,
    })
    for (const [source, name] of this.#names.entries())
      encodeRecord(this.#writer, { type: 'source', source, name })
    this.#begun = this.#writer.at
  }

  /** What does not fit the file is the first of the next one, if there is one. Answers whether it was recorded. */
  #addExchange(record: Extract<FileRecord, { type: 'exchange' }>): boolean {
    const { maxSize } = this.#settings
    const size = record.messages.length + record.actions.length + aroundSize
    if (this.#begun + size > maxSize) {
      this.#lose('one is larger than a file')
      return false
    }
    if (this.#sink.size + this.#writer.at + size > maxSize) this.#full()
    this.#add(record)
    return !this.#stopped
  }

  #add(record: FileRecord): void {
    if (this.#stopped) return
    const writer = this.#writer
    this.#tellLost()
    encodeRecord(writer, record)
    if (writer.at >= gatheredSize) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), gatheringTime).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const writer = this.#writer
    if (writer.at === 0) return
    this.#bytes += writer.at
    this.#sink.write(Buffer.from(writer.view()))
    writer.reset()
  }

  #full(): void {
    const { maxFiles, logger } = this.#settings
    if (maxFiles === 1) {
      this.#stop('full')
      logger.warn({ bytes: this.#bytes, exchanges: this.#exchanges }, 'the recording is full')
      return
    }
    this.#end('continued')
    try {
      this.#sink.rotate()
      this.#begin()
    } catch (error) {
      this.#fail(error as RecordingError) // what rotate() throws
    }
  }

  #lose(why: string): void {
    this.#lost++
    if (this.#untold++ > 0) return
    this.#settings.logger.warn({ lost: this.#lost }, `exchanges are not recorded: ${why}`)
  }

  #tellLost(): void {
    if (this.#untold > 0) encodeRecord(this.#writer, { type: 'lost', count: this.#untold })
    this.#untold = 0
  }

  #end(why: Ending): void {
    this.#tellLost()
    encodeRecord(this.#writer, { type: 'end', why })
    this.#flush()
  }

  #stop(why: Ending): void {
    if (this.#stopped) return
    this.#end(why)
    this.#stopped = true
  }

  #fail(error: RecordingError): void {
    if (this.#stopped) return
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#settings.logger.error({ err: error, exchanges: this.#exchanges }, 'the recording ends here')
  }

  close(): Promise<void> {
    this.#stop('closed')
    this.#closing ??= this.#sink.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
