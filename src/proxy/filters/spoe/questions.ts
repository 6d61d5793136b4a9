/**
 * Which messages leave together. HAProxy sends all messages of an event in one NOTIFY, and so does this while they say
 * nothing of their own. A message with a `timeout` may fail alone, so it cannot share a NOTIFY, which has one answer, with
 * messages that are given more time or less; and one that nobody waits for must not hold back the others' answer.
 */
import type { MessageInput, Outcome } from '../../../engine/index.ts'
import type { SpoeMessagePlan } from '../../plan/spoe.ts'
import type { Stream } from '../../../sample/stream.ts'
import { toSpop } from './values.ts'

/** Messages that share a NOTIFY. */
interface Share {
  /** Milliseconds; undefined: no limit. */
  readonly timeout: number | undefined
  readonly noWait: boolean
  readonly messages: SpoeMessagePlan[]
}

/** A NOTIFY to be sent. */
export interface Question extends Omit<Share, 'messages'> {
  readonly inputs: readonly MessageInput[]
}

/** What came of all the NOTIFYs of one event or group for which the stream has waited. */
export type Answer = Pick<Outcome, 'status' | 'actions' | 'queueTime' | 'waitTime'>

/** Sorts the messages of events and groups into NOTIFYs; each list once, for the lists are those of the plan. */
export class Questions {
  readonly #shares = new WeakMap<readonly SpoeMessagePlan[], readonly Share[]>()

  /** What of `messages` is to be sent for this stream: NOTIFYs in the order of their first messages. */
  collect(messages: readonly SpoeMessagePlan[], stream: Stream): Question[] {
    const questions: Question[] = []
    for (const { timeout, noWait, messages: shared } of this.#sharesOf(messages)) {
      const inputs = collectInputs(shared, stream)
      if (inputs.length > 0) questions.push({ timeout, noWait, inputs })
    }
    return questions
  }

  #sharesOf(messages: readonly SpoeMessagePlan[]): readonly Share[] {
    const known = this.#shares.get(messages)
    if (known !== undefined) return known
    const shares: Share[] = []
    for (const message of messages) {
      const { timeout, noWait } = message
      const share = shares.find((each) => each.timeout === timeout && each.noWait === noWait)
      if (share === undefined) shares.push({ timeout, noWait, messages: [message] })
      else share.messages.push(message)
    }
    this.#shares.set(messages, shares)
    return shares
  }
}

function collectInputs(messages: readonly SpoeMessagePlan[], stream: Stream): MessageInput[] {
  const inputs: MessageInput[] = []
  for (const { name, condition, args } of messages) {
    if (condition !== undefined && !condition(stream)) continue
    inputs.push({ name, args: args.map((arg) => [arg.name, toSpop(arg.evaluate(stream))] as const) })
  }
  return inputs
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
