/** The option `logger`, the same wherever there is one. */
import { logLevels, silentLogger, type Logger } from './logger.ts'
import type { OptionSpec } from './options.ts'

/** Anything with the four methods of {@link Logger}; silent by default. */
export function loggerOption(): OptionSpec<Logger> {
  return { fallback: silentLogger, check: checkLogger }
}

function checkLogger(given: unknown): string | undefined {
  const methods = given as Partial<Record<string, unknown>> | null
  const missing = logLevels.filter((level) => typeof methods?.[level] !== 'function')
  return missing.length === 0 ? undefined : `must have the methods ${logLevels.join(', ')}`
}
