/** In what the versions of HAProxy differ on the wire. The rewrite of 3.1 is the great divide. */

/** The versions that a scripted peer can be. */
export const peerVersions = ['2.6', '3.0', '3.2', '3.5'] as const

/** One of {@link peerVersions}; `2.6` stands for 1.8.10 to 2.9 as well. */
export type PeerVersion = (typeof peerVersions)[number]

/** See {@link peerManners}. */
export interface PeerManners {
  /** The capabilities of its HELLO by default. */
  readonly capabilities: string
  /**
   * `stream`: the id of the client's stream, from 0, with frames 1, 2, 3 of it. `connection`: 1, 3, 5 on each
   * connection, and the frame is always 1.
   */
  readonly ids: 'stream' | 'connection'
  /** Whether a payload that is too long is sent in fragments to an agent that takes them. */
  readonly fragments: boolean
  /** How it leaves: DISCONNECT, then waiting for the agent's; or a reset without a word. */
  readonly teardown: 'disconnect' | 'reset'
  /**
   * Whether an AGENT-HELLO may come in pieces. 3.2.0 and 3.5-dev5 reset the connection when the first piece has 11 bytes
   * or more and is not the whole frame.
   */
  readonly splitHello: boolean
  /** Whether AGENT-HELLO may lack `max-frame-size`. */
  readonly sizeOptional: boolean
  /** The status for a version that is not `Major.Minor`. */
  readonly badVersionStatus: number
  /** What must not exceed the agreed size: the frame, or its payload alone. */
  readonly sizeCounts: 'frame' | 'payload'
}

const before31: PeerManners = {
  capabilities: 'pipelining,async',
  ids: 'stream',
  fragments: true,
  teardown: 'disconnect',
  splitHello: true,
  sizeOptional: false,
  badVersionStatus: 8,
  sizeCounts: 'frame',
}

const since31: PeerManners = {
  capabilities: 'pipelining',
  ids: 'connection',
  fragments: false,
  teardown: 'reset',
  splitHello: false,
  sizeOptional: true,
  badVersionStatus: 4,
  sizeCounts: 'payload',
}

/** The manners of a version. */
export function peerManners(version: PeerVersion): PeerManners {
  return version === '2.6' || version === '3.0' ? before31 : since31
}
