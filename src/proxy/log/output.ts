/** Where the lines of a log target go. Each kind loses lines rather than memory when they do not get away. */
import { errorMessage } from '../../base/errors.ts'
import { LineWriter } from '../../base/line-writer.ts'
import type { Logger } from '../../base/logger.ts'
import { descriptorStream } from './descriptor.ts'

/** Takes lines that have their header; their characters are bytes. */
export interface LogOutput {
  write(line: string): void
  /** Resolves when what was written has left, or a moment later. */
  close(): Promise<void>
}

/** How long the last lines may take to leave, in milliseconds: a reader that stalls must not hold up the exit. */
const closeTimeout = 250

/** Tells that lines of a target are lost, once, and how many they were. */
export class LossReport {
  readonly #target: string
  readonly #logger: Logger

  constructor(target: string, logger: Logger) {
    this.#target = target
    this.#logger = logger
  }

  readonly begin = (error: Error | undefined): void => {
    const why = error === undefined ? 'its reader is too slow' : errorMessage(error)
    this.#logger.warn({ target: this.#target, why }, 'log lines are being lost')
  }

  readonly end = (lines: number): void => {
    this.#logger.warn({ target: this.#target, lines }, 'log lines were lost')
  }
}

/** A file descriptor: `stdout`, `stderr`, `fd@N`. */
export class DescriptorOutput implements LogOutput {
  readonly #writer: LineWriter

  constructor(fd: number, report: LossReport) {
    const options = {
      encoding: 'latin1',
      gathers: true,
      onDrop: report.begin,
      onRecover: report.end,
    } as const
    this.#writer = new LineWriter(() => descriptorStream(fd), options)
  }

  write(line: string): void {
    this.#writer.write(line)
  }

  close(): Promise<void> {
    return this.#writer.flush(closeTimeout)
  }
}

/** A function of the user's: `ProxyOptions.stdout`, `ProxyOptions.stderr`. */
export class FunctionOutput implements LogOutput {
  readonly #take: (line: string) => void
  readonly #logger: Logger

  constructor(take: (line: string) => void, logger: Logger) {
    this.#take = take
    this.#logger = logger
  }

  /** A line that was not taken must not cost the stream that it tells of. */
  write(line: string): void {
    try {
      this.#take(line)
    } catch (error) {
      this.#logger.error({ err: error }, 'a function that takes log lines failed')
    }
  }

  async close(): Promise<void> {}
}
