/** Times on the command line. */
import { InvalidArgumentError } from 'commander'

/** `500`, `500ms` or `2s`, in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,7})(ms|s)?$/.exec(text)
  if (match === null)
    throw new InvalidArgumentError(
      'a time is a number of milliseconds, as 500 or 500ms, or of seconds, as 2s',
    )
  return Number(match[1]) * (match[2] === 's' ? 1000 : 1)
}
