/**
 * What an author tells a status page beside the counters: the state of data and stores (sources), and what must hold
 * before traffic may come (checks). Asked when somebody looks, never in between.
 */
import { errorMessage } from '../base/errors.ts'
import { requireArgument } from '../base/options.ts'
import { notPromised } from '../base/promise.ts'
import type { CheckState, SourceState } from './readings.ts'

/**
 * What a source says of itself. All fields are optional, and any other may be added: numbers and booleans are
 * metrics too. The page knows what these mean.
 */
export interface SourceReading {
  /** What it is, in a word: `list`, `database`, `store`. */
  readonly kind?: string | undefined
  /** false is shown as trouble. */
  readonly ok?: boolean | undefined
  /** In words: where it is from, or what is wrong with it. */
  readonly detail?: string | undefined
  /** Seconds since the data was made, or fetched last. */
  readonly ageSeconds?: number | undefined
  /** From this age on, in seconds, the data is stale, which is trouble. */
  readonly maxAgeSeconds?: number | undefined
  /** How much there is of it. */
  readonly entries?: number | undefined
  /** How long the last question took, in milliseconds. */
  readonly latencyMs?: number | undefined
  readonly [field: string]: number | string | boolean | undefined
}

/** true is well; false, or words that say why, is not. Must answer at once: keep what the last ping said. */
export type Check = () => boolean | string

/** So many of each are told; more are a mistake of a loop. */
const most = 1000

/** Sources and checks, by name; the later one of a name replaces the earlier. */
export class StatusBoard {
  readonly #sources = new Map<string, () => SourceReading>()
  readonly #checks = new Map<string, Check>()

  /**
   * Tells of a list, a database, a store: `read` is called whenever somebody looks. Returns what takes it away again.
   * @throws UsageError `ERR_SLUICE_OPTION` for an empty name, or what is no function.
   */
  source(name: string, read: () => SourceReading): () => void {
    return register(this.#sources, 'source()', name, read)
  }

  /**
   * Adds what must hold for `/readyz` to say so. HAProxy's own health checks do not ask it: see `AgentOptions.ready`.
   * Returns what takes it away again.
   * @throws UsageError `ERR_SLUICE_OPTION` for an empty name, or what is no function.
   */
  check(name: string, test: Check): () => void {
    return register(this.#checks, 'check()', name, test)
  }

  /** What all sources say now. One that throws is in trouble. */
  readSources(): SourceState[] {
    return [...this.#sources].map(([name, read]) => {
      try {
        return judgeSource(name, notPromised('it', read()))
      } catch (error) {
        return { name, ok: false, fields: { detail: errorMessage(error) } }
      }
    })
  }

  /** What all checks say now. One that throws has failed. */
  readChecks(): CheckState[] {
    return [...this.#checks].map(([name, test]) => {
      try {
        const verdict: unknown = notPromised('it', test())
        if (verdict === true) return { name, ok: true, detail: '' }
        return { name, ok: false, detail: typeof verdict === 'string' ? verdict : 'no' }
      } catch (error) {
        return { name, ok: false, detail: errorMessage(error) }
      }
    })
  }
}

function register<Read>(table: Map<string, Read>, where: string, name: string, read: Read): () => void {
  requireArgument(typeof name === 'string' && name !== '', `${where}: the name`, 'must be a text', name)
  requireArgument(typeof read === 'function', `${where}: what is asked`, 'must be a function', read)
  requireArgument(table.size < most || table.has(name), where, `takes ${most} names at most`, name)
  table.set(name, read)
  return () => {
    // Who has replaced it stays.
    if (table.get(name) === read) table.delete(name)
  }
}

function judgeSource(name: string, reading: SourceReading): SourceState {
  const fields: Record<string, number | string | boolean> = {}
  for (const [key, value] of Object.entries(reading)) if (value !== undefined) fields[key] = value
  const { ageSeconds, maxAgeSeconds, ok } = reading
  const stale = ageSeconds !== undefined && maxAgeSeconds !== undefined && ageSeconds > maxAgeSeconds
  return { name, ok: ok !== false && !stale, fields }
}
