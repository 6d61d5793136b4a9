import { Buffer } from 'node:buffer'
import { createReader, FrameHead, FrameType, lengthSize, readFrameHead } from '../spop/frame-head.ts'
import type { Exchange } from './exchange.ts'
import type { Slots } from './slots.ts'

/**
 * The exchanges whose NOTIFYs have not left a connection that is over: no agent can have acted on them. They get their messages
 * back from the frames, so that nothing is kept for this while all goes well.
 */
export function recall(unsent: readonly Buffer[], slots: Slots, now: number): Exchange[] {
  const recalled: Exchange[] = []
  for (const { head, messages } of notifiesIn(unsent)) {
    const exchange = slots.find(head)
    if (exchange === undefined) continue
    slots.release(exchange, now)
    exchange.carrier = undefined
    // Nobody may wait for it any more.
    if (exchange.callback === undefined) continue
    exchange.payload = messages
    exchange.sentAt = -1
    exchange.fragmented = false
    recalled.push(exchange)
  }
  return recalled
}

/** Whole frames, of which those that are cut follow one another. */
function* notifiesIn(unsent: readonly Buffer[]): Iterable<{ head: FrameHead; messages: Buffer }> {
  let pieces: Buffer[] = []
  for (const bytes of unsent) {
    for (let at = 0; at < bytes.length;) {
      const end = at + lengthSize + bytes.readUInt32BE(at)
      const reader = createReader(bytes, at + lengthSize, end)
      const head = new FrameHead()
      readFrameHead(reader, head)
      at = end
      if (head.type === FrameType.Notify) pieces = []
      pieces.push(reader.view(reader.remaining))
      if (head.fin) yield { head, messages: Buffer.concat(pieces) }
    }
  }
}
