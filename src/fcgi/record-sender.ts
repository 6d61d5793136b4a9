import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { writeLatin1 } from '../bytes/latin1.ts'
import { Writer } from '../bytes/writer.ts'
import { isLent } from '../base/lent.ts'
import { borrowBuffer } from '../base/send-buffer.ts'
import { takePiece } from '../base/slab.ts'
import { Turn } from '../base/turn.ts'
import type { Flushable } from '../base/turn.ts'
import { isPlainSocket } from '../net/inside.ts'
import { waitingBytes, writeQuickly } from '../net/quick-write.ts'
import {
  encodeRecordHeader,
  headerSize,
  paddingFor,
  putRecordHeader,
  streamContentSize,
  writeZeroes,
} from './codec/record.ts'
import type { RecordType } from './codec/record.ts'

/** What is as large as this does not wait for the end of the turn, and is not copied to stand behind something else. */
const large = 16_384
const initialSize = 512
/** Records are padded to a multiple of eight bytes. */
const mostPadding = 7
/** A buffer that has grown beyond this is not kept for the small ones. */
const keptSize = 65_536
/** Most bytes of a character in UTF-8, for each of its units in a string. */
const utf8Bytes = 3

const turn = new Turn()

/** What becomes of the head of a request. */
export interface SentHead {
  /** Whether it was written. */
  written: boolean
  /** Whether the system has taken it, or may have. */
  sent: boolean
}

/**
 * Records out, for both ends: streams are cut into records, and what is sent in one turn of the loop leaves at its end, in
 * one write. Whoever ends the socket flushes before.
 */
