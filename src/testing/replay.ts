/** Says again what HAProxy said in a recording, and looks whether every NOTIFY is answered exactly once. */
import { Buffer } from 'node:buffer'
import { FrameSplitter } from '../bytes/frame-splitter.ts'
import {
  requireArgument,
  resolveOptions,
  type OptionSpec,
  type Resolved,
  type Specs,
} from '../base/options.ts'
import {
  createReader,
  FrameFlag,
  FrameHead,
  FrameType,
  lengthSize,
  readFrameHead,
  SpopFraming,
} from '../spop/frame-head.ts'
import { timeoutOption } from './arguments.ts'
import type { CapturedConnection, CaptureStep } from './capture.ts'
import { connectorOf, type Connect, type Target } from './target.ts'
import { formatEvent, formatReceived, Wire, type ReceivedFrame, type WireEvent } from './wire.ts'

/**
 * How the recorded bytes are written: `recorded` keeps the chunks, `whole` makes one write of all chunks between two ends,
 * a number cuts into writes of that many bytes.
 */
export type Cutting = 'recorded' | 'whole' | number

/** How to replay. */
export interface ReplayOptions {
  /** @default 'recorded' */
  readonly cutting?: Cutting | undefined
  /** How long the answers to what was sent may take, in milliseconds. @default 2000 */
  readonly timeout?: number | undefined
}

/** What became of one connection. */
export interface ReplayedConnection {
  /** As the capture has it. */
  readonly number: number
  /** Ids of the NOTIFYs that were sent, as `stream/frame`. */
  readonly notifies: readonly string[]
  /** How many ACKs came for each of them. */
  readonly answers: ReadonlyMap<string, number>
  /** What was wrong, in sentences; empty when all was well. */
  readonly faults: readonly string[]
}

/** Everything is well when `faults` is empty. */
export interface ReplayReport {
  /** In the order of the capture. */
  readonly connections: readonly ReplayedConnection[]
  /** NOTIFYs that were sent. */
  readonly notifies: number
  /** Those of them that got an ACK. */
  readonly answered: number
  /** All faults, with the number of their connection. */
  readonly faults: readonly string[]
}

const cutting: OptionSpec<Cutting> = {
  fallback: 'recorded',
  check: (given) =>
    given === 'recorded' || given === 'whole' || (Number.isSafeInteger(given) && Number(given) > 0)
      ? undefined
      : 'must be recorded, whole, or a whole number above 0',
}

const specs: Specs<ReplayOptions> = { cutting, timeout: timeoutOption(2000) }

function isCaptured(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'steps' in given && Array.isArray(given.steps)
}

/**
 * Replays one connection after the other: ids repeat between them.
 * @throws UsageError `ERR_SLUICE_OPTION`, `ERR_SLUICE_ADDRESS`; TestingError `ERR_TESTING_CLOSED` when it cannot connect.
 */
export async function replayCapture(
  target: Target,
  connections: readonly CapturedConnection[],
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const settings = resolveOptions(specs, options, 'replayCapture')
  const isRight = Array.isArray(connections) && connections.every(isCaptured)
  requireArgument(isRight, 'replayCapture: the connections', 'must be what parseCapture() gives', connections)
  const connect = connectorOf(target)
  const replayed: ReplayedConnection[] = []
  for (const connection of connections) replayed.push(await new Replay(connection, settings).run(connect))
  const answers = replayed.flatMap(({ answers: counts }) => [...counts.values()])
  return {
    connections: replayed,
    notifies: replayed.reduce((sum, { notifies }) => sum + notifies.length, 0),
    answered: answers.filter((count) => count === 1).length,
    faults: replayed.flatMap(({ number, faults }) => faults.map((fault) => `connection ${number}: ${fault}`)),
  }
}

/**
 * Whether HAProxy goes with this step, by DISCONNECT or without: in the recording it had its answers by then, so they are
 * waited for.
 */
function leaves({ bytes, event }: CaptureStep): boolean {
  return event !== undefined || bytes[lengthSize] === FrameType.HaproxyDisconnect
}

/** No frame of a recording is larger. */
const maxFrame = 0x100_0000

