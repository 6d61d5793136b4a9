/** What a new connection to a server is met with, before the server has said anything. */
import type { ServerTransport } from '../server/server-transport.ts'
import type { ResponseState } from './http-state.ts'

/** What it needs of its stream. */
export interface Meets {
  readonly over: boolean
  /** Whether its steps wait for what the server says. */
  readonly awaitsBytes: boolean
  readonly answering: { readonly state: ResponseState; readonly server: ServerTransport | undefined }
  /** What the server has answered goes to the rules. */
  judge(): void
}

/**
 * The events and the content rules of a connection: as in HAProxy they do not wait for what the server says, and it is not
 * read while an agent is asked. The request is on its way meanwhile. One that is sent again meets its new server silently.
 *
 *   running ⇄ held ──▶ over        `held`: the server is not read meanwhile
 *
 * One per stream, made when its steps begin: most streams have none.
 */
export class Meeting {
  #state: 'running' | 'held' | 'over' = 'running'
  readonly #stream: Meets

  constructor(stream: Meets) {
    this.#stream = stream
  }

  /** Whether its steps go on: what the server answers waits for them. */
  get runs(): boolean {
    return this.#state !== 'over'
  }

  /** Its steps have begun; a server that takes the place of another finds them where they are. */
  join(server: ServerTransport): void {
    const { over, awaitsBytes } = this.#stream
    if (over || awaitsBytes || this.#state === 'over') return
    this.#state = 'held'
    server.hold()
  }

  /** Its steps are through. */
  end(): void {
    const isHeld = this.#state === 'held'
    this.#state = 'over'
    const { state, server } = this.#stream.answering
    if (state === 'judged') this.#stream.judge()
    else if (isHeld) server?.release()
  }
}
