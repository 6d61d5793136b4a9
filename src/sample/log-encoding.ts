/** How a log-format writes text: quotes, escapes and encoded bytes (src/log.c). */

/** What applies to one element of a log-format. */
export interface LogFlags {
  /** `+Q` */
  readonly quote: boolean
  /** `+X` */
  readonly hex: boolean
  /** `+E` */
  readonly escape: boolean
  /** `+M`, which log lines begin with: empty text is written as `-`. */
  readonly mandatory: boolean
}

function encodeByte(marker: string, char: string): string {
  return marker + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
}

const escapeSpecial = (text: string): string => text.replace(/["\\\]]/g, '\\$&')

const notOfRequests = /[^ !$-~]/g
const notOfCaptures = /[^ !$-z~]/g
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const notOfHeaders = /[\x00-\x08\x0a-\x1f\x7f]/g

/** For requests in logs: `#XX` for control and non-ASCII bytes, `"` and `#`. */
export function encodeRequest(text: string, flags: LogFlags): string {
  return encode(text, notOfRequests, '#', flags)
}

/** For captured headers in logs: as requests, and `{`, `|`, `}` too. */
export function encodeCapture(text: string, flags: LogFlags): string {
  return encode(text, notOfCaptures, '#', flags)
}

/** For header values: `%XX` for control characters other than the tab, so that no line can be forged. */
export function encodeHeader(text: string, flags: LogFlags): string {
  return encode(text, notOfHeaders, '%', flags)
}

function encode(text: string, bad: RegExp, marker: string, flags: LogFlags): string {
  const escaped = flags.escape ? escapeSpecialOutside(text, bad) : text
  return escaped.search(bad) >= 0 ? escaped.replace(bad, (char) => encodeByte(marker, char)) : escaped
}

/** What will be encoded is not escaped as well. */
function escapeSpecialOutside(text: string, bad: RegExp): string {
  return text.replace(/["\\\]]/g, (char) => (char.search(bad) >= 0 ? char : `\\${char}`))
}

/** Other text as it is, quoted or escaped as the flags say, up to the first NUL. */
export function writeText(text: string | undefined, flags: LogFlags): string {
  const whole = (text ?? '').split('\0', 1)[0] ?? ''
  if (whole === '' && flags.mandatory && !flags.quote) return '-'
  return quoted(flags.escape ? escapeSpecial(whole) : whole, flags)
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\x00-\x1f\x7f]/g

/**
 * As {@link writeText}, with `#XX` for control characters: no value can begin a line or a column of a log. HAProxy
 * does so for requests and captured headers only.
 */
export function writeLogText(text: string | undefined, flags: LogFlags): string {
  // What nearly every field is.
  if (text !== undefined && text !== '' && !flags.escape && text.search(control) < 0)
    return quoted(text, flags)
  return writeText(text, flags).replace(control, (char) => encodeByte('#', char))
}

/** Between quotes with `+Q`. */
export function quoted(text: string, flags: LogFlags): string {
  return flags.quote ? `"${text}"` : text
}
