/** Recent messages: a few a second, the last ones kept, and nothing of what is secret. */
import type { RecentItem, RecentMessage } from './view/page-state.ts'

/** So many are taken in a second, evenly from its beginning; a page shows no more to anybody. */
const mostPerSecond = 10
const mostItems = 24
const longestValue = 120

/** Names whose values are never shown: in them there are passwords and sessions, or whole heads and bodies, which hold such. */
const secretName =
  /auth|cookie|token|secret|passw|credential|session|jwt|bearer|api.?key|signature|csrf|hdrs|headers|body/i

/** A message, before what is secret is taken out. */
export interface RawMessage extends Omit<RecentMessage, 'id' | 'time'> {
  /** Milliseconds since 1970. */
  readonly at: number
}

/** A ring of the last messages; while it is off it takes none. */
export class RecentMessages {
  readonly #size: number
  readonly #redact: ReadonlySet<string>
  readonly #ring: RecentMessage[] = []
  #lastId = 0
  #second = 0
  #taken = 0
  #on: boolean

  /** `size`: how many are kept; `on`: whether any are taken before {@link RecentMessages.switch}. */
  constructor(size: number, on: boolean, redact: readonly string[]) {
    this.#size = size
    this.#on = on
    this.#redact = new Set(redact)
  }

  /** Whether messages are taken. */
  get on(): boolean {
    return this.#on
  }

  /** Off, it forgets what it has. */
  switch(on: boolean): void {
    this.#on = on
    if (!on) this.#ring.length = 0
  }

  /** Whether a message at this time, in milliseconds, would be taken: ask before making one. */
  wants(at: number): boolean {
    if (!this.#on) return false
    const second = Math.floor(at / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#taken = 0
    }
    return this.#taken < mostPerSecond
  }

  /** Keeps a message, with what secret there is in it taken out. */
  add({ at, args, actions, ...rest }: RawMessage): void {
    this.#taken++
    this.#ring.push({
      id: ++this.#lastId,
      time: new Date(at).toISOString(),
      ...rest,
      args: this.#clean(args),
      actions: this.#clean(actions),
    })
    if (this.#ring.length > this.#size) this.#ring.shift()
  }

  #clean(items: readonly RecentItem[]): RecentItem[] {
    return items
      .slice(0, mostItems)
      .map(({ name, value }) => ({ name, value: this.#cleanValue(name, value) }))
  }

  #cleanValue(name: string, value: string): string {
    const bare = name.replace(/^(proc|sess|txn|req|res)\./, '')
    if (secretName.test(name) || this.#redact.has(name) || this.#redact.has(bare)) return '[redacted]'
    // In the query of a path there are tokens as often as in a header.
    const query = value.indexOf('?')
    const shown = query < 0 ? value : `${value.slice(0, query)}?[redacted]`
    return shown.length > longestValue ? `${shown.slice(0, longestValue - 1)}…` : shown
  }

  /** The latest first. */
  list(): RecentMessage[] {
    return this.#ring.toReversed()
  }
}
