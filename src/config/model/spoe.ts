/** The model of SPOE files. */
import type { Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'
import type { LogTarget } from './log.ts'
import type { AclDeclaration, Condition } from './rules.ts'

/** One scope of a SPOE file: one agent, its messages and its groups. */
export interface SpoeConfig {
  /** The name of the scope, or undefined for a file without scopes. */
  readonly engine: string | undefined
  readonly agent: SpoeAgent
  /** Those that the agent uses, by event or through a group; in the order in which the agent lists them. */
  readonly messages: readonly SpoeMessage[]
  /** Those that nobody uses, perhaps because their name is misspelt where they are listed. */
  readonly unusedMessages: readonly SpoeMessage[]
  /** Those that the agent lists. */
  readonly groups: readonly SpoeGroup[]
}

/** `spoe-agent`, SPOE.txt 2.2. */
export interface SpoeAgent {
  readonly name: string
  readonly place: Place
  /** What variable names begin with. @default the agent's name */
  readonly varPrefix: string
  /** `messages`: those sent when their event occurs. */
  readonly messages: readonly Word[]
  readonly groups: readonly Word[]
  readonly useBackend: Word | undefined
  /** Bytes, 256 to `tune.bufsize` less 4, which is the default. */
  readonly maxFrameSize: number
  /** NOTIFY frames in flight on one connection. @default 20 */
  readonly maxWaitingFrames: number
  /** New connections per second; undefined: no limit. */
  readonly maxConnRate: number | undefined
  /** Errors per second after which processing stops; undefined: no limit. */
  readonly maxErrRate: number | undefined
  /** @default true */
  readonly pipelining: boolean
  /** @default false, where HAProxy 2.6 has true: a lost agent would cost every exchange its whole time-out */
  readonly async: boolean
  /** @default true */
  readonly sendFragPayload: boolean
  readonly continueOnError: boolean
  readonly dontLogNormal: boolean
  readonly forceSetVar: boolean
  /** Our own `option fail-fast`: an agent that cannot be reached is not waited for. */
  readonly failFast: boolean
  /** Our own `option resend-lost`: what was under way on a lost connection is sent once more. */
  readonly resendLost: boolean
  /** Variable name without scope and prefix. */
  readonly setOnError: string | undefined
  readonly setProcessTime: string | undefined
  readonly setTotalTime: string | undefined
  /** Names without scope and prefix. */
  readonly registerVarNames: readonly string[]
  readonly timeouts: SpoeTimeouts
  readonly logs: readonly LogTarget[]
  /** Keywords that count only where the backend has not `mode spop`. */
  readonly dropped: readonly Pick<Word, 'text' | 'place'>[]
}

/** Milliseconds; undefined: no limit. */
export interface SpoeTimeouts {
  readonly hello: number | undefined
  readonly idle: number | undefined
  readonly processing: number | undefined
}

/** The events of SPOE.txt 3.3, in the order in which a stream meets them. */
export const spoeEvents = [
  'on-client-session',
  'on-frontend-tcp-request',
  'on-frontend-http-request',
  'on-backend-tcp-request',
  'on-backend-http-request',
  'on-server-session',
  'on-tcp-response',
  'on-http-response',
] as const

/** The name of an event. */
export type SpoeEvent = (typeof spoeEvents)[number]

/** `spoe-message`, SPOE.txt 2.3. */
export interface SpoeMessage {
  readonly name: string
  readonly place: Place
  readonly acls: readonly AclDeclaration[]
  /** At most 255. */
  readonly args: readonly SpoeArg[]
  /** Undefined: sent through a group only. */
  readonly event:
    | { readonly name: SpoeEvent; readonly condition: Condition | undefined; readonly place: Place }
    | undefined
  /** Our own `timeout`, in milliseconds; undefined: that of the agent. */
  readonly timeout: number | undefined
  /** Our own `no-wait`: nobody waits for the answer, and its actions are dropped. */
  readonly noWait: boolean
}

/** `name=expr` or `expr`. */
export interface SpoeArg {
  readonly name: string | undefined
  readonly expr: Word
}

/** `spoe-group`, SPOE.txt 2.4. */
export interface SpoeGroup {
  readonly name: string
  readonly place: Place
  readonly messages: readonly Word[]
}
