/** What a conformance check is. */
import type { MessageInput } from '../../spop/notify.ts'
import type { Conversation } from './conversation.ts'
import { CheckSkipped, type CheckLevel } from './verdict.ts'

/** Where the rule comes from: a point of {@link checklist}, `A1` to `A14` and `W1` to `W26`. */
export type CheckPoint = `A${number}` | `W${number}`

/** What a check may use. */
export interface CheckContext {
  /** Milliseconds that every answer may take. */
  readonly timeout: number
  /** The NOTIFY to send where nothing else matters. */
  readonly sample: readonly MessageInput[]
  /** Whether {@link sample} was chosen by the caller: then its answer is looked at as well. */
  readonly hasSample: boolean
  /** A message whose handler takes too long, where the caller knows one. */
  readonly slow: readonly MessageInput[] | undefined
  /** Stops the agent, where the caller can. */
  readonly stop: (() => unknown) | undefined
  /** What AGENT-HELLO announced when everything was offered; empty when that handshake failed. */
  readonly announced: readonly string[]
  /** Connects. */
  open(): Promise<Conversation>
  /** Connects and shakes hands; `hello` is a whole HAPROXY-HELLO. */
  shake(hello?: Buffer): Promise<Conversation>
}

/** One row of the table. */
export interface Check {
  /** Stable: `group.name`. */
  readonly id: string
  /** A sentence that is true of a good agent. */
  readonly title: string
  readonly level: CheckLevel
  /** The section of the specification, or who does it so. */
  readonly source: string
  readonly points: readonly CheckPoint[]
  /** The agent is treated badly: afterwards a new connection must be served. */
  readonly hostile?: boolean
  /** Throws {@link CheckFailed} or {@link CheckSkipped}. */
  run(context: CheckContext): Promise<void>
}

/** Skips a check when the agent did not announce a capability. */
export function needCapability(context: CheckContext, name: string): void {
  if (!context.announced.includes(name)) throw new CheckSkipped(`the agent does not announce ${name}`)
}
