/** The sections of SPOE files while they are being read. */
import { defaults } from '../model/defaults.ts'
import type { SpoeAgent, SpoeGroup, SpoeMessage, SpoeTimeouts } from '../model/index.ts'
import type { Place } from '../text/diagnostics.ts'
import type { Draft } from '../text/writable.ts'

/** A `spoe-agent` section being read; its prefix is settled at the end. */
export interface SpoeAgentDraft extends Omit<Draft<SpoeAgent>, 'timeouts' | 'varPrefix'> {
  timeouts: Draft<SpoeTimeouts>
  varPrefix: string | undefined
  /** What `max-frame-size` may say. */
  readonly largestFrame: number
}

/** A `spoe-message` section being read. */
export type SpoeMessageDraft = Draft<SpoeMessage>

/** A `spoe-group` section being read. */
export type SpoeGroupDraft = Draft<SpoeGroup>

/** One with HAProxy's own defaults. */
export function createAgentDraft(name: string, place: Place, largestFrame: number): SpoeAgentDraft {
  return {
    name,
    place,
    varPrefix: undefined,
    messages: [],
    groups: [],
    useBackend: undefined,
    maxFrameSize: largestFrame,
    largestFrame,
    maxWaitingFrames: defaults.spoe.maxWaitingFrames,
    maxConnRate: undefined,
    maxErrRate: undefined,
    pipelining: true,
    async: false,
    sendFragPayload: true,
    continueOnError: false,
    dontLogNormal: false,
    forceSetVar: false,
    failFast: false,
    resendLost: false,
    setOnError: undefined,
    setProcessTime: undefined,
    setTotalTime: undefined,
    registerVarNames: [],
    timeouts: { hello: undefined, idle: undefined, processing: undefined },
    logs: [],
    dropped: [],
  }
}
