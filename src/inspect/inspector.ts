/** All connections that are looked at: numbers them, finds out their protocol, and gives each its conversation. */
import type { Conversation, ConversationHost, InspectSettings } from './conversation.ts'
import type { Entry, Protocol, Side } from './entry.ts'
import { FcgiConversation } from './fcgi-conversation.ts'
import { guessProtocol } from './frame-start.ts'
import { PendingTable } from './pending.ts'
import { SpopConversation } from './spop-conversation.ts'

/** How to look, and who is told. */
export interface InspectorOptions extends InspectSettings {
  /** `auto` looks at the first bytes of each connection. */
  readonly protocol: Protocol | 'auto'
  /** Gets what happens, in order. */
  readonly onEntry: (entry: Entry) => void
  /** Gets the bytes for a capture, a frame at a time and without secrets. @default nobody */
  readonly onBytes?: (connection: number, from: Side, bytes: Buffer, time: number) => void
}

/** A connection that is looked at. Times are milliseconds since 1970. */
export interface InspectedConnection extends Conversation {
  /** Its number, from 1. */
  readonly id: number
}

/** The two ends of a connection, as text. */
export interface Ends {
  readonly client: string
  readonly server: string
}

/** Engines whose connections answer for one another (async). */
const mostEngines = 4096

/** See {@link Inspector.open}. */
export class Inspector implements ConversationHost {
  readonly #options: InspectorOptions
  readonly #tables = new Map<string, PendingTable>()
  #count = 0

  constructor(options: InspectorOptions) {
    this.#options = options
  }

  /** A connection begins, or is seen from its middle on: then its HELLOs and questions are not missed. */
  open({ client, server }: Ends, time: number, midway = false): InspectedConnection {
    const id = ++this.#count
    this.emit({ kind: 'open', time, connection: id, client, server, findings: [] })
    return new Unknown(id, midway, this.#options, this)
  }

  emit(entry: Entry): void {
    this.#options.onEntry(entry)
  }

  keep(connection: number, from: Side, bytes: Buffer, time: number): void {
    this.#options.onBytes?.(connection, from, bytes, time)
  }

  pendingOf(engineId: string): PendingTable {
    let table = this.#tables.get(engineId)
    if (table !== undefined) return table
    // Each thread and each reload of HAProxy is an engine of its own.
    if (this.#tables.size >= mostEngines) this.#tables.clear()
    this.#tables.set(engineId, (table = new PendingTable()))
    return table
  }
}

/** A connection whose protocol its first bytes tell. */
class Unknown implements InspectedConnection {
  readonly id: number
  readonly #midway: boolean
  readonly #options: InspectorOptions
  readonly #host: ConversationHost
  #conversation: Conversation | undefined

  constructor(id: number, midway: boolean, options: InspectorOptions, host: ConversationHost) {
    this.id = id
    this.#midway = midway
    this.#options = options
    this.#host = host
  }

  push(from: Side, chunk: Buffer, time: number): void {
    if (chunk.length === 0) return
    const { protocol } = this.#options
    this.#conversation ??= this.#create(protocol === 'auto' ? guessProtocol(chunk) : protocol)
    this.#conversation.push(from, chunk, time)
  }

  end(from: Side, how: 'fin' | 'reset', time: number): void {
    if (this.#conversation !== undefined) return this.#conversation.end(from, how, time)
    this.#host.emit({ kind: 'end', time, connection: this.id, from, how, findings: [] })
  }

  missed(): void {
    this.#conversation?.missed()
  }

  skip(from: Side, size: number, time: number): void {
    this.#conversation?.skip(from, size, time)
  }

  expire(time: number): void {
    this.#conversation?.expire(time)
  }

  #create(protocol: Protocol): Conversation {
    const Kind = protocol === 'spop' ? SpopConversation : FcgiConversation
    return new Kind(this.id, this.#midway, this.#options, this.#host)
  }
}
