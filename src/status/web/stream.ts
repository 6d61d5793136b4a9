/**
 * The events of the server. A browser asks again by itself when a connection is lost, and gives up when the server is not
 * there at that moment, as during a restart: so this asks, at first soon and then less often.
 */
import type { PageState, Point } from '../view/page-state.ts'

/** What an event has. */
export interface Update {
  readonly state: PageState
  readonly points: readonly Point[]
}

/** Waits between attempts, in milliseconds. */
const shortest = 500
const longest = 5000
/** An event comes each second: who is silent for longer is gone, whatever the connection says. */
const silence = 6000

/** See the head of this file. */
export class Stream {
  readonly #onUpdate: (update: Update) => void
  readonly #onLost: () => void
  #source: EventSource | undefined
  #retry = 0
  #watch = 0
  #delay = shortest

  constructor(onUpdate: (update: Update) => void, onLost: () => void) {
    this.#onUpdate = onUpdate
    this.#onLost = onLost
  }

  open(): void {
    this.close()
    const source = new EventSource('events')
    this.#source = source
    const onEvent = ({ data }: MessageEvent<string>) => {
      this.#delay = shortest
      this.#expect()
      this.#onUpdate(JSON.parse(data) as Update)
    }
    source.addEventListener('history', onEvent)
    source.addEventListener('tick', onEvent)
    source.addEventListener('error', () => this.#again())
    this.#expect()
  }

  #expect(): void {
    clearTimeout(this.#watch)
    this.#watch = window.setTimeout(() => this.#again(), silence)
  }

  #again(): void {
    this.close()
    this.#onLost()
    this.#retry = window.setTimeout(() => this.open(), this.#delay)
    this.#delay = Math.min(this.#delay * 2, longest)
  }

  close(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#watch)
    this.#source?.close()
    this.#source = undefined
  }
}
