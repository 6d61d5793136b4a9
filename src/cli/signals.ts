/** Ends a command as its user asks: the first SIGINT or SIGTERM closes gracefully, the second at once. */
import { note } from './output.ts'

/** How long the last words may take to leave, in milliseconds: nobody may read them. */
const lastWords = 250

/** Resolves when `close` has finished after a signal. */
export function closeOnSignal(close: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
      asked = true
      note(`${signal}: closing, once more to close at once`)
      close().then(() => {
        setTimeout(() => process.exit(), lastWords)
        resolve()
      }, reject)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
