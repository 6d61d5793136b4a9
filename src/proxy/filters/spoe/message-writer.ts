import { SpopError } from '../../../spop/errors.ts'
import { writeString } from '../../../spop/string.ts'
import { Writer } from '../../../spop/index.ts'
import type { Stream } from '../../../sample/stream.ts'
import type { SpoeMessagePlan } from '../../plan/spoe.ts'
import { encodeSample } from './values.ts'

/** NB-ARGS is one unsigned byte. */
const maxArgs = 255

/** Writes a message of the plan into NOTIFYs: its names were encoded once, its samples go straight into the frame. */
export class MessageWriter {
  readonly #plan: SpoeMessagePlan
  /** What stands before each value: the name of its argument; before the first one what the message begins with, too. */
  readonly #labels: readonly Uint8Array[]

  constructor(plan: SpoeMessagePlan) {
    this.#plan = plan
    const { name, args } = plan
    const scratch = new Writer()
    writeString(scratch, name)
    scratch.uint8(args.length)
    const labels = args.map((each) => {
      writeString(scratch, each.name)
      return take(scratch)
    })
    this.#labels = labels.length > 0 ? labels : [take(scratch)]
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
      encodeSample(writer, args[at]?.evaluate(stream))
    }
  }
}

/** What was written, in memory of its own. */
function take(writer: Writer): Uint8Array {
  const bytes = Uint8Array.from(writer.view())
  writer.reset()
  return bytes
}
