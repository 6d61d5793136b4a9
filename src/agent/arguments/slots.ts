/** Declarations of arguments, checked and taken apart. */
import { LastText } from '../../bytes/last-text.ts'
import { isArgumentType, knownTypes } from './readers.ts'
import type { ArgumentType, Schema } from './types.ts'
import { AgentError } from '../errors.ts'

/** One declared argument. */
export interface Slot {
  /** Its place in the declaration. */
  readonly index: number
  readonly name: string
  readonly type: ArgumentType
  readonly optional: boolean
  readonly repeated: boolean
  /** Of a `string`. */
  readonly text: LastText
}

/** A message says in one byte how many arguments it has, and the first is #0. */
const lastPosition = 254

/** The declared arguments of a message, and which of them is where. */
export class Slots {
  readonly message: string
  /** In the order of the declaration. */
  readonly all: readonly Slot[]
  readonly repeated: readonly Slot[]
  readonly #byName = new Map<string, Slot>()
  readonly #byPosition = new Map<number, Slot>()

  /** @throws AgentError `ERR_AGENT_SCHEMA` for a declaration that is none. */
  constructor(message: string, schema: Schema) {
    this.message = message
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
      throw new AgentError(
        'ERR_AGENT_SCHEMA',
        `message '${message}': it must be an object of names and types`,
      )
    }
    this.all = Object.entries(schema).map(([name, spec], index) => parseSlot(message, index, name, spec))
    this.repeated = this.all.filter((slot) => slot.repeated)
    for (const slot of this.all) {
      const position = /^#(\d{1,3})$/.exec(slot.name)
      if (position === null) this.#byName.set(slot.name, slot)
      else if (Number(position[1]) > lastPosition) {
        throw new AgentError(
          'ERR_AGENT_SCHEMA',
          `message '${message}': '${slot.name}' is beyond #${lastPosition}, the last that a message can have`,
        )
      } else this.#byPosition.set(Number(position[1]), slot)
    }
  }

  /** The one that is declared for an argument; undefined when nobody wants it. */
  find(position: number, name: string): Slot | undefined {
    return this.#byPosition.get(position) ?? this.#byName.get(name)
  }

  /** What the arguments look like before any is read: copying it gives every object the same hidden class. */
  blank(): Record<string, unknown> {
    return Object.fromEntries(this.all.map((slot) => [slot.name, undefined]))
  }
}

function parseSlot(message: string, index: number, name: string, spec: string): Slot {
  const match = /^(\w+)(\?|\[\])?$/.exec(spec)
  const type = match?.[1]
  if (match === null || type === undefined || !isArgumentType(type)) {
    throw new AgentError(
      'ERR_AGENT_SCHEMA',
      `message '${message}', argument '${name}': '${spec}' is not one of ${knownTypes}, with '?' or '[]' behind it`,
    )
  }
  const [optional, repeated] = [match[2] === '?', match[2] === '[]']
  return { index, name, type, optional, repeated, text: new LastText() }
}
