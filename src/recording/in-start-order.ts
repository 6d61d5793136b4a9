/** Recordings hold exchanges in the order in which they ended; who sends them again wants the order in which they began. */
import type { RecordedExchange } from './reader.ts'

/** So many are held back: one that took longer than it took these to end comes too late, and is taken as it comes. */
const window = 4096

/** The exchanges in the order of `startedAt`, as far as a window of 4096 allows. */
export async function* inStartOrder(from: AsyncIterable<RecordedExchange>): AsyncGenerator<RecordedExchange> {
  const held: RecordedExchange[] = []
  for await (const exchange of from) {
    insert(held, exchange)
    if (held.length < window * 2) continue
    yield* held.splice(0, window)
  }
  yield* held
}

/** Most come in order, or nearly so: looked for from the end. */
function insert(held: RecordedExchange[], exchange: RecordedExchange): void {
  let at = held.length
  while (at > 0 && (held[at - 1] as RecordedExchange).startedAt > exchange.startedAt) at-- // at > 0
  held.splice(at, 0, exchange)
}
