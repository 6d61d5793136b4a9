/** Fragments of one connection: joined to be read, and kept back for the capture until their secrets are hidden. */
import { errorMessage } from '../base/errors.ts'
import { FragmentAssembler } from '../spop/fragments.ts'
import type { Finding } from './entry.ts'
import { HeldPieces, type HeldPiece } from './held-pieces.ts'
import { find } from './rules.ts'
import type { SpopFrame } from './spop-frame.ts'

/** The largest payload that is joined, in bytes. */
const maxPayload = 0x100_0000
/** What came of a fragment. */
export interface FragmentResult {
  readonly findings: readonly Finding[]
  /** The whole payload, with the last one: to be read, and its secrets to be overwritten. */
  readonly joined: Buffer | undefined
  readonly aborted: boolean
}

/** The fragments from HAProxy; an agent sends none. */
export class SpopFragments {
  readonly #assembler = new FragmentAssembler(maxPayload)
  readonly #held = new HeldPieces()

  /** Takes a NOTIFY without FIN, or an UNSET. */
  take(frame: SpopFrame, held: HeldPiece): FragmentResult {
    this.#held.add(held)
    const { streamId, frameId, fin, abort } = frame.head
    const result = { findings: [], joined: undefined, aborted: false }
    try {
      if (frame.name === 'NOTIFY') {
        this.#assembler.begin(streamId, frameId, frame.payload)
        return result
      }
      const unset = { type: 'unset', streamId, frameId, fin, abort, payload: frame.payload } as const
      const outcome = this.#assembler.append(unset)
      if (outcome === 'more') return result
      return outcome === 'aborted' ? { ...result, aborted: true } : { ...result, joined: outcome }
    } catch (error) {
      return { ...result, findings: [find('fragment.interlaced', errorMessage(error))], aborted: true }
    }
  }

  /** What is wrong with a whole NOTIFY here: it may not come between fragments. */
  checkInterlaced({ streamId, frameId }: SpopFrame['head']): Finding[] {
    try {
      this.#assembler.checkInterlaced(streamId, frameId)
      return []
    } catch (error) {
      return [find('fragment.interlaced', errorMessage(error))]
    }
  }

  /** The agent has answered, and wants no more of it. */
  giveUp(): void {
    this.#assembler.giveUp()
  }

  /** The fragments that were kept back, as {@link HeldPieces.release} gives them. */
  release(masked: Buffer | undefined, showSecrets: boolean): readonly HeldPiece[] {
    return this.#held.release(masked, showSecrets)
  }
}
