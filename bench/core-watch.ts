/** What the machine takes away from a whole core, by a watcher above all else that runs there; see core-watch.c. */
import { canPin, compile, start, type Running } from './processes.js'
import type { Span } from './stall-watch.js'

/** A shorter loss is not told, in milliseconds. */
const worthTelling = 5

/** See the head of this file. Without a compiler, taskset, or the right to a real-time priority, it knows nothing. */
export class CoreWatch {
  readonly #process: Running | undefined

  private constructor(process: Running | undefined) {
    this.#process = process
  }

  static async start(core: number): Promise<CoreWatch> {
    const program = canPin ? compile('core-watch') : undefined
    if (program === undefined) return new CoreWatch(undefined)
    try {
      return new CoreWatch(await start(core, [program, String(worthTelling)]))
    } catch {
      return new CoreWatch(undefined)
    }
  }

  get active(): boolean {
    return this.#process !== undefined && this.#process.child.exitCode === null
  }

  /** How much of a span everybody on the core has lost, in milliseconds. */
  lostWithin(span: Span): number {
    const lines = this.#process?.output().split('\n') ?? []
    return lines.slice(1).reduce((sum, line) => sum + overlap(span, parse(line)), 0)
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
  }
}

function parse(line: string): Span {
  const [from = 0, to = 0] = line.split(' ').map(Number)
  return { from, to }
}

function overlap(one: Span, other: Span): number {
  return Math.max(0, Math.min(one.to, other.to) - Math.max(one.from, other.from))
}
