/**
 * The logger that every part takes: four methods shaped like pino's, so that a pino instance fits as it is.
 */

import { requireArgument } from './options.ts'

/** Fields first, then the sentence; `error`s go under the key `err`. */
export interface Logger {
  /** What only helps to find a fault. */
  debug(fields: object, message: string): void
  /** What happens as it should: listening, closing. */
  info(fields: object, message: string): void
  /** Something is wrong, and goes on. */
  warn(fields: object, message: string): void
  /** Something has failed. */
  error(fields: object, message: string): void
}

const nothing = (): void => {}

/** A logger that says nothing: what most parts have when they are given none. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** The names of the levels, quietest last. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const

const levelRule = `must be one of ${logLevels.join(', ')}`

/** One of `debug`, `info`, `warn`, `error`. */
export type LogLevel = (typeof logLevels)[number]

/**
 * A logger that hands one line per entry to `write`: `level message key=value …`. Control characters are
 * escaped, so a peer cannot forge lines. What it makes never throws: a log line must not cost a connection. Its `level` may
 * be set while it is in use.
 * @throws UsageError `ERR_SLUICE_OPTION` for a level that is none.
 */
export function createTextLogger(
  write: (line: string) => void,
  least: LogLevel = 'info',
): Logger & { level: LogLevel } {
  requireArgument(typeof write === 'function', 'createTextLogger: write', 'must be a function', write)
  requireArgument(logLevels.includes(least), 'createTextLogger: the level', levelRule, least)
  const rank = (level: LogLevel) => logLevels.indexOf(level)
  const at = (level: LogLevel) => (fields: object, message: string) => {
    if (rank(level) < rank(logger.level)) return
    write(`${level} ${escapeControls(message)}${formatFields(fields)}`)
  }
  const logger = { level: least, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return logger
}

function formatFields(fields: object): string {
  let text = ''
  for (const [key, value] of Object.entries(fields)) text += ` ${key}=${formatField(value)}`
  return text
}

function formatField(value: unknown): string {
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code
    const isSaid = typeof code !== 'string' || value.message.startsWith(code)
    return quote(isSaid ? value.message : `${code}: ${value.message}`)
  }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : quote(value)
  return quote(value)
}

function quote(value: unknown): string {
  try {
    const text = JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'bigint' ? `${inner}` : inner,
    )
    return text === undefined ? typeof value : escapeControls(text)
  } catch {
    return '"[circular]"'
  }
}

/** Also for what JSON leaves as it is, although terminals act on it or end a line at it. */
function escapeControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, escapeCharacter)
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n'
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
