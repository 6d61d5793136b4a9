/** Writes lines to a stream whose reader may be slow, stall or leave: it costs lines then, not memory, not the process. */
import type { Writable } from 'node:stream'
import { monotonic } from './clock.ts'

/** How a {@link LineWriter} writes, and who hears of lines that are lost. */
export interface LineWriterOptions {
  /** `latin1` for text with one character for each byte. */
  readonly encoding: 'latin1' | 'utf8'
  /** The lines of one turn of the loop leave in one write, at its end. Else each leaves at once. @default false */
  readonly gathers?: boolean
  /** Told when the first line is lost: the reader does not read, or the stream has failed. */
  readonly onDrop: (error: Error | undefined) => void
  /** Told how many lines were lost, once everything else has been written, or at the end. */
  readonly onRecover: (dropped: number) => void
}

/** Bytes that wait for the reader; as many again may be on their way. */
const mostQueued = 1_048_576
/** What a short line costs beyond its characters. */
const lineOverhead = 32
/** Milliseconds that a stream which failed is left alone. */
const retryAfter = 1000

/** Streams that have a listener for errors: the same one may be under several writers. */
const guarded = new WeakSet<Writable>()

/**
 * Writes lines to a stream whose reader may be slow, stall or leave. Lines beyond the room of the queue are counted and
 * lost. A stream that fails, or cannot be opened, is tried again after a second.
 */
export class LineWriter {
  readonly #open: () => Writable
  readonly #options: LineWriterOptions
  #stream: Writable | undefined
  #queue = ''
  #queuedLines = 0
  /** Lines that the stream has been given and has not confirmed. */
  #inFlight = 0
  #gathering = false
  #dropped = 0
  #failedAt = Number.NEGATIVE_INFINITY
  #onIdle: () => void = () => {}

  /** `open` gives the stream: at the first line, and again when it has been destroyed. */
  constructor(open: () => Writable, options: LineWriterOptions) {
    this.#open = open
    this.#options = options
  }

  /** Writes one line; the line feed is added. */
  write(line: string): void {
    if (monotonic() - this.#failedAt < retryAfter) return this.#drop(1, undefined)
    const stream = this.#stream
    const { gathers = false } = this.#options
    // Most lines leave within the call: the queue is for a stream that holds something back.
    if (gathers) this.#gather()
    else if (this.#inFlight === 0 || stream === undefined || stream.writableLength === 0) {
      return this.#send(`${line}\n`, 1)
    }
    const cost = this.#queue.length + line.length + (this.#queuedLines + 1) * lineOverhead
    if (cost > mostQueued) return this.#drop(1, undefined)
    this.#queue += `${line}\n`
    this.#queuedLines++
  }

  /** Has what is queued sent at the end of the turn. */
  #gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    setImmediate(() => {
      this.#gathering = false
      if (this.#inFlight === 0 || this.#stream?.writableLength === 0) this.#sendQueue()
    })
  }

  /**
   * Hands what waits to the stream, and resolves when that has been written, at the latest after `timeout` milliseconds.
   * The stream is not ended.
   */
  async flush(timeout: number): Promise<void> {
    this.#sendQueue()
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeout)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#recover()
  }

  #send(text: string, lines: number): void {
    this.#inFlight += lines
    const written = (error?: Error | null) => this.#written(lines, error ?? undefined)
    try {
      if (this.#stream === undefined || this.#stream.destroyed) this.#stream = guard(this.#open())
      this.#stream.write(text, this.#options.encoding, written)
    } catch (error) {
      written(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #sendQueue(): void {
    const lines = this.#queuedLines
    if (lines === 0) return
    const text = this.#queue
    this.#queue = ''
    this.#queuedLines = 0
    this.#send(text, lines)
  }

  #written(lines: number, error: Error | undefined): void {
    this.#inFlight -= lines
    if (error !== undefined) {
      this.#failedAt = monotonic()
      const lost = lines + this.#queuedLines
      this.#queue = ''
      this.#queuedLines = 0
      this.#drop(lost, error)
    } else if (this.#inFlight === 0) {
      this.#sendQueue()
      if (this.#inFlight === 0) this.#recover()
    }
    if (this.#inFlight === 0) this.#onIdle()
  }

  #drop(lines: number, error: Error | undefined): void {
    const isFirst = this.#dropped === 0
    this.#dropped += lines
    if (isFirst) this.#options.onDrop(error)
  }

  #recover(): void {
    const dropped = this.#dropped
    if (dropped === 0) return
    this.#dropped = 0
    this.#options.onRecover(dropped)
  }
}

/** What fails is told to the callback of the write; the event of the same name would end the process. */
function guard(stream: Writable): Writable {
  if (!guarded.has(stream)) {
    guarded.add(stream)
    stream.on('error', () => {})
  }
  return stream
}
