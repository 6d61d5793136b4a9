/** Keywords that HAProxy 2.6 has no more, since when, and what it says to write instead (src/cfgparse-listen.c). */

/** Why a keyword is gone. */
export interface Removed {
  /** The version that dropped it. */
  readonly since: string
  /** What to do instead. */
  readonly hint: string
}

const denied = (message: 'request' | 'response'): Removed => ({
  since: '2.1',
  hint: `write 'http-${message} deny' instead`,
})
const replaced = (message: 'request' | 'response'): Removed => ({
  since: '2.1',
  hint: `write 'http-${message} replace-header' instead`,
})
const deleted = (message: 'request' | 'response'): Removed => ({
  since: '2.1',
  hint: `write 'http-${message} del-header' instead`,
})
const added = (message: 'request' | 'response'): Removed => ({
  since: '2.1',
  hint: `write 'http-${message} add-header' instead`,
})
const allowed: Removed = { since: '2.1', hint: "write 'http-request allow' instead" }
const tarpitted: Removed = { since: '2.1', hint: "write 'http-request tarpit' instead" }
const passed: Removed = { since: '2.1', hint: "write a condition for 'http-request' rules instead" }
const replacedLine: Removed = {
  since: '2.1',
  hint: "write 'http-request replace-path', 'replace-uri' or 'replace-header' instead",
}
const timeout = (name: string): Removed => ({ since: '2.1', hint: `write 'timeout ${name}' instead` })
const redispatch: Removed = { since: '2.1', hint: "write 'option redispatch' instead" }

/** By their names of one or two words. */
export const removedKeywords: ReadonlyMap<string, Removed> = new Map<string, Removed>([
  ['appsession', { since: '1.6', hint: 'use a cookie or a stick-table' }],
  ['block', { since: '2.1', hint: "write 'http-request deny', which has the same syntax" }],
  ['clitimeout', timeout('client')],
  ['contimeout', timeout('connect')],
  ['srvtimeout', timeout('server')],
  ['grace', { since: '2.5', hint: 'remove it' }],
  ['monitor-net', { since: '2.2', hint: "write 'http-request return status 200 if { src <net> }' instead" }],
  ['nbproc', { since: '2.5', hint: "use 'nbthread' instead" }],
  ['option forceclose', { since: '2.0', hint: "remove it, or write 'option httpclose' if it must be" }],
  ['option http-tunnel', { since: '2.1', hint: 'remove it' }],
  [
    'option http_proxy',
    { since: '2.5', hint: "write 'http-request set-dst' and 'http-request set-uri' instead" },
  ],
  ['redisp', redispatch],
  ['redispatch', redispatch],
  ['tune.chksize', { since: '2.5', hint: "'tune.bufsize' is used instead" }],
  ['cliexp', replacedLine],
  ['reqrep', replacedLine],
  ['reqirep', replaced('request')],
  ['reqdel', deleted('request')],
  ['reqidel', deleted('request')],
  ['reqdeny', denied('request')],
  ['reqideny', denied('request')],
  ['reqpass', passed],
  ['reqipass', passed],
  ['reqallow', allowed],
  ['reqiallow', allowed],
  ['reqtarpit', tarpitted],
  ['reqitarpit', tarpitted],
  ['reqadd', added('request')],
  ['srvexp', replaced('response')],
  ['rsprep', replaced('response')],
  ['rspirep', replaced('response')],
  ['rspdel', deleted('response')],
  ['rspidel', deleted('response')],
  ['rspdeny', denied('response')],
  ['rspideny', denied('response')],
  ['rspadd', added('response')],
])
