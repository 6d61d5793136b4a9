import { constants, createWriteStream, existsSync, openSync, renameSync, type WriteStream } from 'node:fs'
import { errorMessage } from '../base/errors.ts'
import { RecordingError } from './errors.ts'

/** Bytes that may wait for the disk; what comes beyond is lost, for traffic does not wait for it. */
const mostPending = 16_777_216
/** Traffic is nobody else's business. */
const mode = 0o600

/** A file that is written behind traffic, and its predecessors `FILE.1` (the latest), `FILE.2`, … */
export class FileSink {
  /** Bytes of the current file. */
  size = 0
  readonly #path: string
  readonly #files: number
  readonly #onError: (error: RecordingError) => void
  #stream: WriteStream
  #failed = false
  /** Files that were rotated away and are not written out yet. */
  readonly #closing = new Set<Promise<void>>()

  /**
   * Opens the file; what is there already is kept as `FILE.1` where there may be several files.
   * @throws RecordingError `ERR_RECORDING_FILE`, also when the file exists and there is one only.
   */
  constructor(path: string, files: number, onError: (error: RecordingError) => void) {
    this.#path = path
    this.#files = files
    this.#onError = onError
    if (files > 1 && existsSync(path)) this.#shift()
    this.#stream = this.#open()
  }

  /** Whether it takes more: the disk is neither broken nor too slow. */
  get ready(): boolean {
    return !this.#failed && this.#stream.writableLength < mostPending
  }

  /** The bytes are the sink's from now on. */
  write(bytes: Buffer): void {
    this.size += bytes.length
    this.#stream.write(bytes)
  }

  /** Goes on in a new file. @throws RecordingError `ERR_RECORDING_FILE`. */
  rotate(): void {
    const closing = endStream(this.#stream)
    this.#closing.add(closing)
    void closing.finally(() => this.#closing.delete(closing))
    // A file that is open is written under its new name, too.
    this.#shift()
    this.#stream = this.#open()
    this.size = 0
  }

  /** Settles when everything is written. */
  async close(): Promise<void> {
    await Promise.all([...this.#closing, endStream(this.#stream)])
  }

  #shift(): void {
    try {
      for (let number = this.#files - 1; number > 0; number--) {
        const from = number === 1 ? this.#path : `${this.#path}.${number - 1}`
        if (existsSync(from)) renameSync(from, `${this.#path}.${number}`)
      }
    } catch (error) {
      throw new RecordingError('ERR_RECORDING_FILE', errorMessage(error), { cause: error })
    }
  }

  #open(): WriteStream {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
    let fd: number
    try {
      fd = openSync(this.#path, flags, mode)
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
      const detail = exists ? `${this.#path} is there already, and is kept` : errorMessage(error)
      throw new RecordingError('ERR_RECORDING_FILE', detail, { cause: error })
    }
    const stream = createWriteStream(this.#path, { fd })
    stream.on('error', (error) => {
      this.#failed = true
      this.#onError(new RecordingError('ERR_RECORDING_FILE', errorMessage(error), { cause: error }))
    })
    return stream
  }
}

function endStream(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) return resolve()
    stream.once('close', () => resolve())
    stream.end()
  })
}
