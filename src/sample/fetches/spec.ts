/** What an entry of the registry of fetches is, and helpers to write one. */
import type { ArgSpec, Arguments } from '../arguments.ts'
import type { CompileContext } from '../context.ts'
import type { SampleSource } from '../ruleset.ts'
import type { Stream } from '../stream.ts'
import type { SampleType, SampleValue } from '../value.ts'
import { str } from '../value.ts'

/** A fetch with its arguments bound. */
export interface Fetch {
  /** The sample, or undefined when there is none. */
  readonly one: (stream: Stream) => SampleValue | undefined
  /** Every sample, for ACLs, which try each value of a header in turn. Without it there is only one. */
  readonly all?: (stream: Stream) => readonly SampleValue[]
}

/** One fetch: everything that parsing, type checks, documentation and evaluation need. */
export interface FetchSpec {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly args: readonly ArgSpec[]
  /** The declared type; a fetch of addresses declares `ipv4` and may return `ipv6`. */
  readonly type: SampleType
  /** Any one of these is enough. */
  readonly needs: readonly SampleSource[]
  /** One line for the documentation. */
  readonly doc: string
  /** Whether the outcome may still change while a rule waits for more data. */
  readonly mayChange?: true
  /** Binds the arguments; undefined after a complaint. */
  build(args: Arguments, context: CompileContext): Fetch | undefined
}

/** A fetch without arguments. */
export function plain(
  name: string,
  type: SampleType,
  needs: SampleSource | readonly SampleSource[],
  doc: string,
  one: Fetch['one'],
  aliases: readonly string[] = [],
): FetchSpec {
  const list = typeof needs === 'string' ? [needs] : needs
  return { name, aliases, args: [], type, needs: list, doc, build: () => ({ one }) }
}

/** A string sample, or none. */
export function text(value: string | undefined): SampleValue | undefined {
  return value === undefined ? undefined : str(value)
}
