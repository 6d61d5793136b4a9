/** `balance` (configuration.txt 4.2). */
import type { Args } from './args.ts'
import type { ProxyDraft } from './draft.ts'

/** Algorithms that spread load in other ways, and those that tie a client or a request to a server. */
const spreading = ['static-rr', 'leastconn', 'random']
const sticky = ['first', 'source', 'uri', 'url_param', 'hdr', 'hash', 'rdp-cookie']

/** Reads a `balance` line into `proxy`. */
export function applyBalance(proxy: ProxyDraft, args: Args): void {
  const word = args.next()
  const algorithm = word?.text.replace(/\(.*/s, '') ?? 'roundrobin'
  const known = ['roundrobin', ...spreading, ...sticky]
  if (word !== undefined && !known.includes(algorithm)) {
    args.error(
      'CFG_ARGUMENT',
      word.place,
      `unknown algorithm '${word.text}'`,
      `known are ${known.join(', ')}`,
    )
    return
  }
  proxy.balance = { algorithm: word?.text ?? 'roundrobin', args: args.rest() }
  if (word === undefined || algorithm === 'roundrobin') return
  if (spreading.includes(algorithm)) {
    args.warning('CFG_VALUE_UNSUPPORTED', word.place, `'${algorithm}' is not implemented; roundrobin is used`)
  } else {
    args.error(
      'CFG_VALUE_UNSUPPORTED',
      word.place,
      `'${algorithm}' is not implemented`,
      "use 'balance roundrobin'",
    )
  }
}
