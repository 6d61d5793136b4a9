/** What else than SPOP a peer may speak, by its first bytes: mostly a word too many on HAProxy's `server` line. */

const openings: readonly (readonly [begin: RegExp, words: string])[] = [
  [
    // oxlint-disable-next-line no-control-regex -- a record of a handshake, and the major version
    /^\x16\x03/,
    "the peer speaks TLS, and this port does not: take 'ssl' from HAProxy's server line, or give createAgent the option tls",
  ],
  [
    /^(?:PROXY |\r\n\r\n\0\r\nQUIT\n)/,
    "the peer sends a PROXY protocol header: take 'send-proxy' or 'send-proxy-v2' from HAProxy's server line",
  ],
  [
    /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /,
    "the peer speaks HTTP: HAProxy's backend of the agents wants 'mode tcp' ('mode spop' from 3.1 on), and 'option spop-check'",
  ],
]

/** What the first bytes of a connection say, in words, with the remedy; undefined when they say nothing. */
export function describeOpening(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1', 0, 16)
  return openings.find(([begin]) => begin.test(text))?.[1]
}
