/** What several functions of this folder are given, and how it is checked. */
import { milliseconds, type OptionSpec } from '../base/options.ts'
import { messagesRule, type MessageInput } from '../spop/notify.ts'

/** Milliseconds to wait: without any, nothing could be answered in time. */
export function timeoutOption(fallback: number): OptionSpec<number> {
  return milliseconds(fallback, { min: 1 })
}

/** Messages; undefined when they are not given. */
export const messagesOption: OptionSpec<readonly MessageInput[] | undefined> = {
  fallback: undefined,
  check: (given) => (isMessages(given) ? undefined : messagesRule),
}

/** Whether these are messages. What their values are is for the encoder to say. */
export function isMessages(given: unknown): given is readonly MessageInput[] {
  return Array.isArray(given) && given.every(isMessage)
}

function isMessage(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false
  const { name, args } = given as Partial<Record<keyof MessageInput, unknown>>
  return typeof name === 'string' && isPairs(args)
}

/** Whether these are names with values. */
export function isPairs(given: unknown): given is MessageInput['args'] {
  return (
    Array.isArray(given) &&
    given.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string')
  )
}
