/** In what HAProxy 2.6 and 3.x differ towards an agent under load. */

/** Whom a load is like. */
export const mannerNames = ['2.6', '3.x'] as const

/** One of {@link mannerNames}. */
export type MannerName = (typeof mannerNames)[number]

/** See {@link mannerNames}. */
export interface Manners {
  readonly name: MannerName
  /** What HELLO announces. */
  readonly capabilities: string
  /** `stream`: the id of the client's stream, from 0, and its NOTIFYs are frames 1, 2, 3. `connection`: 1, 3, 5 on each, frame 1. */
  readonly ids: 'stream' | 'connection'
  /** `disconnect`: says so and waits for the agent's. `reset`: without a word. */
  readonly teardown: 'disconnect' | 'reset'
  /** Whether each connection has an engine-id of its own, as those of several threads have. */
  readonly engineIdPerLane: boolean
  /** Whether AGENT-HELLO may lack `max-frame-size`. */
  readonly sizeOptional: boolean
}

const manners: Readonly<Record<MannerName, Manners>> = {
  '2.6': {
    name: '2.6',
    capabilities: 'pipelining,async',
    ids: 'stream',
    teardown: 'disconnect',
    engineIdPerLane: true,
    sizeOptional: false,
  },
  '3.x': {
    name: '3.x',
    capabilities: 'pipelining',
    ids: 'connection',
    teardown: 'reset',
    engineIdPerLane: false,
    sizeOptional: true,
  },
}

/** The manners of that name. */
export function mannersOf(name: MannerName): Manners {
  return manners[name]
}
