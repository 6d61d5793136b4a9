/** `retry-on`: after which failures a request is sent again (configuration.txt 4.2). */
import type { RetryReason } from '../model/proxy.ts'
import type { Args } from '../text/args.ts'

const names: ReadonlySet<string> = new Set([
  'conn-failure',
  'empty-response',
  'junk-response',
  'response-timeout',
  '0rtt-rejected',
])
const statuses: ReadonlySet<string> = new Set('401 403 404 408 425 500 501 502 503 504'.split(' '))
/** What `all-retryable-errors` stands for; it adds to what else is named. */
const all: readonly RetryReason[] = [
  'conn-failure',
  'empty-response',
  'junk-response',
  'response-timeout',
  '0rtt-rejected',
  500,
  502,
  503,
  504,
]

/** Reads the words; undefined after complaints. */
export function readRetryOn(args: Args): ReadonlySet<RetryReason> | undefined {
  const words = args.rest()
  const reasons = new Set<RetryReason>()
  const complain = (message: string) => args.error('CFG_ARGUMENT', (words[0] ?? args).place, message)
  if (words.length === 0) return complain('needs at least one reason')
  for (const { text } of words) {
    if (text === 'none') {
      if (words.length > 1) return complain("'none' stands alone")
    } else if (text === 'all-retryable-errors') for (const each of all) reasons.add(each)
    else if (names.has(text)) reasons.add(text as RetryReason)
    else if (statuses.has(text)) reasons.add(Number(text))
    else return complain(`there is no reason '${text}'`)
  }
  return reasons
}
