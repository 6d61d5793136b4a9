/**
 * Which messages leave together. HAProxy sends all messages of an event in one NOTIFY, and so does this while they say
 * nothing of their own. A message with a `timeout` may fail alone, so it cannot share a NOTIFY, which has one answer, with
 * messages that are given more time or less; and one that nobody waits for must not hold back the others' answer.
 */
import { EncodedMessages } from '../../../engine/index.ts'
import type { Outcome } from '../../../engine/index.ts'
import type { SpoeMessagePlan } from '../../plan/spoe.ts'
import type { Stream } from '../../../sample/stream.ts'
import { MessageWriter } from './message-writer.ts'
import { SharedValues } from './shared-values.ts'

/** A NOTIFY to be sent. */
export interface Question {
  /** Milliseconds; undefined: no limit. */
  readonly timeout: number | undefined
  readonly noWait: boolean
  /** Valid until the next stream is asked for. */
  readonly messages: EncodedMessages
}

/** Messages that share a NOTIFY, and the NOTIFY that is made of them for one stream after the other. */
class Share implements Question {
  readonly timeout: number | undefined
  readonly noWait: boolean
  readonly messages = new EncodedMessages()
  readonly #writers: MessageWriter[] = []
  readonly #values = new SharedValues()

  constructor({ timeout, noWait }: SpoeMessagePlan) {
    this.timeout = timeout
    this.noWait = noWait
  }

  takes({ timeout, noWait }: SpoeMessagePlan): boolean {
    return timeout === this.timeout && noWait === this.noWait
  }

  add(message: SpoeMessagePlan): void {
    this.#writers.push(new MessageWriter(message, this.#values))
  }

  /** Answers whether there is anything to be sent for this stream. */
  encode(stream: Stream): boolean {
    const { messages } = this
    messages.reset()
    this.#values.clear()
    for (const each of this.#writers) each.write(messages.writer, stream)
    return messages.writer.at > 0
  }
}

/** What came of all the NOTIFYs of one event or group for which the stream has waited. */
export type Answer = Pick<Outcome, 'status' | 'actions' | 'queueTime' | 'waitTime'>

const none: readonly Question[] = []

/** Sorts the messages of events and groups into NOTIFYs; each list once, for the lists are those of the plan. */
export class Questions {
  readonly #shares = new WeakMap<readonly SpoeMessagePlan[], readonly Share[]>()

  /**
   * What of `messages` is to be sent for this stream: NOTIFYs in the order of their first messages.
   * @throws SpopError `ERR_SPOP_VALUE` for what cannot be sent.
   */
  collect(messages: readonly SpoeMessagePlan[], stream: Stream): readonly Question[] {
    const shares = this.#sharesOf(messages)
    const [only] = shares
    // Mostly there is one: its list is there already.
    if (only !== undefined && shares.length === 1) return only.encode(stream) ? shares : none
    return shares.filter((share) => share.encode(stream))
  }

  #sharesOf(messages: readonly SpoeMessagePlan[]): readonly Share[] {
    const known = this.#shares.get(messages)
    if (known !== undefined) return known
    const shares: Share[] = []
    for (const message of messages) {
      let share = shares.find((each) => each.takes(message))
      if (share === undefined) shares.push((share = new Share(message)))
      share.add(message)
    }
    this.#shares.set(messages, shares)
    return shares
  }
}

/** Those whose answers the stream waits for. */
export function awaitedOf(questions: readonly Question[]): readonly Question[] {
  return questions.some(({ noWait }) => noWait) ? questions.filter(({ noWait }) => !noWait) : questions
}

/**
 * The outcomes of several NOTIFYs as one: the first that failed gives the status and the times (the slowest, when none did),
 * and all actions are done in the order of the NOTIFYs, whichever was answered first.
 */
export function combine(outcomes: readonly Outcome[]): Answer {
  const [only] = outcomes
  if (only !== undefined && outcomes.length === 1) return only
  const slowest = outcomes.toSorted((a, b) => b.processTime - a.processTime)[0]
  const { status, queueTime, waitTime } = outcomes.find((each) => each.status !== 0) ??
    slowest ?? { status: 0, queueTime: 0, waitTime: 0 }
  return { status, queueTime, waitTime, actions: outcomes.flatMap(({ actions }) => [...actions]) }
}
