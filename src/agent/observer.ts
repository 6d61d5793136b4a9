/** Looks at answers as they leave, for a status page: verdicts, and a few messages with all that is in them. */
import { decodeActions, type Action } from '../spop/ack.ts'
import { createReader } from '../spop/frame-head.ts'
import type { Item } from '../spop/kv-list.ts'
import { wallClock } from '../base/clock.ts'
import type { RecentMessages } from '../status/recent.ts'
import type { RecentItem } from '../status/view/page-state.ts'
import type { ActionWriter } from './action-writer.ts'
import type { Context } from './context.ts'
import { textOfData } from './data-text.ts'
import type { MessageOutcome, Registration } from './handlers.ts'
import type { Verdicts } from './verdicts.ts'

const longestText = 200

/** What the dispatcher tells of every answered message, where somebody wants to hear it. */
export class AnswerObserver {
  readonly #verdicts: Verdicts | undefined
  readonly #recent: RecentMessages
  readonly #reader = createReader()

  constructor(verdicts: Verdicts | undefined, recent: RecentMessages) {
    this.#verdicts = verdicts
    this.#recent = recent
  }

  /** The actions of one message are as they will leave. */
  onAnswer(
    registration: Registration,
    actions: ActionWriter,
    context: Context,
    status: MessageOutcome['status'],
    duration: number,
  ): void {
    this.#verdicts?.count(registration.name, actions.readWith(this.#reader))
    if (!this.#recent.on) return
    const at = wallClock()
    if (!this.#recent.wants(at)) return
    const set = decodeActions(actions.readWith(this.#reader))
    const args = context.message.args.map(describeItem)
    const row = context.name.slice(0, longestText)
    this.#recent.add({ at, row, status, duration, args, actions: set.map(describeAction) })
  }
}

function describeItem([name, value]: Item, index: number): RecentItem {
  return { name: name === '' ? `#${index}` : name, value: textOfData(value, longestText) }
}

function describeAction(action: Action): RecentItem {
  const value = action.type === 'unset-var' ? 'unset' : textOfData(action.value, longestText)
  return { name: `${action.scope}.${action.name}`, value }
}
