/** Ends a command as its user asks: the first signal closes gracefully, the second at once. */
import { constants } from 'node:os'
import { longestTimer } from '../base/clock.ts'
import { note } from './output.ts'

/** How long the last words may take to leave, in milliseconds: nobody may read them. */
const lastWords = 250

/** SIGUSR1 is HAProxy's soft stop; without a listener Node.js would open its debugger. */
const closing = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const
/** They tell HAProxy's master to load its configuration again, and end no HAProxy. Without a listener they would end the process. */
const reloading = ['SIGUSR2', 'SIGHUP'] as const

/** What {@link serveUntilSignal} may leave out. */
export interface SignalOptions {
  /** Nothing is printed. @default false */
  readonly quiet?: boolean
  /** SIGUSR2 and SIGHUP are answered with a line instead of the end of the process. @default false */
  readonly reload?: boolean
}

/**
 * Starts, and resolves to the signal that ended it when `close` has finished. Signals are listened to before anything is
 * started: one that comes meanwhile closes what has just begun, where it would have cut off its first clients.
 */
export async function serveUntilSignal<Running>(
  start: () => Promise<Running>,
  close: (running: Running) => Promise<void> | void,
  { quiet = false, reload = false }: SignalOptions = {},
): Promise<NodeJS.Signals> {
  const say = quiet ? () => {} : note
  const asked = firstSignal(say, reload)
  const running = await start()
  // A proxy that only watches its servers has nothing else that keeps the process.
  setInterval(() => {}, longestTimer)
  const signal = await asked
  await close(running)
  setTimeout(() => process.exit(), lastWords)
  return signal
}

/** Resolves to the first signal that asks for the end; the second ends the process at once. */
function firstSignal(say: (line: string) => void, reload: boolean): Promise<NodeJS.Signals> {
  if (reload) {
    for (const each of reloading)
      process.on(each, () => say(`${each}: there is no reload, start another process`))
  }
  return new Promise((resolve) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(exitCodeOf(signal))
      asked = true
      say(`${signal}: closing, once more to close at once`)
      resolve(signal)
    }
    for (const each of closing) process.on(each, onSignal)
    // The terminal has gone: for whom it means nothing else, that is an end like others, and leaves no socket behind.
    if (process.listenerCount('SIGHUP') === 0) process.on('SIGHUP', onSignal)
  })
}

/** As a shell would tell it, and as HAProxy's master ends. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** The first signal ends what is being measured, with its report, the second the process. Answers how to undo that. */
export function onFirstSignal(end: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const
  let asked = false
  const onSignal = (): void => {
    if (asked) process.exit(130)
    asked = true
    end()
  }
  for (const signal of signals) process.on(signal, onSignal)
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
