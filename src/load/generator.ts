/**
 * Keeps connections busy. In a closed loop each of them has so many exchanges in flight, and an answer brings the next one. In
 * an open loop exchanges are due at their times, whatever the agent does: what finds no room waits, and its time runs.
 */
import { monotonic } from '../base/clock.ts'
import type { Exchange, Lane, LaneHost } from './lane.ts'
import { Meter, type Interval } from './meter.ts'
import type { Schedule } from './schedule.ts'
import { timedOut } from './status.ts'

/** What a load is like. Times are milliseconds. */
export interface LoadPlan {
  readonly connections: number
  /** Connections that are made at first, all at once; those above `connections` are closed after their first answer. */
  readonly coldConnections: number
  /** Undefined: a closed loop. The warm-up is part of it. */
  readonly schedule: Schedule | undefined
  readonly warmup: number
  readonly duration: number
  /** How long an exchange may take, before it is given up. */
  readonly timeout: number
  /** How many exchanges a stream has. */
  readonly steps: number
  readonly intervalDuration: number
}

/** What a load tells while it runs. */
export interface LoadEvents {
  onInterval?(interval: Interval, meter: Meter, phase: 'warm-up' | 'measure'): void
}

/** How it ended. */
export interface LoadEnd {
  /** Milliseconds that were measured. */
  readonly duration: number
  /** Somebody asked it to end early. */
  readonly stopped: boolean
  /** Answers within the time that was measured, a second. */
  readonly perSecond: number
  /** Exchanges in flight when no more were begun. */
  readonly inFlight: number
  /** Answers of the measured time; those that came after its end are not counted here. */
  readonly answersWithin: number
}

const housekeeping = 10
/** Time-outs are looked for so often within one: so late they may be. */
const expiryParts = 25
/** Below this a timer would be too coarse: the loop is turned until the time has come. */
const spinBelow = 3
/** How long answers that are late are waited for at the end. */
const lateGrace = 1000

/** A NOTIFY that follows one of its stream. */
interface Continuation {
  readonly stream: number
  readonly step: number
}

/** See the head of this file. */
export class Generator implements LaneHost {
  readonly meter: Meter
  readonly steps: number
  readonly #plan: LoadPlan
  readonly #events: LoadEvents
  readonly #lanes: Lane[] = []
  /** Those beyond `connections`. */
  readonly #extra = new Set<Lane>()
  readonly #continuations: Continuation[] = []
  readonly #schedule: Schedule | undefined
  #streams = 0
  #phase: 'connecting' | 'warm-up' | 'measure' | 'drain' | 'over' = 'connecting'
  #startedAt = 0
  #measuredFrom = 0
  /** Of the schedule: the next to be sent, and the next that is due. */
  #head = 0
  #due = 0
  #nextLane = 0
  #timer: NodeJS.Timeout | undefined
  #lastInterval = 0
  #nextExpiry = 0
  #fatal: Error | undefined
  #stopped = false
  #end = 0
  #wake: (() => void) | undefined

  constructor(plan: LoadPlan, events: LoadEvents = {}) {
    this.#plan = plan
    this.#events = events
    this.steps = plan.steps
    this.#schedule = plan.schedule
    this.meter = new Meter(plan.schedule !== undefined)
  }

  /**
   * Runs to its end.
   * @param makeLane makes the lane of a number; `cold` ones are there from the beginning.
   * @throws Error that makes it useless to go on.
   */
  async run(makeLane: (index: number, host: LaneHost) => Lane): Promise<LoadEnd> {
    const { coldConnections, connections } = this.#plan
    for (let index = 0; index < Math.max(connections, coldConnections); index++) {
      const lane = makeLane(index, this)
      if (index < connections) this.#lanes.push(lane)
      else this.#extra.add(lane)
    }
    this.#timer = setInterval(() => this.#keepHouse(), housekeeping)
    await this.#until(() => this.#phase === 'drain')
    return this.#finish()
  }

