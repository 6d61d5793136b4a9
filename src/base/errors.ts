/**
 * The base of every error that sluice throws on purpose.
 *
 * Each protocol keeps its own catalogue of codes beside its code (`spop/errors.ts`, `fcgi/errors.ts`, …); all of
 * them are listed in docs/errors.md, and a test compares the two.
 */

/**
 * Who is to blame: `local` (the caller misused the API), `peer` (the other end broke the protocol) or
 * `io` (the network or the file system failed).
 */
export type Fault = 'local' | 'peer' | 'io'

/** What can be said about an error beside its code and its message. */
export interface SluiceErrorOptions {
  /** Who is to blame. */
  readonly fault: Fault
  /** The error that led to this one. */
  readonly cause?: unknown
}

/**
 * What can be said about an error of a catalogue beside its code and a detail: the third parameter of the constructors. Which
 * of them a class takes is its own affair.
 */
export interface ErrorAbout {
  /** Instead of the catalogue's. */
  readonly fault?: Fault
  /** Instead of the catalogue's, where it comes from the peer. */
  readonly status?: number | undefined
  /** The error that led to this one. */
  readonly cause?: unknown
}

/** The sentence of a catalogue, with what is known about this case. */
export function withDetail(message: string, detail: string | undefined): string {
  return detail === undefined ? message : `${message}: ${detail}`
}

/**
 * An error with a stable code. Match on {@link SluiceError.code}, which is covered by semantic versioning; the message
 * is for people and may change.
 */
export class SluiceError<Code extends string = string> extends Error {
  /** Stable, documented in docs/errors.md. */
  readonly code: Code
  /** Who is to blame. */
  readonly fault: Fault

  constructor(code: Code, message: string, options: SluiceErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.fault = options.fault
  }
}

/** Codes of errors that are not about one protocol: wrong options, wrong addresses. */
export const commonFaults = {
  ERR_SLUICE_OPTION: { message: 'an option has a wrong value, or is unknown' },
  ERR_SLUICE_ADDRESS: { message: 'an address cannot be parsed' },
  ERR_SLUICE_CLOSED: { message: 'the object was closed already' },
} as const satisfies Record<string, { message: string }>

/** The caller passed something that cannot work. Always `fault: 'local'`. */
export class UsageError extends SluiceError<keyof typeof commonFaults> {
  constructor(code: keyof typeof commonFaults, message: string, cause?: unknown) {
    super(code, message, { fault: 'local', cause })
  }
}

/** The text of whatever was thrown, for logs and wire messages. */
export function errorMessage(error: unknown): string {
  if (error instanceof Error) return error.message
  try {
    return String(error)
  } catch {
    return 'an object that has no text'
  }
}

/** Where a handler has thrown: a line of text has no room for the stack. What is ours says what is wrong without it. */
export function placeOf(error: unknown): { readonly at?: string } {
  if (!(error instanceof Error) || error instanceof SluiceError) return {}
  const at = /\n\s+at (?:.*\()?((?:file:|\/|[a-zA-Z]:\\)[^\n]*?:\d+:\d+)/.exec(error.stack ?? '')?.[1]
  return at === undefined ? {} : { at }
}
