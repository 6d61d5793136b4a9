/** Ends a command as its user asks: the first SIGINT or SIGTERM closes gracefully, the second at once. */
import { note } from './output.ts'

/** Resolves when `close` has finished after a signal. */
export function closeOnSignal(close: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
      asked = true
      note(`${signal}: closing, once more to close at once`)
      close().then(resolve, reject)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
