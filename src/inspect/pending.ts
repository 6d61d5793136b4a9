/** The questions that wait for an answer, and those that had one. */
import type { Id } from '../spop/frame-head.ts'

/** A NOTIFY that was sent. */
export interface Question {
  readonly ids: string
  /** The connection that it came on. */
  readonly connection: number
  readonly streamId: Id
  /** Milliseconds since 1970: of the last fragment, when there are several. */
  time: number
  messages: readonly string[]
  /** Another with the same ids waited when this one came. */
  readonly again: boolean
  /** Whether it was told that the time for an answer is over. */
  overdue: boolean
  /** Whether all of it was sent. */
  complete: boolean
}

/** Answered questions are remembered, to know a second answer; no more than so many. */
const mostAnswered = 1024
/** Of an agent that never answers, on a connection that never ends. */
const mostWaiting = 65_536

/** Of one connection, or of all connections of an engine where they may answer for one another (async). */
export class PendingTable {
  /** In the order of time. */
  readonly waiting = new Map<string, Question>()
  readonly #answered = new Set<string>()

  /** Answers the one of the same ids that waited already. */
  ask(asked: Pick<Question, 'ids' | 'connection' | 'streamId' | 'time' | 'complete'>): Question | undefined {
    const { ids } = asked
    const before = this.waiting.get(ids)
    this.waiting.delete(ids)
    this.#answered.delete(ids)
    if (this.waiting.size >= mostWaiting) dropOldest(this.waiting)
    this.waiting.set(ids, { ...asked, messages: [], again: before !== undefined, overdue: false })
    return before
  }

  /** Takes the question that an ACK answers. */
  answer(ids: string): Question | undefined {
    const question = this.waiting.get(ids)
    if (question === undefined) return undefined
    this.waiting.delete(ids)
    this.#answered.add(ids)
    if (this.#answered.size > mostAnswered) dropOldest(this.#answered)
    return question
  }

  wasAnswered(ids: string): boolean {
    return this.#answered.has(ids)
  }

  /** What came on a connection and waits. */
  ofConnection(connection: number): Question[] {
    return [...this.waiting.values()].filter((each) => each.connection === connection)
  }

  /** The connection is over: what came on it has no answer any more. */
  forget(connection: number): void {
    for (const { ids } of this.ofConnection(connection)) this.waiting.delete(ids)
  }

  /** The one of that stream that waits, whatever its frame id. */
  ofStream(streamId: Id): Question | undefined {
    for (const question of this.waiting.values()) if (question.streamId === streamId) return question
    return undefined
  }
}

/** A Map and a Set keep the order in which they were filled. */
function dropOldest(from: Map<string, unknown> | Set<string>): void {
  const oldest = from.keys().next()
  if (oldest.done !== true) from.delete(oldest.value)
}
