/** Mistakes of who wrote the agent, or HAProxy's configuration of it: each is told once, with its remedy. */
import type { Logger } from '../base/logger.ts'
import type { ConnectionInfo } from './context.ts'
import type { AgentMetrics, MessageMetrics } from './metrics.ts'

/** Names come from outside: so many mistakes are told, and no more. */
const mostTold = 100
/** Names of a list that are shown. */
const mostShown = 20

/** Tells mistakes, each once. */
export class Mistakes {
  readonly #logger: Logger
  readonly #told = new Set<string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** HAProxy sends what no handler is registered for: a name is misspelt here or there, or a handler is missing. */
  tellUnknown(
    name: string,
    known: { readonly names: readonly string[] },
    { id, peer }: ConnectionInfo,
  ): void {
    if (!this.#isNew(`unknown ${name}`)) return
    const message = `no handler for '${name}'; registered: ${list(known.names)}`
    this.#logger.warn({ connection: id, peer }, message)
  }

  /** A handler was done, and something that it had begun was not. */
  tellLate(name: string, action: string): void {
    if (!this.#isNew(`late ${name}`)) return
    const remedy = "return or await every promise of the handler: a 'return' or an 'await' is missing"
    const message = `message '${name}': ${action} came after the handler was done, and was not sent; ${remedy}`
    this.#logger.warn({ code: 'ERR_AGENT_LATE' }, message)
  }

  #isNew(mistake: string): boolean {
    if (this.#told.size >= mostTold || this.#told.has(mistake)) return false
    this.#told.add(mistake)
    return true
  }
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const more = names.length - mostShown
  return names.slice(0, mostShown).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** Who hears of actions that come after the answer has left: of the first of each message. */
export interface LateListener {
  onLate(action: string): void
}

/** The deadline had passed, or the connection is gone: that was told then. */
export class Outrun implements LateListener {
  readonly #metrics: MessageMetrics

  constructor(metrics: MessageMetrics) {
    this.#metrics = metrics
  }

  onLate(): void {
    this.#metrics.late++
  }
}

/** The handler had said that it was done. */
export class Forgotten implements LateListener {
  readonly #name: string
  readonly #metrics: AgentMetrics
  readonly #mistakes: Mistakes

  constructor(name: string, metrics: AgentMetrics, mistakes: Mistakes) {
    this.#name = name
    this.#metrics = metrics
    this.#mistakes = mistakes
  }

  onLate(action: string): void {
    this.#metrics.message(this.#name).late++
    this.#metrics.countError('ERR_AGENT_LATE')
    this.#mistakes.tellLate(this.#name, action)
  }
}
