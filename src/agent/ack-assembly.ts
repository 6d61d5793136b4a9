/** Joins actions that were encoded apart into one ACK that stays within its size. */
import type { Writer } from '../bytes/writer.ts'
import { beginFrame, endFrame, FrameFlag, FrameType, lengthSize } from '../spop/frame-head.ts'
import { copyActions } from './copy-actions.ts'
import type { Exchange } from './exchange.ts'

/** Writes the ACK of an exchange that was held; answers whether all of its actions went in. */
export function encodeHeldAck(writer: Writer, exchange: Exchange, maxFrameSize: number): boolean {
  const start = beginFrame(writer, FrameType.Ack, FrameFlag.Fin, exchange.streamId, exchange.frameId)
  const limit = start + lengthSize + maxFrameSize
  const { prefix } = exchange
  let whole = prefix === undefined || copyActions(writer, prefix, 0, prefix.length, limit)
  for (let part = exchange.first; part !== undefined; part = part.next) {
    whole = part.actions.copyTo(writer, limit) && whole
    part.actions.giveBack()
  }
  endFrame(writer, start)
  return whole
}