export class RecordSender implements Flushable {
  /** How many writes the system has taken whole; grows while the peer reads. */
  taken = 0
  #writer = new Writer(initialSize)
  #scheduled = false
  /** Of the heads of requests that have gathered. */
  #heads: SentHead[] | undefined
  readonly #onTaken = (): void => {
    this.taken++
  }
  readonly #socket: Socket
  readonly #padding: boolean
  /** A socket has copied what it has written; another stream may keep a reference. */
  readonly #copies: boolean
  readonly #quick: boolean

  /** @param padding - whether records are padded to a multiple of eight bytes. */
  constructor(socket: Socket, padding: boolean) {
    this.#socket = socket
    this.#padding = padding
    this.#copies = socket instanceof Socket
    this.#quick = isPlainSocket(socket)
  }

  /** Whether something of what was sent is still here. */
  get unsent(): boolean {
    return this.#writer.at > 0 || waitingBytes(this.#socket) > 0
  }

  /** Where records go that the caller encodes. */
  get writer(): Writer {
    // Behind the head of a request: see `head`.
    if (this.#heads !== undefined) this.flush()
    this.#schedule()
    return this.#writer
  }

  /**
   * Where the head of a request goes: it leaves in a write that has nothing behind it but other heads, so that whether the
   * system took it tells whether the request can have run. `head` says that it is there.
   */
  get headWriter(): Writer {
    this.#schedule()
    return this.#writer
  }

  /** What was encoded to `headWriter` is a head, and what becomes of it is told here. */
  head(head: SentHead): void {
    // Mostly there is one; V8 makes room for seventeen at the first push.
    if (this.#heads === undefined) this.#heads = [head]
    else this.#heads.push(head)
  }

  /**
   * Sends content of a stream in as many records as it takes, none when it is empty. Text is sent as UTF-8, `head`, which
   * stands before it, with one byte per character. False: wait for `drain`.
   */
  stream(type: RecordType, id: number, content: Uint8Array | string, head = ''): boolean {
    const isText = typeof content === 'string'
    const most = head.length + (isText ? utf8Bytes : 1) * content.length
    if (most < large) {
      if (most > 0) this.#gather(type, id, content, head)
    } else {
      if (head.length > streamContentSize) this.#sendLarge(type, id, Buffer.from(head, 'latin1'))
      else if (head !== '') this.#gather(type, id, '', head)
      this.#sendLarge(type, id, isText ? Buffer.from(content) : content)
    }
    return !this.#socket.writableNeedDrain
  }

  #gather(type: RecordType, id: number, content: Uint8Array | string, head: string): void {
    const { writer } = this
    const header = writer.reserve(headerSize)
    const start = writer.at
    if (head !== '') {
      const at = writer.reserve(head.length)
      writeLatin1(writer.bytes, head, at)
    }
    if (typeof content !== 'string') writer.copy(content)
    else if (content !== '') writer.text(content)
    const size = writer.at - start
    const padding = this.#padding ? paddingFor(size) : 0
    putRecordHeader(writer.bytes, header, type, id, size, padding)
    if (padding > 0) writeZeroes(writer, padding)
    if (writer.at >= large) this.flush()
  }

  /** As it is, behind what has gathered; what is lent is copied with its headers. */
  #sendLarge(type: RecordType, id: number, content: Uint8Array): void {
    this.flush()
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return
    if (isLent(content)) return this.#sendLent(type, id, content)
    socket.cork()
    for (let at = 0; at < content.length; at += streamContentSize) {
      const piece = content.subarray(at, at + streamContentSize)
      const padding = this.#padding ? paddingFor(piece.length) : 0
      const header = takePiece(headerSize)
      putRecordHeader(header, 0, type, id, piece.length, padding)
      socket.write(header, this.#onTaken)
      socket.write(piece)
      if (padding > 0) socket.write(Buffer.alloc(padding))
    }
    socket.uncork()
  }

  /** Memory that was borrowed goes back when the kernel has its copy: new memory for each is what the collector is slow with. */
  #sendLent(type: RecordType, id: number, content: Uint8Array): void {
    const records = Math.ceil(content.length / streamContentSize)
    const most = content.length + records * (headerSize + mostPadding)
    const borrowed = this.#copies && waitingBytes(this.#socket) === 0 ? borrowBuffer(most) : undefined
    const bytes = borrowed?.view(most) ?? takePiece(most)
    let to = 0
    for (let at = 0; at < content.length; at += streamContentSize) {
      const piece = content.subarray(at, at + streamContentSize)
      const padding = this.#padding ? paddingFor(piece.length) : 0
      putRecordHeader(bytes, to, type, id, piece.length, padding)
      bytes.set(piece, to + headerSize)
      to += headerSize + piece.length
      bytes.fill(0, to, (to += padding))
    }
    this.#socket.write(to === most ? bytes : bytes.subarray(0, to), (error) => {
      borrowed?.returned(error)
      this.#onTaken()
    })
  }

  /** Sends a record without content: the end of a stream, or ABORT_REQUEST. */
  empty(type: RecordType, id: number): void {
    encodeRecordHeader(this.writer, type, id, 0)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    turn.add(this)
  }

  /** Sends what has gathered. */
  flush(): void {
    this.#scheduled = false
    const writer = this.#writer
    const heads = this.#heads
    const socket = this.#socket
    this.#heads = undefined
    if (writer.at === 0) return
    if (socket.destroyed || socket.writableEnded) return writer.reset()
    const quick = this.#quick ? writeQuickly(socket, writer.view()) : undefined
    if (quick === undefined) return this.#flushStream(writer, this.#whenTaken(heads))
    if (quick === true) {
      this.#taken(heads)
      return this.#reuse(writer)
    }
    quick.onTaken = this.#whenTaken(heads)
    this.#writer = new Writer(initialSize)
  }

  #flushStream(writer: Writer, onTaken: (error?: Error | null) => void): void {
    const socket = this.#socket
    if (waitingBytes(socket) > 0) {
      // It has to wait in any case: in a piece of memory of its size.
      socket.write(Buffer.from(writer.view()), onTaken)
      return this.#reuse(writer)
    }
    socket.write(writer.view(), onTaken)
    // Nothing left to send means that the kernel has its copy, and the buffer is ours again.
    if (socket.writableLength === 0 && this.#copies) this.#reuse(writer)
    else this.#writer = new Writer(initialSize)
  }

  #reuse(writer: Writer): void {
    if (writer.bytes.length > keptSize) this.#writer = new Writer(initialSize)
    else writer.reset()
  }

  #taken(heads: readonly SentHead[] | undefined): void {
    this.taken++
    if (heads !== undefined) for (const head of heads) head.written = head.sent = true
  }

  /** Of several heads in one write the first may have left before it failed. */
  #whenTaken(heads: readonly SentHead[] | undefined): (error?: Error | null) => void {
    if (heads === undefined) return this.#onTaken
    for (const head of heads) head.written = true
    return (error) => {
      const failed = error !== undefined && error !== null
      if (!failed) this.taken++
      if (!failed || heads.length > 1) for (const head of heads) head.sent = true
    }
  }
}
