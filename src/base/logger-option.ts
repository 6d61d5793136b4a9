/** The option `logger`, the same wherever there is one. */
import { Console } from 'node:console'
import { errorMessage } from './errors.ts'
import { createTextLogger, logLevels, silentLogger, type Logger, type LogLevel } from './logger.ts'
import { resolveOptions, type OptionSpec, type Resolved, type Specs } from './options.ts'

/** Anything with the four methods of {@link Logger}, or false for silence; `fallback` when it is not given. */
export function loggerOption(fallback: Logger = silentLogger): OptionSpec<Logger> {
  return { fallback, check: checkLogger, convert: toLogger }
}

/** What options with a `logger` resolve to: `false` is a logger by then. */
export type Logging<Options> = Omit<Resolved<Options>, 'logger'> & { readonly logger: Logger }

/**
 * Resolves options whose `logger` is checked by {@link loggerOption}.
 * @throws UsageError `ERR_SLUICE_OPTION`.
 */
export function resolveLogging<Options extends { readonly logger?: Logger | false | undefined }>(
  specs: Specs<Options>,
  given: Options,
  where: string,
): Logging<Options> {
  // It has converted the logger; what is left of the type is that of what is given.
  return resolveOptions(specs, given, where) as unknown as Logging<Options>
}

function checkLogger(given: unknown): string | undefined {
  if (given === false) return undefined
  const methods = given as Partial<Record<string, unknown>> | null
  const missing = logLevels.filter((level) => typeof methods?.[level] !== 'function')
  return missing.length === 0 ? undefined : `must have the methods ${logLevels.join(', ')}, or be false`
}

function toLogger(given: unknown): Logger {
  if (given === false) return silentLogger
  return guardLogger(given instanceof Console ? consoleLogger(given) : (given as Logger))
}

/** A console would spread the fields, and the stacks of errors, over many lines before the sentence. */
function consoleLogger(target: Console): Logger {
  const at = (level: LogLevel) =>
    createTextLogger((line) => target[level](line.slice(level.length + 1)), 'debug')[level]
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** A logger that throws must end neither what it was told about nor the process; the first time is told as a warning. */
function guardLogger(logger: Logger): Logger {
  let failed = false
  const guard = (level: LogLevel) => (fields: object, message: string) => {
    try {
      logger[level](fields, message)
    } catch (error) {
      if (!failed) process.emitWarning(`the logger has failed: ${errorMessage(error)}`, 'SluiceWarning')
      failed = true
    }
  }
  const guarded = { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
  const leveled = logger as { level?: unknown }
  if (typeof leveled.level !== 'string') return guarded
  // pino's, and ours: who has the guarded one may set it, too.
  return Object.defineProperty(guarded, 'level', {
    get: () => leveled.level,
    set: (level) => {
      leveled.level = level
    },
  })
}
