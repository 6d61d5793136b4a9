/** The first bytes of one direction of a TCP stream, kept while rules look at them. */
import { Buffer } from 'node:buffer'
import { HeadBuffer, Http1Error, mayBecomeRequest, parseRequestHead } from '../../http1/index.ts'
import type { RequestState, SampleRequest } from '../../sample/stream.ts'
import type { ProxySettings } from '../settings.ts'
import { RequestView } from './message-view.ts'

const none = Buffer.alloc(0)

/** In TCP mode samples see the head of a request, never its body. */
const noBody = { bytes: undefined, left: 0 }

/** At most `maxBufferSize` bytes, and what came with the last of them. */
export class InspectedBytes {
  readonly #settings: ProxySettings
  #bytes: Buffer = none
  /** What came while nobody was to see it; undefined: all is seen. */
  #unseen: Buffer[] | undefined
  /** What the bytes are as HTTP; undefined while nobody has asked since the last of them came. */
  #http: SampleRequest | 'partial' | 'invalid' | undefined

  constructor(settings: ProxySettings) {
    this.#settings = settings
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  get full(): boolean {
    return this.#bytes.length >= this.#settings.maxBufferSize
  }

  /** What comes from now on is kept, and not seen until `reveal`. */
  conceal(): void {
    this.#unseen ??= []
  }

  /** Answers whether there is something to see now that there was not before. */
  reveal(): boolean {
    const unseen = this.#unseen
    this.#unseen = undefined
    if (unseen === undefined || unseen.length === 0) return false
    this.add(Buffer.concat(unseen))
    return true
  }

  /** Whether there is more than what is seen. */
  get concealed(): boolean {
    return this.#unseen !== undefined && this.#unseen.length > 0
  }

  /** Answers whether there is room for no more. */
  add(chunk: Buffer): boolean {
    if (this.#unseen !== undefined) {
      const size = this.#unseen.reduce((sum, { length }) => sum + length, this.#bytes.length)
      this.#unseen.push(chunk)
      return size + chunk.length >= this.#settings.maxBufferSize
    }
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    this.#http = undefined
    return this.full
  }

  /** All of them, to be passed on; undefined when there are none. */
  take(): Buffer | undefined {
    this.reveal()
    const bytes = this.#bytes
    this.#bytes = none
    return bytes.length === 0 ? undefined : bytes
  }

  /** The request that they begin with, parsed when a rule asks for it. */
  get request(): SampleRequest | undefined {
    const http = this.#read()
    return typeof http === 'string' ? undefined : http
  }

  /** `partial` while more bytes may complete a head, an empty buffer included; `invalid` once they cannot. */
  get requestState(): RequestState {
    const http = this.#read()
    return typeof http === 'string' ? http : 'complete'
  }

  #read(): SampleRequest | 'partial' | 'invalid' {
    return (this.#http ??= this.#parse())
  }

  #parse(): SampleRequest | 'partial' | 'invalid' {
    const { maxHeadSize, maxHeaders } = this.#settings
    const buffer = new HeadBuffer({ maxHeadSize })
    try {
      if (buffer.push(this.#bytes, 0) < 0)
        return this.full || !mayBecomeRequest(this.#bytes) ? 'invalid' : 'partial'
      const head = parseRequestHead(buffer.bytes, buffer.start, buffer.end, maxHeaders)
      // Whatever it announces, HAProxy sees no body here.
      return new RequestView({ ...head, framing: 0 }, noBody)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      return 'invalid'
    }
  }
}