class Replay {
  readonly #connection: CapturedConnection
  readonly #cutting: Cutting
  readonly #timeout: number
  readonly #splitter = new FrameSplitter(new SpopFraming(maxFrame))
  readonly #notifies: string[] = []
  readonly #answers = new Map<string, number>()
  readonly #faults: string[] = []
  /** Frames that are waited for before HAProxy goes on: AGENT-HELLO, ACKs, AGENT-DISCONNECT. */
  #expected = 0
  #received = 0
  #ended = false
  #wake: (() => void) | undefined

  constructor(connection: CapturedConnection, settings: Resolved<ReplayOptions>) {
    this.#connection = connection
    this.#cutting = settings.cutting
    this.#timeout = settings.timeout
  }

  async run(connect: Connect): Promise<ReplayedConnection> {
    const wire = new Wire(await connect(), (event) => this.#onEvent(event))
    for (const step of this.#merge(this.#connection.steps.filter(({ from }) => from === 'haproxy'))) {
      if (leaves(step)) await this.#settled()
      if (step.event === undefined) {
        this.#expect(step.bytes)
        await this.#send(wire, step.bytes)
      } else {
        if (step.event === 'fin') wire.end()
        else wire.reset()
      }
    }
    await this.#settled()
    wire.destroy()
    for (const [ids, count] of this.#answers) {
      if (count !== 1) this.#faults.push(`NOTIFY ${ids} was answered ${count} times`)
    }
    const { number } = this.#connection
    return { number, notifies: this.#notifies, answers: this.#answers, faults: this.#faults }
  }

  /** `whole` joins what HAProxy sent between two ends; it waits for the agent only there. */
  #merge(steps: readonly CaptureStep[]): readonly CaptureStep[] {
    if (this.#cutting !== 'whole') return steps
    const merged: CaptureStep[] = []
    for (const step of steps) {
      const last = merged.at(-1)
      if (last === undefined || last.event !== undefined || leaves(step)) merged.push(step)
      else merged[merged.length - 1] = { ...last, bytes: Buffer.concat([last.bytes, step.bytes]) }
    }
    return merged
  }

  async #send(wire: Wire, bytes: Buffer): Promise<void> {
    const cuts: number[] = []
    if (typeof this.#cutting === 'number') {
      for (let at = this.#cutting; at < bytes.length; at += this.#cutting) cuts.push(at)
    }
    await wire.sendPieces(bytes, cuts, 0)
  }

  /** Notes which answers the frames in these bytes must get. */
  #expect(bytes: Buffer): void {
    const head = new FrameHead()
    this.#splitter.push(bytes)
    while (this.#splitter.next()) {
      const { bytes: frame, start, end } = this.#splitter
      readFrameHead(createReader(frame, start + lengthSize, end), head)
      if (head.type === FrameType.Notify) {
        const ids = `${head.streamId}/${head.frameId}`
        this.#notifies.push(ids)
        this.#answers.set(ids, 0)
      }
      const isHello = head.type === FrameType.HaproxyHello || head.type === FrameType.HaproxyDisconnect
      const isNotify = head.type === FrameType.Notify || head.type === FrameType.Unset
      const aborted = (head.flags & FrameFlag.Abort) !== 0
      if (isHello || (isNotify && (head.flags & FrameFlag.Fin) !== 0 && !aborted)) this.#expected++
    }
  }

  #onEvent(event: WireEvent): void {
    if (event.kind === 'frame') this.#onFrame(event.frame)
    else this.#ended = true
    if (event.kind === 'broken') this.#faults.push(formatEvent(event))
    this.#wake?.()
  }

  #onFrame(received: ReceivedFrame): void {
    this.#received++
    if (received.type === FrameType.Ack) {
      const ids = `${received.streamId}/${received.frameId}`
      const count = this.#answers.get(ids)
      if (count === undefined) this.#faults.push(`${formatReceived(received)} belongs to no NOTIFY`)
      else this.#answers.set(ids, count + 1)
    }
    if (received.error !== undefined) this.#faults.push(formatReceived(received))
    const { frame } = received
    if (frame?.type === 'agent-disconnect' && frame.statusCode !== 0)
      this.#faults.push(formatReceived(received))
  }

  /** Waits until everything that was sent is answered, or the time is up, which the counts will tell. */
  async #settled(): Promise<void> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#wake?.()
    }, this.#timeout)
    while (!late && !this.#ended && this.#received < this.#expected) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
    const left = this.#expected - this.#received
    if (left > 0) this.#faults.push(`${left} of ${this.#expected} answers are missing`)
  }
}
