/** Sends what was recorded to an agent, and compares the answers with the recorded ones. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../engine/engine.ts'
import { ErrorStatus } from '../engine/outcome.ts'
import type { EngineStream } from '../engine/profile.ts'
import { monotonic } from '../base/clock.ts'
import { isAbortSignal } from '../base/on-abort.ts'
import {
  hasMethods,
  integer,
  milliseconds,
  requireArgument,
  resolveOptions,
  strings,
  type OptionSpec,
  type Resolved,
  type Specs,
} from '../base/options.ts'
import { inStartOrder } from './in-start-order.ts'
import type { RecordedExchange, Recording } from './reader.ts'
import { ReportWriter, type ReplayOutcome, type ReplayReport } from './report.ts'

/** How fast: as recorded, so many times as fast, or a number of exchanges per second; `max` waits for nothing but answers. */
export type ReplayRate = 'recorded' | 'max' | { readonly times: number } | { readonly perSecond: number }

/** Milliseconds. */
export interface ReplayOptions {
  /** @default 'recorded' */
  readonly rate?: ReplayRate | undefined
  /** Exchanges that may be under way at a time; when that many are, sending falls behind. @default 256 */
  readonly maxInFlight?: number | undefined
  /** How long an answer may take. @default 1000 */
  readonly timeout?: number | undefined
  /** Sends no more than so many. @default all */
  readonly limit?: number | undefined
  /** Ends it early: what is under way is waited for, and the report is of what was sent. @default none */
  readonly signal?: AbortSignal | undefined
  /** Variables that need not be equal: `name`, or `scope.name`. @default none */
  readonly ignore?: readonly string[] | undefined
}

const isRate = (given: unknown): boolean => {
  if (given === 'recorded' || given === 'max') return true
  if (typeof given !== 'object' || given === null) return false
  const [entry, ...more] = Object.entries(given) as [string, unknown][]
  if (entry === undefined || more.length > 0) return false
  const [key, value] = entry
  return (key === 'times' || key === 'perSecond') && Number.isFinite(value) && (value as number) > 0
}

const rate: OptionSpec<ReplayRate> = {
  fallback: 'recorded',
  check: (given) => (isRate(given) ? undefined : "must be 'recorded', 'max', { times } or { perSecond }"),
}

const specs: Specs<ReplayOptions> = {
  rate,
  maxInFlight: integer(256, { min: 1, max: 100_000 }),
  timeout: milliseconds(1000, { min: 1 }),
  limit: integer(Infinity, { min: 1 }),
  signal: {
    fallback: undefined,
    check: (given) => (isAbortSignal(given) ? undefined : 'must be an AbortSignal'),
  },
  ignore: strings([]),
}

/**
 * Sends each exchange of the recordings with `engine`. Exchanges of one client's stream keep their order, and one that began
 * when the one before it had ended does not begin earlier now.
 * @throws UsageError `ERR_SLUICE_OPTION`; RecordingError `ERR_RECORDING_FILE`, `ERR_RECORDING_FORMAT`
 */
export async function replay(
  recordings: readonly Recording[],
  engine: Engine,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const areRecordings = Array.isArray(recordings) && recordings.every(isRecording)
  requireArgument(areRecordings, 'replay: the recordings', 'must be an array of recordings', recordings)
  requireArgument(hasMethods(engine, 'send', 'createStream'), 'replay: the engine', 'must be one', engine)
  const run = new Replay(engine, resolveOptions(specs, options, 'replay'))
  for (const recording of recordings) await run.send(recording)
  return run.finish()
}

function isRecording(given: unknown): boolean {
  return typeof given === 'object' && given !== null && Symbol.asyncIterator in given
}

/** One stream that was recorded. */
interface StreamTrack {
  readonly stream: EngineStream
  /** Its exchanges that are not answered yet, and when they were, in recorded time. */
  readonly underWay: { readonly end: number; readonly done: Promise<void> }[]
}

/** Streams that are remembered: clients do not stay for ever, and nothing says when they leave. */
const mostTracks = 65_536
/** Timers are no finer than this, in milliseconds. */
const tick = 1

