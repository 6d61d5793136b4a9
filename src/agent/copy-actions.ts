/** Copies actions that were encoded apart, as far as they fit. */
import type { Writer } from '../bytes/writer.ts'
import type { Reader } from '../bytes/reader.ts'
import { ActionType } from '../spop/ack.ts'
import { createReader } from '../spop/frame-head.ts'
import { skipTypedData } from '../spop/typed-data.ts'
import { readVarint } from '../spop/varint.ts'

/**
 * Appends the encoded actions at `from` … `to` as long as the buffer stays within `limit`; answers whether all of them
 * went in. An action that does not fit is left out, a later and shorter one may still fit.
 */
export function copyActions(
  writer: Writer,
  actions: Buffer,
  from: number,
  to: number,
  limit: number,
): boolean {
  if (writer.at + to - from <= limit) {
    writer.copy(actions, from, to)
    return true
  }
  const reader = createReader(actions, from, to)
  while (reader.remaining > 0) {
    const start = reader.at
    skipAction(reader)
    if (writer.at + reader.at - start <= limit) writer.copy(actions, start, reader.at)
  }
  return false
}

function skipAction(reader: Reader): void {
  const type = reader.uint8()
  reader.skip(2)
  reader.skip(readVarint(reader))
  if (type === ActionType.SetVar) skipTypedData(reader)
}
