/**
 * Whose manners the engine has. HAProxy rewrote its SPOE in 3.1: before, a NOTIFY carries the id of the client's stream
 * and a running frame id; since, ids belong to the connection and are odd, as in HTTP/2.
 */

/** The names of the profiles. */
export const profileNames = ['default', '2.6', '3.x'] as const

/** See {@link profileNames} and docs/engine.md. */
export type ProfileName = (typeof profileNames)[number]

/** What the profiles differ in. */
export interface Profile {
  /** `engine`: one sequence for all connections, continued by streams. `connection`: 1, 3, 5, … on each. */
  readonly ids: 'engine' | 'connection'
  /** The first id of the sequence. */
  readonly firstId: number
  /** Whether payloads are cut for agents that take fragments. */
  readonly fragments: boolean
  /** Bytes of a frame that are not used for payload; 0: just what its head takes. */
  readonly headReserve: number
  /** NOTIFYs in flight per connection, whatever the options say; 0: as they say. */
  readonly window: number
  /** Whether leaving is said with DISCONNECT, or done with a reset. */
  readonly disconnects: boolean
  /** Whether AGENT-HELLO may lack `max-frame-size`: our own then holds. */
  readonly sizeOptional: boolean
  /**
   * What is under way on a connection that the agent has spoilt fails with what the agent says when it is left, once it
   * has said it; else at once, with what was wrong.
   */
  readonly heedsFarewell: boolean
}

const profiles: Readonly<Record<ProfileName, Profile>> = {
  // Streams begin with 1: agents exist that take 0 for "none".
  default: {
    ids: 'engine',
    firstId: 1,
    fragments: true,
    headReserve: 0,
    window: 0,
    disconnects: true,
    sizeOptional: true,
    heedsFarewell: false,
  },
  '2.6': {
    ids: 'engine',
    firstId: 0,
    fragments: true,
    headReserve: 32,
    window: 0,
    disconnects: true,
    sizeOptional: false,
    heedsFarewell: true,
  },
  '3.x': {
    ids: 'connection',
    firstId: 1,
    fragments: false,
    headReserve: 0,
    window: 20,
    disconnects: false,
    sizeOptional: true,
    heedsFarewell: false,
  },
}

/** The profile of that name. */
export function getProfile(name: ProfileName): Profile {
  return profiles[name]
}

/** Ids stay below this: HAProxy keeps them in 32 bits, and V8 keeps numbers of 30 bits without an allocation. */
export const idLimit = 0x3fff_ffff

/** A sequence of ids that begins again when it has come to the end. */
export class IdSequence {
  readonly #first: number
  readonly #step: number
  #next: number

  constructor(first: number, step: number) {
    this.#first = first
    this.#step = step
    this.#next = first
  }

  take(): number {
    const id = this.#next
    this.#next = id + this.#step > idLimit ? this.#first : id + this.#step
    return id
  }
}

/**
 * The exchanges of one client stream: they share a stream id, and their frame ids count 1, 2, 3, … In profile `3.x`
 * it has no effect.
 */
export class EngineStream {
  /** The stream id of its NOTIFYs. */
  readonly id: number
  #frames = 0

  constructor(id: number) {
    this.id = id
  }

  /** The next frame id. */
  nextFrame(): number {
    return ++this.#frames
  }
}
