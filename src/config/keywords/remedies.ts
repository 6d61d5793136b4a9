/**
 * What to do about a feature of HAProxy that sluice does not have. One row for each feature: its keywords, actions, parameters and
 * fetches are refused, or ignored, one by one, and all say the same.
 */

/** Keywords as they stand in a line, such as `stick-table` and `http-request track-sc0`; `fetch NAME` and `converter NAME` for samples. */
const remedies: readonly (readonly [words: RegExp, remedy: string])[] = [
  [
    /^(ssl|crt|crt-list|ca-|alpn$|npn$|verify|sni$|check-(ssl|sni|alpn)|ciphers|curves|ecdhe|crl-file|tls-|strict-sni|allow-0rtt|generate-certificates|prefer-client-ciphers|force-(ssl|tls)|no-(ssl|tls)|tune\.ssl|option (ssl-hello-chk|httpslog))|^fetch ssl_/,
    'sluice speaks no TLS, neither to clients nor to servers: leave it to HAProxy, nginx or stunnel beside it',
  ],
  [
    /^(cookie|appsession|stick$|use-server|persist|option persist|force-persist|ignore-persist)/,
    "no client is kept on one server; a 'use_backend' rule can choose a backend by req.cook(NAME), src or a header",
  ],
  [
    /^stick-table|(track-sc\d|sc-(inc|set|add)-\w+)(\(.*)?$|^rate-limit|^fetch (sc\d?_|src_|table_|so_)|^converter (in_table|table_)/,
    "sluice has no stick tables; 'sluice agent rate-limit' counts requests, asked by a SPOE filter (docs/ready-agents.md)",
  ],
  [
    /^stats/,
    "there is neither HAProxy's statistics page nor a runtime API: remove it; 'sluice run --status' has a page, a program proxy.stats",
  ],
  [
    /^(compression|filter (compression|cache))|cache-(use|store)/,
    'let the servers, or what stands before this proxy, compress and cache',
  ],
  [
    /^http-request auth$|^fetch http_auth/,
    'sluice looks at no passwords; an agent can decide about a request, asked by a SPOE filter (examples/auth)',
  ],
  [
    /^(resolvers|resolve-|init-addr)|do-resolve/,
    'names of servers are looked up by the system, for each connection: write them without it',
  ],
  [
    /^server-template/,
    "write a 'server' line for each; names are looked up by the system, for each connection",
  ],
  [
    /^(option (tcp-check|(mysql|pgsql|redis|ldap)-check|smtpchk|external-check)|tcp-check|external-check)/,
    "a check is a connection ('check' alone), HTTP ('option httpchk') or SPOP ('option spop-check')",
  ],
  [
    /^(accept-proxy|send-proxy|proxy-v2-options|check-send-proxy|tcp-request connection expect-proxy)/,
    "the PROXY protocol is not spoken; over HTTP 'option forwardfor' tells servers the address",
  ],
  [
    /(add|del)-acl|(set|del)-map/,
    'maps and lists are read once, at the start; what changes can be asked of an agent, with a SPOE filter',
  ],
  [
    /use-service/,
    "a reply of one's own is 'http-request return'; metrics are on the port of 'sluice run --status' (docs/status.md)",
  ],
]

/** What to do about it; undefined when that is for the reader to know. */
export function remedyFor(keyword: string): string | undefined {
  return remedies.find(([words]) => words.test(keyword))?.[1]
}
