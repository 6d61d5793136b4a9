/** KV-LIST (SPOE.txt 3.2): names and typed values, to the end of the payload or a counted number of them. */
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { refuseArgument } from '../base/options.ts'
import { readString, writeString } from './string.ts'
import { decodeTypedData, encodeValue, type TypedData, type Value } from './typed-data.ts'

/** A name and its value. The name of an unnamed argument is the empty string; names may repeat. */
export type Item = readonly [name: string, value: TypedData]

/** Reads items until the payload ends, in order and with their repetitions. */
export function decodeKvList(reader: Reader): Item[] {
  const items: Item[] = []
  while (reader.remaining > 0) items.push([readString(reader), decodeTypedData(reader)])
  return items
}

/** Reads exactly `count` items. */
export function decodeItems(reader: Reader, count: number): Item[] {
  const items: Item[] = []
  for (let index = 0; index < count; index++) items.push([readString(reader), decodeTypedData(reader)])
  return items
}

/** Writes items one after another; how many there are is not written. */
export function encodeKvList(writer: Writer, items: Iterable<readonly [name: string, value: Value]>): void {
  for (const item of items) {
    if (!Array.isArray(item) || typeof item[0] !== 'string') {
      refuseArgument('an argument', 'must be a pair of name and value', item)
    }
    writeString(writer, item[0])
    encodeValue(writer, item[1])
  }
}
