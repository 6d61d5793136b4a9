/** Arguments one by one, whatever their order. */
import type { Reader } from '../../bytes/reader.ts'
import { DataType, skipTypedData } from '../../spop/typed-data.ts'
import { readString } from '../../spop/string.ts'
import { readVarint } from '../../spop/varint.ts'
import { mismatch, readArgument } from './readers.ts'
import type { Slot, Slots } from './slots.ts'
import { AgentError } from '../errors.ts'

const typeNames: readonly string[] = [
  'null',
  'boolean',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'ipv4',
  'ipv6',
  'string',
  'binary',
]

/**
 * Reads `count` arguments; the reader stands behind them afterwards, also after an error of type `ERR_AGENT_ARGUMENT`.
 * @throws AgentError `ERR_AGENT_ARGUMENT`.
 */
export function readPlainly(slots: Slots, reader: Reader, count: number): Record<string, unknown> {
  const found: unknown[] = slots.all.map(({ repeated }) => (repeated ? [] : undefined))
  for (let position = 0; position < count; position++) {
    const slot = slots.find(position, readString(reader))
    if (slot === undefined) skipTypedData(reader)
    else readInto(found, slots, slot, reader, count - position - 1)
  }
  const values = slots.blank()
  for (const slot of slots.all) {
    const value = found[slot.index]
    if (value !== undefined) values[slot.name] = value
    else if (!slot.optional) refuse(slots, slot, 'nothing')
  }
  return values
}

function readInto(found: unknown[], slots: Slots, slot: Slot, reader: Reader, left: number): void {
  const at = reader.at
  const value = readArgument(reader, slot.type, slot.text)
  if (value !== mismatch) {
    if (slot.repeated) (found[slot.index] as unknown[]).push(value)
    // The first of a repeated name counts.
    else if (found[slot.index] === undefined) found[slot.index] = value
    return
  }
  reader.at = at
  const got = typeAt(reader)
  skipTypedData(reader)
  if (got === DataType.Null && mayBeNull(slot)) return
  for (let index = 0; index < left; index++) {
    reader.skip(readVarint(reader))
    skipTypedData(reader)
  }
  refuse(slots, slot, typeNames[got] ?? `type ${got}`)
}

/** The type that `reader` stands at, which was read already. */
export function typeAt({ bytes, at }: Reader): number {
  return (bytes[at] as number) & 15
}

/** Whether NULL is no value rather than the wrong one. */
export function mayBeNull({ optional, repeated }: Slot): boolean {
  return optional || repeated
}

function refuse({ message }: Slots, slot: Slot, got: string): never {
  throw new AgentError(
    'ERR_AGENT_ARGUMENT',
    `message '${message}', argument '${slot.name}': wanted ${slot.type}, got ${got}`,
  )
}