  /** Resolves when the condition holds, or it is stopped; the housekeeping makes it look. */
  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue() && !this.#stopped && this.#fatal === undefined) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Ends it early, with what there is. What is in flight is still waited for. */
  stop(): void {
    if (this.#phase === 'drain' || this.#phase === 'over') return
    this.#stopped = true
    this.#wake?.()
  }

  onFatal(error: Error): void {
    this.#fatal ??= error
    this.#wake?.()
  }

  #measure(now: number): void {
    this.#phase = 'measure'
    this.#measuredFrom = now
    this.#lastInterval = now
    this.meter.start(now)
    this.#wake?.()
  }

  /** The first connection is there: what came before is no time of the load. */
  #begin(now: number): void {
    this.#phase = 'warm-up'
    this.#startedAt = now
    this.#lastInterval = now
    this.#endWarmup(now)
    if (this.#schedule !== undefined) this.#turn()
  }

  /** Before anything is sent that is to be measured. */
  #endWarmup(now: number): void {
    const from = this.#startedAt + this.#plan.warmup
    if (this.#phase === 'warm-up' && now >= from) this.#measure(from)
  }

  #keepHouse(): void {
    const now = monotonic()
    const { duration, intervalDuration, timeout } = this.#plan
    if (now >= this.#nextExpiry) {
      this.#nextExpiry = now + timeout / expiryParts
      this.#expire(now - timeout)
    }
    this.#lookForAgent()
    this.#endWarmup(now)
    if (this.#phase === 'measure' && now - this.#measuredFrom >= duration) {
      this.#pump(now)
      this.#phase = 'drain'
      this.#end = now
    }
    const isRunning = this.#phase === 'warm-up' || this.#phase === 'measure'
    if (isRunning && now - this.#lastInterval >= intervalDuration) this.#closeInterval(now)
    if (this.#phase === 'drain') this.#wake?.()
  }

  /** An agent that was never reached, whoever tried, is not there. */
  #lookForAgent(): void {
    const { connections, refused, dropped } = this.meter.counts
    const all = this.#lanes.length + this.#extra.size
    if (connections > 0 || refused + dropped < all) return
    const trouble = this.#lanes.find((lane) => lane.trouble !== undefined)?.trouble
    if (trouble !== undefined) this.onFatal(new Error(trouble))
  }

