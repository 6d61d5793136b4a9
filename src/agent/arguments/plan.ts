/**
 * Arguments that come in an order that is known. HAProxy sends those of a message in the same order every time, and many of
 * them are what they were in the message before (a method, a port, NULL): of these the bytes are compared, and the value is
 * there already, in the object that is copied for each message.
 */
import { Buffer } from 'node:buffer'
import { isSame, wordsOf } from '../../bytes/known-bytes.ts'
import type { Reader } from '../../bytes/reader.ts'
import { DataType, skipTypedData } from '../../spop/typed-data.ts'
import { readVarint } from '../../spop/varint.ts'
import { mayBeNull, typeAt } from './list.ts'
import { isKept, mismatch, readArgument } from './readers.ts'
import type { Slot, Slots } from './slots.ts'

/** What is longer is seldom the same again, and not worth the memory. In bytes. */
const longestName = 64
const longestValue = 64
/** So often must a value be another one, more than it was the usual, before another one is tried. */
const mostTrust = 8
/** After so many usual values that did not come again, the argument is another one each time. */
const leastTrust = -4
/** After so many messages an argument that changes is looked at again. */
const lookEvery = 256

/** An argument at its place. */
class Step {
  /** Undefined: nobody has declared it. */
  readonly slot: Slot | undefined
  /** Others of this name stand before it. */
  readonly again: boolean
  /** Whether a value of it may be the usual one. */
  readonly mayStay: boolean
  /** From `start` on: the name with its length, and the usual value with its type. */
  readonly bytes: Buffer
  readonly start: number
  readonly words: DataView
  readonly nameSize: number
  /** How many of the bytes count: those of the name alone, where there is no usual value. */
  size: number
  /** Whether a usual value is looked for. */
  watched: boolean
  #trust = 1

  constructor(
    slot: Slot | undefined,
    again: boolean,
    mayStay: boolean,
    bytes: Buffer,
    start: number,
    nameSize: number,
  ) {
    this.slot = slot
    this.again = again
    this.mayStay = mayStay
    this.bytes = bytes
    this.start = start
    this.nameSize = nameSize
    this.size = nameSize
    this.words = wordsOf(bytes)
    this.watched = mayStay
  }

  /** The value was the usual one. */
  confirm(): void {
    const trust = this.#trust
    if (trust < mostTrust) this.#trust = trust < 0 ? 1 : trust + 1
  }

  /** The value was not the usual one. Answers whether another is wanted. */
  doubt(): boolean {
    return --this.#trust <= 0
  }

  /** Takes the value between `from` and `to` for the usual one; false when no value is. */
  learn(bytes: Buffer, from: number, to: number): boolean {
    const count = to - from
    const behind = this.start + this.nameSize
    this.watched = this.#trust > leastTrust
    const isUsual = this.watched && count <= longestValue
    this.size = isUsual ? this.nameSize + count : this.nameSize
    // A native copy costs more than this loop.
    if (isUsual)
      for (let index = 0; index < count; index++) this.bytes[behind + index] = bytes[from + index] as number
    return isUsual
  }

  /** Gives an argument that changes another chance. */
  watch(): void {
    if (this.watched || !this.mayStay) return
    this.watched = true
    this.#trust = leastTrust + 2
  }
}

/** Reads the arguments of messages that have the same names at the same places. */
export class ArgumentPlan {
  /** How many arguments. */
  readonly count: number
  readonly #steps: readonly Step[]
  readonly #repeated: readonly Slot[]
  /** The usual values, copied for each message. */
  readonly #usual: Record<string, unknown>
  #read = 0

  private constructor(slots: Slots, steps: readonly Step[]) {
    this.count = steps.length
    this.#steps = steps
    this.#repeated = slots.repeated
    this.#usual = slots.blank()
  }

  /** For messages like the one that stands at `reader`, which can be read; undefined when it is not worth it. */
  static of(slots: Slots, reader: Reader, count: number): ArgumentPlan | undefined {
    const items: { readonly slot: Slot | undefined; readonly name: Buffer }[] = []
    for (let position = 0; position < count; position++) {
      const { at } = reader
      const size = readVarint(reader)
      if (size > longestName) return undefined
      const name = reader.view(size)
      items.push({
        slot: slots.find(position, name.toString('utf8')),
        name: reader.bytes.subarray(at, reader.at),
      })
      skipTypedData(reader)
    }
    const bytes = Buffer.alloc(items.reduce((sum, { name }) => sum + name.length + longestValue, 0))
    let start = 0
    const steps = items.map(({ slot, name }, index) => {
      bytes.set(name, start)
      const before = items.slice(0, index).some((each) => each.slot === slot)
      const behind = items.slice(index + 1).some((each) => each.slot === slot)
      const mayStay = slot !== undefined && !slot.repeated && isKept(slot.type) && !before && !behind
      const step = new Step(slot, before, mayStay, bytes, start, name.length)
      start += name.length + longestValue
      return step
    })
    return new ArgumentPlan(slots, steps)
  }

  /**
   * Reads the arguments; undefined, with the reader anywhere, when the names are not those, or when an argument is not as
   * declared: to say what is wrong is for list.ts. What it throws, that would have thrown, too.
   */
  read(reader: Reader): Record<string, unknown> | undefined {
    const words = wordsOf(reader.bytes)
    const values = { ...this.#usual }
    for (const { name } of this.#repeated) values[name] = []
    const steps = this.#steps
    for (let index = 0; index < steps.length; index++)
      if (!this.#take(steps[index] as Step, reader, words, values)) return undefined // within bounds
    if (++this.#read % lookEvery === 0) for (const step of steps) step.watch()
    return values
  }

  /** Reads one argument; false as in {@link ArgumentPlan.read}. */
  #take(step: Step, reader: Reader, words: DataView, values: Record<string, unknown>): boolean {
    const { at } = reader
    const { size, nameSize } = step
    const left = reader.end - at
    if (size > nameSize && size <= left && isSame(words, at, step.words, step.start, size)) {
      reader.at = at + size
      step.confirm()
      return true
    }
    if (nameSize > left || !isSame(words, at, step.words, step.start, nameSize)) return false
    reader.at = at + nameSize
    if (step.slot === undefined) skipTypedData(reader)
    else return this.#takeValue(step, step.slot, reader, values)
    return true
  }

  #takeValue(step: Step, slot: Slot, reader: Reader, values: Record<string, unknown>): boolean {
    const from = reader.at
    let value = readArgument(reader, slot.type, slot.text)
    if (value === mismatch) {
      reader.at = from
      if (typeAt(reader) !== DataType.Null || !mayBeNull(slot)) return false
      reader.at = from + 1
      value = undefined
    }
    put(values, step, slot, value)
    if (step.watched && step.doubt())
      this.#usual[slot.name] = step.learn(reader.bytes, from, reader.at) ? value : undefined
    return true
  }
}

function put(values: Record<string, unknown>, { again }: Step, slot: Slot, value: unknown): void {
  if (slot.repeated) {
    if (value !== undefined) (values[slot.name] as unknown[]).push(value)
  } else if (!again || values[slot.name] === undefined) values[slot.name] = value
}
