/** The logger of the commands, and of the agent when it is given none: lines for people, on standard error. */
import { LineWriter } from './line-writer.ts'
import { createTextLogger, type Logger, type LogLevel } from './logger.ts'

/** Writes lines with their time to standard error. A reader that stalls costs lines, which are counted. */
export function createStderrLogger(level: LogLevel): Logger & { level: LogLevel } {
  const writer = new LineWriter(() => process.stderr, {
    encoding: 'utf8',
    onDrop: () => {},
    onRecover: (lines) => log.warn({ target: 'stderr', lines }, 'log lines were lost'),
  })
  const write = (line: string) => writer.write(`${new Date().toISOString()} ${line}`)
  const log = createTextLogger(write, level)
  return log
}

/** Warnings and errors: what a program that gives no logger should still see. */
export const stderrLogger: Logger = createStderrLogger('warn')
