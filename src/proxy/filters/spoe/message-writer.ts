import { DataType, SpopError, Writer } from '../../../spop/index.ts'
import { writeString } from '../../../spop/string.ts'
import type { Stream } from '../../../sample/stream.ts'
import type { SpoeMessagePlan } from '../../plan/spoe.ts'
import { encodeSample } from './values.ts'
import type { SharedValues } from './shared-values.ts'

/** NB-ARGS is one unsigned byte. */
const maxArgs = 255
/** Calls into the runtime cost more than this many steps of a loop. */
const short = 24

/** Writes a message of the plan into NOTIFYs: its names were encoded once, its samples go straight into the frame. */
export class MessageWriter {
  readonly #plan: SpoeMessagePlan
  readonly #shared: SharedValues
  /** What stands before each value: the name of its argument; before the first one what the message begins with, too. */
  readonly #labels: readonly Uint8Array[]
  /** Where each value is kept for the messages behind this one; -1: nowhere. */
  readonly #slots: readonly number[]

  /** @param shared the values of all messages that go into one NOTIFY */
  constructor(plan: SpoeMessagePlan, shared: SharedValues) {
    this.#plan = plan
    this.#shared = shared
    const { name, args } = plan
    const scratch = new Writer()
    writeString(scratch, name)
    scratch.uint8(args.length)
    const labels = args.map((each) => {
      writeString(scratch, each.name)
      return take(scratch)
    })
    this.#labels = labels.length > 0 ? labels : [take(scratch)]
    this.#slots = args.map((each) => (each.shared === undefined ? -1 : shared.slotOf(each.shared)))
  }

  /**
   * Writes the message, unless its condition forbids that.
   * @throws SpopError `ERR_SPOP_VALUE` for more arguments than can be counted.
   */
  write(writer: Writer, stream: Stream): void {
    const { name, condition, args } = this.#plan
    if (condition !== undefined && !condition(stream)) return
    if (args.length > maxArgs) {
      const detail = `message '${name}' has ${args.length} arguments, ${maxArgs} fit`
      throw new SpopError('ERR_SPOP_VALUE', detail, { fault: 'local' })
    }
    const labels = this.#labels
    if (args.length === 0) writer.copy(labels[0] as Uint8Array) // there is one at least
    for (let at = 0; at < args.length; at++) {
      writer.copy(labels[at] as Uint8Array) // as many as arguments
      this.#writeValue(writer, at, stream)
    }
  }

  #writeValue(writer: Writer, at: number, stream: Stream): void {
    const slot = this.#slots[at] as number // as many as arguments
    const shared = this.#shared
    if (slot >= 0 && shared.copy(writer, slot)) return
    const start = writer.at
    const sample = this.#plan.args[at]?.evaluate(stream)
    if (sample?.type === 'str' && sample.value.length <= short) writeShort(writer, sample.value)
    else encodeSample(writer, sample)
    if (slot >= 0) shared.keep(slot, start, writer.at)
  }
}

/** What most samples are. */
function writeShort(writer: Writer, text: string): void {
  const { length } = text
  let to = writer.reserve(length + 2)
  const { bytes } = writer
  bytes[to++] = DataType.String
  bytes[to++] = length
  for (let at = 0; at < length; at++) bytes[to++] = text.charCodeAt(at)
}

/** What was written, in memory of its own. */
function take(writer: Writer): Uint8Array {
  const bytes = Uint8Array.from(writer.view())
  writer.reset()
  return bytes
}
