/** The option `logger`, the same wherever there is one. */
import { errorMessage } from './errors.ts'
import { logLevels, silentLogger, type Logger, type LogLevel } from './logger.ts'
import type { OptionSpec } from './options.ts'

/** Anything with the four methods of {@link Logger}; silent by default. */
export function loggerOption(): OptionSpec<Logger> {
  return { fallback: silentLogger, check: checkLogger, convert: (given) => guardLogger(given as Logger) }
}

function checkLogger(given: unknown): string | undefined {
  const methods = given as Partial<Record<string, unknown>> | null
  const missing = logLevels.filter((level) => typeof methods?.[level] !== 'function')
  return missing.length === 0 ? undefined : `must have the methods ${logLevels.join(', ')}`
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
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
