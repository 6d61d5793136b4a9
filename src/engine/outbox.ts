import { Writer } from '../bytes/writer.ts'
import type { Transport } from './socket.ts'

/** A larger buffer is kept only as long as turns fill it. */
const keptSize = 65_536
/** And one that is larger than this, never. */
const mostKept = 1_048_576

/** Whether the buffer may serve another turn: to make a large one anew costs more than all that is written to it. */
function isKept({ length }: Buffer, used: number): boolean {
  return length <= keptSize || (length <= mostKept && used > length / 4)
}

/** What a connection sends: gathered during a turn of the loop, written at once at its end. */
export class Outbox {
  /** Frames go here. */
  writer = new Writer()
  /** The kernel takes no more for now: write nothing until {@link Outbox.drained}. */
  blocked = false
  readonly #socket: Transport
  /** For what is gathered while the other is being written. */
  #spare: Writer | undefined

  constructor(socket: Transport) {
    this.#socket = socket
  }

  /** One write for all that was gathered. */
  flush(): void {
    const { writer } = this
    const socket = this.#socket
    if (writer.at === 0 || !socket.writable) return
    // An agent in the same process reads while this writes, and its handlers may ask this engine.
    this.writer = this.#spare ?? new Writer()
    this.#spare = undefined
    const used = writer.at
    const whole = socket.write(writer.view())
    // The runtime writes at once what it can; while it holds a rest, the bytes must stay as they are.
    if (socket.writableLength === 0 && isKept(writer.bytes, used)) {
      writer.reset()
      this.#spare = writer
    }
    this.blocked = !whole && socket.writableLength > 0
  }

  /** The socket's `drain`. Answers whether that ends a blockade. */
  drained(): boolean {
    const was = this.blocked
    this.blocked = false
    return was
  }
}
