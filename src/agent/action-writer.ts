import { Buffer } from 'node:buffer'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { encodeUnsetVar, type Scope } from '../spop/ack.ts'
import { encodeValue, type Value } from '../spop/typed-data.ts'
import type { Actions } from './actions.ts'
import { copyActions } from './copy-actions.ts'
import type { LateListener } from './mistakes.ts'
import { explainValue } from './refused-value.ts'
import type { VariableNames } from './variable-names.ts'
import type { WriterPool } from '../bytes/writer-pool.ts'

const none = Buffer.alloc(0)

/**
 * The actions of one message: they are encoded as they are set. While a handler runs synchronously they go straight
 * into the connection's outgoing buffer; when it turns out to be asynchronous they move to one that is lent to them, as
 * soon as there are any.
 */
export class ActionWriter implements Actions {
  /** None from {@link ActionWriter.detach} to the next action, and when it was given back. */
  #writer: Writer | undefined
  /** Who lends the buffer; none before {@link ActionWriter.detach}. */
  #lender: WriterPool | undefined
  /** Where the actions of this message begin in the buffer. */
  #start: number
  /** The buffer must not grow beyond this. */
  #limit: number
  /** Set when the answer has left: who hears of actions that come later. */
  #sealed: LateListener | undefined
  /** An action did not fit. */
  oversized = false
  /** An action came after the answer had left; that was told. */
  late = false
  /** The fallback answers, not the handler. */
  replaced = false

  readonly names: VariableNames

  constructor(writer: Writer, limit: number, names: VariableNames) {
    this.names = names
    this.#writer = writer
    this.#start = writer.at
    this.#limit = limit
  }

  setVar(scope: Scope, name: string, value: Value): boolean {
    if (this.#sealed !== undefined) {
      this.names.check(scope, name)
      return this.#refuseLate(this.#sealed, 'setVar', scope, name)
    }
    const head = this.names.headOf(scope, name)
    const writer = this.#writer ?? this.#borrow()
    const { at } = writer
    writer.copy(head)
    try {
      encodeValue(writer, value)
    } catch (error) {
      writer.reset(at)
      throw explainValue(error, scope, name, value)
    }
    return writer.at <= this.#limit || this.#refuseOversized(writer, at)
  }

  unsetVar(scope: Scope, name: string): boolean {
    this.names.check(scope, name)
    if (this.#sealed !== undefined) return this.#refuseLate(this.#sealed, 'unsetVar', scope, name)
    const writer = this.#writer ?? this.#borrow()
    const { at } = writer
    encodeUnsetVar(writer, scope, name)
    return writer.at <= this.#limit || this.#refuseOversized(writer, at)
  }

  #refuseLate(listener: LateListener, what: string, scope: string, name: string): false {
    if (this.late) return false
    this.late = true
    listener.onLate(`${what}('${scope}', '${name}')`)
    return false
  }

  #refuseOversized(writer: Writer, at: number): false {
    writer.reset(at)
    this.oversized = true
    return false
  }

  #borrow(): Writer {
    const lender = this.#lender as WriterPool // only detach() takes the first buffer away, and it knows the lender
    const writer = lender.take()
    this.#writer = writer
    return writer
  }

  /** Moves what was set so far out of the outgoing buffer: the handler goes on later. */
  detach(lender: WriterPool): void {
    const outgoing = this.#writer as Writer // the one that it was made with
    const start = this.#start
    this.#lender = lender
    this.#writer = undefined
    this.#limit -= start
    this.#start = 0
    if (outgoing.at === start) return
    this.#borrow().copy(outgoing.bytes, start, outgoing.at)
    outgoing.reset(start)
  }

  /** Takes back everything that was set. */
  clear(): void {
    this.#writer?.reset(this.#start)
  }

  /** Appends what was set to `target` as long as that stays within `limit`; answers whether all of it went in. */
  copyTo(target: Writer, limit: number): boolean {
    const writer = this.#writer
    return writer === undefined || copyActions(target, writer.bytes, this.#start, writer.at, limit)
  }

  /** Appends actions that were encoded elsewhere, in a worker thread for example, where some may not have fitted. */
  appendEncoded(bytes: Uint8Array, oversized = false): void {
    if (this.#sealed !== undefined) {
      if (!this.late) this.#sealed.onLate('what a thread has set')
      this.late = true
      return
    }
    const writer = this.#writer ?? this.#borrow()
    const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const whole = copyActions(writer, encoded, 0, encoded.length, this.#limit)
    if (oversized || !whole) this.oversized = true
  }

  /** Puts `reader` at the encoded actions; it is good until something else is written. */
  readWith(reader: Reader): Reader {
    const writer = this.#writer
    return writer === undefined ? reader.reset(none) : reader.reset(writer.bytes, this.#start, writer.at)
  }

  /** Bytes that the actions take. */
  get size(): number {
    return this.#writer === undefined ? 0 : this.#writer.at - this.#start
  }

  /** Leaves out what is beyond `room` bytes; only after {@link ActionWriter.detach}. */
  fit(room: number): void {
    if (this.size <= room) return
    const whole = this.#writer as Writer // something is set
    copyActions(this.#borrow(), whole.bytes, this.#start, whole.at, room)
    this.#lender?.give(whole)
  }

  /**
   * The answer leaves, or nobody waits for it: nothing that is set later is sent, for the buffer belongs to others from
   * now on.
   */
  seal(listener: LateListener): void {
    this.#sealed = listener
  }

  /** Gives the lent buffer back: the answer has been copied, or nobody waits for it. Only when sealed. */
  giveBack(): void {
    if (this.#writer === undefined) return
    this.#lender?.give(this.#writer)
    this.#writer = undefined
  }
}