class Replay {
  readonly #engine: Engine
  readonly #options: Resolved<ReplayOptions>
  readonly #ignored: ReadonlySet<string>
  #report: ReportWriter | undefined
  #tracks = new Map<number, StreamTrack>()
  readonly #underWay = new Set<Promise<void>>()
  #room: (() => void) | undefined
  /** When the first one was sent, and when it was recorded. */
  #began: number | undefined
  #firstRecorded = 0
  #sent = 0
  #lag = 0

  constructor(engine: Engine, options: Resolved<ReplayOptions>) {
    this.#engine = engine
    this.#options = options
    this.#ignored = new Set(options.ignore)
  }

  async send(recording: Recording): Promise<void> {
    const { limit, maxInFlight } = this.#options
    // Numbers of streams are the recording's own.
    this.#tracks = new Map()
    for await (const exchange of inStartOrder(recording)) {
      if (this.#sent >= limit || this.#isAborted) return
      // What is omitted is known with the first exchange, and the same in all parts.
      this.#report ??= new ReportWriter({ omitted: recording.omitted, ignored: this.#ignored })
      await this.#awaitTurn(exchange)
      if (this.#underWay.size >= maxInFlight) await new Promise<void>((resolve) => (this.#room = resolve))
      if (this.#isAborted) return
      this.#begin(exchange, this.#report)
    }
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true
  }

  async finish(): Promise<ReplayReport> {
    await Promise.all(this.#underWay)
    const report = this.#report ?? new ReportWriter({ omitted: new Set(), ignored: this.#ignored })
    return report.report(this.#began === undefined ? 0 : monotonic() - this.#began, this.#lag)
  }

  async #awaitTurn({ startedAt }: RecordedExchange): Promise<void> {
    if (this.#began === undefined) {
      this.#began = monotonic()
      this.#firstRecorded = startedAt
    }
    const { rate: wanted, signal } = this.#options
    if (wanted === 'max') return
    const due = this.#began + this.#offset(startedAt, wanted)
    const early = due - monotonic()
    // Whoever has called this looks whether it was ended.
    if (early >= tick) await sleep(early, undefined, signal === undefined ? {} : { signal }).catch(() => {})
    this.#lag = Math.max(this.#lag, monotonic() - due)
  }

  /** Milliseconds after the first one. */
  #offset(startedAt: number, wanted: Exclude<ReplayRate, 'max'>): number {
    if (wanted !== 'recorded' && 'perSecond' in wanted) return (this.#sent * 1000) / wanted.perSecond
    return (startedAt - this.#firstRecorded) / (wanted === 'recorded' ? 1 : wanted.times)
  }

  #begin(exchange: RecordedExchange, report: ReportWriter): void {
    this.#sent++
    const done = this.#exchange(exchange, report).finally(() => {
      this.#underWay.delete(done)
      this.#room?.()
      this.#room = undefined
    })
    this.#underWay.add(done)
  }

  async #exchange(exchange: RecordedExchange, report: ReportWriter): Promise<void> {
    const track = exchange.stream === 0 ? undefined : this.#trackOf(exchange)
    if (track === undefined) return report.add(exchange, await this.#ask(exchange))
    const before = track.underWay.filter(({ end }) => end <= exchange.startedAt).map(({ done }) => done)
    const done = Promise.all(before).then(async () =>
      report.add(exchange, await this.#ask(exchange, track.stream)),
    )
    const member = { end: exchange.startedAt + exchange.processTime, done }
    track.underWay.push(member)
    await done
    track.underWay.splice(track.underWay.indexOf(member), 1)
  }

  async #ask({ messages }: RecordedExchange, stream?: EngineStream): Promise<ReplayOutcome> {
    try {
      return await this.#engine.send({ messages, timeout: this.#options.timeout, stream })
    } catch {
      // Somebody else's recorder has written what no NOTIFY holds.
      return { status: ErrorStatus.Unknown, actions: [], waitTime: -1 }
    }
  }

  #trackOf({ stream: number }: RecordedExchange): StreamTrack {
    const known = this.#tracks.get(number)
    if (known !== undefined) return known
    const track: StreamTrack = { stream: this.#engine.createStream(), underWay: [] }
    this.#tracks.set(number, track)
    const [oldest] = this.#tracks.keys()
    if (this.#tracks.size > mostTracks && oldest !== undefined) this.#tracks.delete(oldest)
    return track
  }
}
