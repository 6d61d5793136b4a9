/** The streams that wait for a server of one backend. */
import { LinkedList } from '../../base/linked-list.ts'
import type { Linked } from '../../base/linked-list.ts'
import type { Stream } from '../../sample/stream.ts'
import type { Server } from './server.ts'

/** One that waits. */
export interface Queued extends Linked<Queued> {
  /** What a server is chosen by. */
  readonly stream: Stream
  /** It is its turn, and it is in the queue no more. */
  serve(server: Server): void
}

/** In the order in which they came; one that gives up leaves at once. */
export class Queue {
  readonly #list = new LinkedList<Queued>()

  get size(): number {
    return this.#list.size
  }

  /** Answers how many are before it. */
  enter(waiting: Queued): number {
    const before = this.#list.size
    this.#list.push(waiting)
    return before
  }

  leave(waiting: Queued): void {
    this.#list.remove(waiting)
  }

  /** Whoever waits longest goes to the server that `choose` finds, as long as it finds one. */
  serve(choose: (stream: Stream) => Server | undefined): void {
    for (let first = this.#list.first; first !== undefined; first = this.#list.first) {
      const server = choose(first.stream)
      if (server === undefined) return
      this.#list.remove(first)
      first.serve(server)
    }
  }
}
