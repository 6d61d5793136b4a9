/** What has become of the streams of a backend, and of those that a frontend has ended itself. Counters only go up. */
import { Histogram } from '../../base/histogram.ts'

/** Upper bounds of how long streams take, in milliseconds: the log knows no parts of one. */
const durationBounds = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000] as const

/** A stream that has ended, as its log line has it. */
interface Ended {
  /** 0 in TCP mode, -1 without an answer. */
  readonly status: number
  readonly retries: number
  readonly redispatched: boolean
  readonly bytesRead: number
  readonly bytesUploaded: number
  /** Two characters; `--`: it ended by itself. */
  readonly termination: string
  readonly activeTime: number
}

/** See the head of this file. */
export class Tally {
  /** By class of their status, 1xx to 5xx. */
  readonly responses = [0, 0, 0, 0, 0]
  /** By termination state, but for those that ended by themselves. */
  readonly terminations = new Map<string, number>()
  /** Those of them that neither their client nor a rule has ended, and that were not answered by an error page. */
  cutOff = 0
  retries = 0
  redispatches = 0
  bytesIn = 0
  bytesOut = 0
  /** From the first byte of a request, or of a TCP stream, to the end. */
  readonly duration = new Histogram(durationBounds)

  count(ended: Ended): void {
    const { status, retries, termination, activeTime } = ended
    const place = Math.trunc(status / 100) - 1
    if (place >= 0 && place < 5) this.responses[place] = (this.responses[place] as number) + 1 // 0 to 4
    this.retries += retries
    if (ended.redispatched) this.redispatches++
    this.bytesIn += ended.bytesUploaded
    this.bytesOut += ended.bytesRead
    if (activeTime >= 0) this.duration.record(activeTime)
    if (termination !== '--') this.#note(termination, status)
  }

  #note(termination: string, status: number): void {
    this.terminations.set(termination, (this.terminations.get(termination) ?? 0) + 1)
    if (status < 400 && !/^(?:[CcL]|PR)/.test(termination)) this.cutOff++
  }
}
