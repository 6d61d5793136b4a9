/** Reads recordings, also those whose end is missing. */
import { Buffer } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { FrameSplitter } from '../bytes/frame-splitter.ts'
import { errorMessage } from '../base/errors.ts'
import { requireArgument } from '../base/options.ts'
import { decodeActions, type Action } from '../spop/ack.ts'
import { createReader } from '../spop/frame-head.ts'
import { decodeMessages, type Message } from '../spop/notify.ts'
import { RecordingError } from './errors.ts'
import { decodeRecord, recordFraming, signature, type ExchangeRecord, type FileRecord } from './format.ts'

/** One NOTIFY and what came of it. */
export interface RecordedExchange {
  /** The name of the engine that asked; '' when it was given none. */
  readonly source: string
  /** Exchanges of one client's stream share a number; 0: it was none of a stream. */
  readonly stream: number
  /** When it began, in milliseconds since 1970, with a fraction. */
  readonly startedAt: number
  /** Milliseconds until the outcome. */
  readonly processTime: number
  /** Milliseconds from the NOTIFY to the ACK; -1 when none came. */
  readonly waitTime: number
  /** 0 when the agent answered; else as `Outcome.status`. */
  readonly status: number
  /** What was asked. */
  readonly messages: readonly Message[]
  /** What was answered; empty when nothing was. */
  readonly actions: readonly Action[]
}

/** A recording that is being read; what it says of itself is known when all exchanges have been read. */
export interface Recording extends AsyncIterable<RecordedExchange> {
  /** What was left out when it was made. */
  readonly omitted: ReadonlySet<string>
  /** Exchanges that are missing, because the disk was too slow. */
  readonly lost: number
  /**
   * What is wrong with the file, for people: that its end is cut off, or that bytes in it are damaged. All exchanges before are
   * good. Undefined when nothing is.
   */
  readonly damage: string | undefined
}

/**
 * Opens a file that `createRecorder` wrote; exchanges come in the order in which they ended.
 * @throws UsageError `ERR_SLUICE_OPTION`; while it is read, RecordingError `ERR_RECORDING_FILE`, `ERR_RECORDING_FORMAT`.
 */
export function openRecording(file: string): Recording {
  const isPath = typeof file === 'string' && file !== ''
  requireArgument(isPath, 'openRecording: the file', 'must be a path', file)
  return new FileRecording(file)
}

class FileRecording implements Recording {
  readonly omitted = new Set<string>()
  lost = 0
  damage: string | undefined
  readonly #file: string
  readonly #names = new Map<number, string>()
  #startedAt = 0
  /** Where the records that were read whole end. */
  #at = 0
  #exchanges = 0
  #ended = false

  constructor(file: string) {
    this.#file = file
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordedExchange> {
    const splitter = new FrameSplitter(recordFraming)
    let head: Buffer | undefined = Buffer.alloc(0)
    for await (const chunk of this.#chunks()) {
      let rest = chunk
      if (head !== undefined) {
        head = Buffer.concat([head, chunk])
        if (head.length < signature.length) continue
        this.#checkSignature(head)
        rest = head.subarray(signature.length)
        head = undefined
      }
      splitter.push(rest)
      for (let record = this.#next(splitter); record !== undefined; record = this.#next(splitter)) {
        if (record.type === 'exchange') yield this.#toExchange(record)
        else this.#note(record)
      }
      if (this.damage !== undefined) return
    }
    if (head !== undefined) this.#checkSignature(head)
    this.#judgeEnd(splitter.midFrame)
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of createReadStream(this.#file, { highWaterMark: 1_048_576 }))
        yield chunk as Buffer // no encoding is set
    } catch (error) {
      throw new RecordingError('ERR_RECORDING_FILE', `${this.#file}: ${errorMessage(error)}`, {
        cause: error,
      })
    }
  }

  #checkSignature(bytes: Buffer): void {
    const name = signature.subarray(0, signature.indexOf(' ') + 1)
    if (bytes.length >= signature.length && bytes.subarray(0, signature.length).equals(signature)) {
      this.#at = signature.length
      return
    }
    const isOther = bytes.length > name.length && bytes.subarray(0, name.length).equals(name)
    const why = isOther ? 'its format is of another version' : `it does not begin with '${String(name)}'`
    throw new RecordingError('ERR_RECORDING_FORMAT', `${this.#file}: ${why}`)
  }

  /** The next record that is whole and known. */
  #next(splitter: FrameSplitter): FileRecord | undefined {
    if (this.damage !== undefined) return undefined
    try {
      while (splitter.next()) {
        const record = decodeRecord(splitter.bytes, splitter.start, splitter.end)
        this.#at += splitter.end - splitter.start
        if (record !== undefined) return record
      }
    } catch (error) {
      this.#damaged(errorMessage(error))
    }
    return undefined
  }

  #damaged(what: string): void {
    const good = `${this.#exchanges} ${this.#exchanges === 1 ? 'exchange' : 'exchanges'}`
    this.damage = `${this.#file}: at byte ${this.#at}: ${what}; the ${good} before it are good`
  }

  #note(record: Exclude<FileRecord, ExchangeRecord>): void {
    if (record.type === 'source') this.#names.set(record.source, record.name)
    else if (record.type === 'lost') this.lost += record.count
    else if (record.type === 'begin') {
      this.#startedAt = record.startedAt
      for (const name of record.omitted) this.omitted.add(name)
    } else this.#ended = true
  }

  #toExchange(record: ExchangeRecord): RecordedExchange {
    this.#exchanges++
    const { source, stream, start, process, wait, status, messages, actions } = record
    return {
      source: this.#names.get(source) ?? '',
      stream,
      startedAt: this.#startedAt + start / 1000,
      processTime: process / 1000,
      waitTime: wait === undefined ? -1 : wait / 1000,
      status,
      // Their check sum is right: what does not decode is a fault of whoever has recorded it.
      messages: decodeMessages(createReader(messages)),
      actions: decodeActions(createReader(actions)),
    }
  }

  #judgeEnd(midRecord: boolean): void {
    if (this.damage !== undefined || this.#ended) return
    this.#damaged(
      midRecord
        ? 'the last record is cut off, as after a crash'
        : 'the recording was not closed: its process was killed, or still runs',
    )
  }
}