  #closeInterval(now: number): void {
    this.#lastInterval = now
    const phase = this.#phase === 'warm-up' ? 'warm-up' : 'measure'
    this.#events.onInterval?.(this.meter.closeInterval(now), this.meter, phase)
  }

  #expire(before: number): void {
    for (const lane of this.#lanes) if (lane.inFlight > 0) lane.expire(before)
    for (const lane of this.#extra) if (lane.inFlight > 0) lane.expire(before)
    const schedule = this.#schedule
    if (schedule === undefined) return
    // What never found room was due, and its client waited.
    for (; this.#head < this.#due; this.#head++) {
      const scheduled = this.#startedAt + schedule.timeOf(this.#head)
      if (scheduled > before) return
      this.meter.failed(timedOut, scheduled)
    }
  }

  async #finish(): Promise<LoadEnd> {
    const now = this.#end === 0 ? monotonic() : this.#end
    const { meter } = this
    const within = meter.counts.answers
    const isMeasured = this.#phase === 'measure' || this.#phase === 'drain'
    const duration = isMeasured ? now - this.#measuredFrom : 0
    const stopped = this.#phase !== 'drain'
    if (duration > 0 && now > this.#lastInterval) meter.closeInterval(now)
    this.#phase = 'drain'
    const inFlight = this.#lanes.reduce((sum, lane) => sum + lane.inFlight, 0)
    if (this.#fatal === undefined) await this.#drain()
    this.#phase = 'over'
    clearInterval(this.#timer)
    meter.gather()
    const all = [...this.#lanes, ...this.#extra]
    if (this.#fatal !== undefined) {
      for (const lane of all) lane.destroy()
      throw this.#fatal
    }
    await Promise.all(all.map((lane) => lane.close()))
    const perSecond = duration === 0 ? 0 : (within * 1000) / duration
    return { duration, stopped, perSecond, inFlight, answersWithin: within }
  }

  /** What is in flight is answered, or given up; what was given up may still come. */
  async #drain(): Promise<void> {
    const inFlight = () => this.#lanes.some((lane) => lane.inFlight > 0)
    this.#stopped = false
    await this.#until(() => !inFlight() && this.#head >= this.#due)
    const until = monotonic() + lateGrace
    await this.#until(() => this.meter.lost === 0 || monotonic() >= until)
  }

  get isClosed(): boolean {
    return this.#schedule === undefined && (this.#phase === 'warm-up' || this.#phase === 'measure')
  }

  onReady(lane: Lane, now: number): void {
    if (this.#phase === 'drain' || this.#phase === 'over') return
    if (this.#phase === 'connecting') this.#begin(now)
    if (this.#extra.has(lane)) return lane.ask(now, now, this.#streams++, 0)
    if (this.#schedule !== undefined) return this.#pump(now)
    while (lane.room > 0) lane.ask(now, now, this.#streams++, 0)
  }

  onAnswer(lane: Lane, { scheduled, sent, stream, step }: Exchange, now: number): void {
    this.meter.answered(scheduled, sent, now)
    if (this.#extra.size > 0 && this.#extra.delete(lane)) {
      void lane.close()
      return
    }
    const next = step + 1
    if (this.#schedule !== undefined) {
      if (next < this.steps) this.#continuations.push({ stream, step: next })
      return
    }
    if (this.#phase === 'drain' || this.#phase === 'over' || lane.room === 0) return
    if (next < this.steps) lane.ask(now, now, stream, next)
    else lane.ask(now, now, this.#streams++, 0)
  }

  onFailed(lane: Lane, _status: number, now: number): void {
    if (this.#schedule !== undefined || this.#phase === 'drain' || this.#phase === 'over') return
    if (!this.#extra.has(lane) && lane.room > 0) lane.ask(now, now, this.#streams++, 0)
  }

  onRead(lane: Lane, now: number): void {
    if (this.#schedule === undefined) lane.flush()
    else if (this.#head < this.#due) this.#pump(now)
  }

  /** Sends what is due, as far as there is room. */
  #pump(now: number): void {
    const schedule = this.#schedule
    if (schedule === undefined || this.#phase === 'over') return
    this.#endWarmup(now)
    if (this.#phase !== 'drain') {
      for (; ; this.#due++) {
        const late = now - this.#startedAt - schedule.timeOf(this.#due)
        if (late < 0) break
        this.meter.lag.record(late)
      }
    }
    let asked = false
    while (this.#head < this.#due) {
      const lane = this.#laneWithRoom()
      if (lane === undefined) break
      const scheduled = this.#startedAt + schedule.timeOf(this.#head++)
      const next = this.#continuations.pop()
      if (next === undefined) lane.ask(scheduled, now, this.#streams++, 0)
      else lane.ask(scheduled, now, next.stream, next.step)
      asked = true
    }
    if (asked) for (const lane of this.#lanes) lane.flush()
  }

  #laneWithRoom(): Lane | undefined {
    const lanes = this.#lanes
    for (let tried = 0; tried < lanes.length; tried++) {
      const lane = lanes[this.#nextLane] as Lane // within bounds
      this.#nextLane = this.#nextLane + 1 < lanes.length ? this.#nextLane + 1 : 0
      if (lane.room > 0) return lane
    }
    return undefined
  }

  /** The loop's turns of an open loop: as many as it takes to be on time. */
  readonly #turn = (): void => {
    if (this.#phase === 'drain' || this.#phase === 'over' || this.#schedule === undefined) return
    const now = monotonic()
    this.#pump(now)
    const wait = this.#startedAt + this.#schedule.timeOf(this.#due) - now
    if (wait > spinBelow) setTimeout(this.#turn, Math.min(wait - spinBelow + 1, 100))
    else setImmediate(this.#turn)
  }
}
