import type { Reader } from '../bytes/reader.ts'
import { SpopError } from '../spop/errors.ts'
import { FragmentAssembler } from '../spop/fragments.ts'
import type { FrameHead } from '../spop/frame-head.ts'
import type { AgentMetrics } from './metrics.ts'
import type { ResolvedAgentOptions } from './options.ts'

/** The payloads of a connection that come in fragments: HAProxy up to 3.0 sends such to whom it was announced by. */
export class Payloads {
  readonly #options: ResolvedAgentOptions
  readonly #metrics: AgentMetrics
  /** Most connections never need one. */
  #assembler: FragmentAssembler | undefined

  constructor(options: ResolvedAgentOptions, metrics: AgentMetrics) {
    this.#options = options
    this.#metrics = metrics
  }

  /** Whether one has begun and not ended. */
  get pending(): boolean {
    return this.#assembler?.pending === true
  }

  /** Refuses a NOTIFY in the middle of another. */
  checkInterlaced({ streamId, frameId }: FrameHead): void {
    this.#assembler?.checkInterlaced(streamId, frameId)
  }

  /** A NOTIFY without FIN, whose payload is what `reader` has left. */
  begin({ streamId, frameId }: FrameHead, reader: Reader): void {
    if (!this.#options.fragmentation) throw new SpopError('ERR_SPOP_FRAGMENTATION')
    this.#assembler ??= new FragmentAssembler(this.#options.maxPayloadSize)
    this.#assembler.begin(streamId, frameId, reader.view(reader.remaining))
  }

  /** An UNSET. Answers the whole payload with the last; undefined: more is to come, or nothing, for the peer gave it up. */
  append({ streamId, frameId, fin, abort }: FrameHead, reader: Reader): Buffer | undefined {
    if (this.#assembler === undefined) {
      throw new SpopError('ERR_SPOP_FRAME_ID_NOT_FOUND', `UNSET ${streamId}/${frameId} continues nothing`)
    }
    const payload = reader.view(reader.remaining)
    const outcome = this.#assembler.append({ type: 'unset', streamId, frameId, fin, abort, payload })
    if (outcome === 'more') return undefined
    if (outcome === 'aborted') {
      this.#metrics.aborted++
      return undefined
    }
    this.#metrics.fragmented++
    return outcome
  }
}
