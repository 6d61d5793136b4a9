/** What an entry of the registry of fetches is, and helpers to write one. */
import type { ArgSpec, Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import type { SampleSource } from '../checkpoint.ts'
import type { Stream } from '../stream.ts'
import type { SampleType, SampleValue } from '../value.ts'
import { str } from '../value.ts'

/** A fetch with its arguments bound. */
export interface Fetch {
  /** The sample, or undefined when there is none. */
  readonly one: (stream: Stream) => SampleValue | undefined
  /** Every sample, for ACLs, which try each value of a header in turn. Without it there is only one. */
  readonly all?: (stream: Stream) => readonly SampleValue[]
  /**
   * Whether more data could change what `one` and `all` give for the stream as it is (`SMP_F_MAY_CHANGE`). Asked only
   * while `stream.final` is false. By default it can while the request that the fetch needs is not complete.
   */
  readonly mayChange?: (stream: Stream) => boolean
  /** The sample is the same for every stream. */
  readonly constant?: true
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
  /** Binds the arguments; undefined after a complaint. */
  build(args: Arguments, context: BuildContext): Fetch | undefined
}

/** A fetch without arguments. */
export function plain(
  name: string,
  type: SampleType,
  needs: SampleSource | readonly SampleSource[],
  doc: string,
  fetch: Fetch | Fetch['one'],
  aliases: readonly string[] = [],
): FetchSpec {
  const list = typeof needs === 'string' ? [needs] : needs
  const bound = typeof fetch === 'function' ? { one: fetch } : fetch
  return { name, aliases, args: [], type, needs: list, doc, build: () => bound }
}

/** For samples that are never the last word: the time, chance, what is in a buffer that still fills. */
export const always = (): boolean => true

const never = (): boolean => false

/** Whether the head of the request is still to come, or a part of it. */
export const awaitsRequest = (stream: Stream): boolean =>
  stream.direction === 'request' && stream.requestState === 'partial'

/** Whether the head of the response is still to come. */
export const awaitsResponse = (stream: Stream): boolean =>
  stream.direction === 'response' && stream.awaitsResponse === true

const awaitsEither = (stream: Stream): boolean => awaitsRequest(stream) || awaitsResponse(stream)

/** What `mayChange` of a fetch is, with its default. */
export function mayChangeOf(fetch: Fetch, needs: readonly SampleSource[]): (stream: Stream) => boolean {
  if (fetch.mayChange !== undefined) return fetch.mayChange
  const ofRequest = needs.some((need) => need === 'request-headers' || need === 'request')
  if (!needs.includes('response-headers')) return ofRequest ? awaitsRequest : never
  return ofRequest ? awaitsEither : awaitsResponse
}

/** A string sample, or none. */
export function text(value: string | undefined): SampleValue | undefined {
  return value === undefined ? undefined : str(value)
}
