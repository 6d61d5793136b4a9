import type { Duplex } from 'node:stream'
import type { Action } from '../../spop/ack.ts'
import { FrameType, lengthSize, type Id } from '../../spop/frame-head.ts'
import type { AgentHelloFrame } from '../../spop/hello.ts'
import type { MessageInput } from '../../spop/notify.ts'
import { EventQueue } from '../event-queue.ts'
import { formatEvent, formatReceived, Wire, type ReceivedFrame, type WireEvent } from '../wire.ts'
import { CheckFailed, type CheckLevel } from './verdict.ts'
import { fin, notifyOf } from './frames.ts'

/** Ids of a NOTIFY. */
export type Ids = readonly [streamId: Id, frameId: Id]

/** What {@link Conversation.expectRefusal} takes for one. */
export interface RefusalRules {
  /** The statuses of AGENT-DISCONNECT that are right; any other is a SHOULD. @default any status is right */
  readonly statuses?: readonly number[]
  /** What it is worth to close without AGENT-DISCONNECT; undefined is fine. @default 'should' */
  readonly silent?: CheckLevel | undefined
}

/** What an ACK said. */
export interface Answer {
  readonly received: ReceivedFrame
  /** Empty when one of them cannot be decoded; `wrong` says why. */
  readonly actions: readonly Action[]
  readonly wrong: string | undefined
}

/** An ACK or NOTIFY has these two of the flags' bits. */
const knownFlags = 3
/** Bytes of a chunk that a transcript shows. */
const shownBytes = 160

/** One connection of a check: says something, and compares what comes with what should. */
export class Conversation {
  readonly wire: Wire
  readonly #timeout: number
  readonly #queue = new EventQueue<WireEvent>()
  /** What the handshake agreed on, in bytes without the length field. */
  maxFrameSize = 16_380

  constructor(stream: Duplex, timeout: number) {
    this.#timeout = timeout
    this.wire = new Wire(stream, (event) => this.#queue.push(event))
  }

  /** Writes, in pieces when cuts are given; pieces are two milliseconds apart, so that they arrive apart. */
  async send(bytes: Buffer, cuts: readonly number[] = []): Promise<void> {
    await this.wire.sendPieces(bytes, cuts, 2)
  }

  /** What comes next; undefined when the time is up. */
  next(timeout: number = this.#timeout): Promise<WireEvent | undefined> {
    return this.#queue.next(timeout)
  }

  /** Fails the check. */
  fail(expected: string, got: string, level?: CheckLevel): never {
    throw new CheckFailed(expected, got, this.transcript(), level)
  }

  /** The conversation in hexadecimal, `>` to the agent and `<` from it; long chunks are cut. */
  transcript(): string[] {
    return this.wire.log.map(({ direction, bytes, what }) => {
      const arrow = direction === 'send' ? '>' : '<'
      if (bytes === undefined) return `${arrow} ${what}`
      const rest = bytes.length > shownBytes ? ` … ${bytes.length - shownBytes} more bytes` : ''
      return `${arrow} ${bytes.toString('hex', 0, shownBytes)}${rest}`
    })
  }

  /** A good AGENT-HELLO. */
  async expectHello(): Promise<{ hello: AgentHelloFrame; received: ReceivedFrame }> {
    const event = await this.next()
    const frame = event?.kind === 'frame' ? event.frame.frame : undefined
    if (event?.kind !== 'frame' || frame?.type !== 'agent-hello') this.fail('AGENT-HELLO', formatEvent(event))
    if (event.frame.flags !== fin) this.fail('the flags 00000001 on AGENT-HELLO', hexFlags(event.frame.flags))
    this.maxFrameSize = Math.min(this.maxFrameSize, frame.maxFrameSize ?? this.maxFrameSize)
    return { hello: frame, received: event.frame }
  }

  /** Sends a NOTIFY and waits for its ACK. */
  async ask(
    messages: readonly MessageInput[],
    ids: Ids = [1, 1],
    cuts: readonly number[] = [],
  ): Promise<Answer> {
    await this.send(notifyOf(...ids, messages), cuts)
    return this.expectAck(ids)
  }

  /** A good ACK with these ids, next. */
  async expectAck(ids: Ids): Promise<Answer> {
    const answers = await this.expectAcks([ids])
    return answers[0] as Answer // one id in, one answer out
  }

  /** Good ACKs with these ids, each once, in any order; the answers come in the order of the ids. */
  async expectAcks(wanted: readonly Ids[]): Promise<Answer[]> {
    const answers = new Map<string, Answer>()
    const keys = wanted.map(idKey)
    while (answers.size < keys.length) {
      const left = keys.filter((key) => !answers.has(key))
      const what =
        left.length === 1 ? `the ACK of ${left[0]}` : `ACKs of ${left.length} NOTIFYs, first ${left[0]}`
      const event = await this.next()
      if (event?.kind !== 'frame') this.fail(what, formatEvent(event))
      const answer = this.#judgeAck(event.frame, what)
      const key = idKey([event.frame.streamId, event.frame.frameId])
      if (!left.includes(key)) {
        this.fail(what, answers.has(key) ? `a second ACK of ${key}` : formatReceived(event.frame))
      }
      answers.set(key, answer)
    }
    return keys.map((key) => answers.get(key) as Answer) // the loop has filled them all
  }

  #judgeAck(received: ReceivedFrame, what: string): Answer {
    if (received.type !== FrameType.Ack) this.fail(what, formatReceived(received))
    if ((received.flags & fin) === 0 || (received.flags & ~knownFlags) !== 0)
      this.fail('an ACK with FIN', hexFlags(received.flags))
    const size = received.bytes.length - lengthSize
    if (size > this.maxFrameSize) this.fail(`an ACK of at most ${this.maxFrameSize} bytes`, `${size} bytes`)
    // Broken actions are one check's business, or every check would fail for them.
    const actions = received.frame?.type === 'ack' ? received.frame.actions : []
    return { received, actions, wrong: received.error?.message }
  }

  /** AGENT-DISCONNECT, or the end of the connection: anything else, and nothing at all, fails. */
  async expectRefusal(rules: RefusalRules = {}): Promise<void> {
    const { statuses } = rules
    const silent = 'silent' in rules ? rules.silent : 'should'
    const what =
      statuses === undefined ? 'AGENT-DISCONNECT' : `AGENT-DISCONNECT with status ${statuses.join(' or ')}`
    const event = await this.next()
    if (event?.kind === 'fin' || event?.kind === 'lost') {
      if (silent !== undefined) this.fail(what, formatEvent(event), silent)
      return
    }
    const frame = event?.kind === 'frame' ? event.frame.frame : undefined
    if (frame?.type !== 'agent-disconnect') this.fail(what, formatEvent(event))
    if (statuses !== undefined && !statuses.includes(frame.statusCode)) {
      this.fail(what, formatEvent(event), 'should')
    }
  }

  /** The agent's close; frames before it fail. */
  async expectClose(level?: CheckLevel): Promise<void> {
    const event = await this.next()
    if (event?.kind !== 'fin' && event?.kind !== 'lost') {
      this.fail('that the agent closes the connection', formatEvent(event), level)
    }
  }
}

/** Ids as text. */
export function idKey([streamId, frameId]: Ids): string {
  return `${streamId}/${frameId}`
}

function hexFlags(flags: number): string {
  return `the flags ${flags.toString(16).padStart(8, '0')}`
}
