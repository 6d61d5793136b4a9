/** Ends a command as its user asks: the first signal closes gracefully, the second at once. */
import { constants } from 'node:os'
import { note } from './output.ts'

/** How long the last words may take to leave, in milliseconds: nobody may read them. */
const lastWords = 250

/** The longest wait of a timer. */
const longest = 0x7fff_ffff

/** SIGUSR1 is HAProxy's soft stop; without a listener Node.js would open its debugger. */
const closing = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const
/** They tell HAProxy's master to load its configuration again, and end no HAProxy. Without a listener they would end the process. */
const reloading = ['SIGUSR2', 'SIGHUP'] as const

/** What {@link closeOnSignal} may leave out. */
export interface SignalOptions {
  /** Nothing is printed. @default false */
  readonly quiet?: boolean
  /** SIGUSR2 and SIGHUP are answered with a line instead of the end of the process. @default false */
  readonly reload?: boolean
}

/** Resolves when `close` has finished after a signal, to the signal. */
export function closeOnSignal(
  close: () => Promise<void>,
  { quiet = false, reload = false }: SignalOptions = {},
): Promise<NodeJS.Signals> {
  const say = quiet ? () => {} : note
  return new Promise((resolve, reject) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(exitCodeOf(signal))
      asked = true
      say(`${signal}: closing, once more to close at once`)
      close().then(() => {
        setTimeout(() => process.exit(), lastWords)
        resolve(signal)
      }, reject)
    }
    for (const each of closing) process.on(each, onSignal)
    // The terminal has gone: for whom it means nothing else, that is an end like others, and leaves no socket behind.
    if (!reload && process.listenerCount('SIGHUP') === 0) process.on('SIGHUP', onSignal)
    // A proxy that only watches its servers has nothing else that keeps the process.
    setInterval(() => {}, longest)
    if (!reload) return
    for (const each of reloading)
      process.on(each, () => say(`${each}: there is no reload, start another process`))
  })
}

/** As a shell would tell it, and as HAProxy's master ends. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
