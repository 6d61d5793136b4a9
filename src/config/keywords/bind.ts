/** `bind` lines and their parameters (configuration.txt 5.1). */
import type { BindDraft, ProxyDraft } from '../draft/proxy.ts'
import type { Args } from '../text/args.ts'
import { readListenAddresses } from './address.ts'
import { KeywordTable, reportUnsupported, unsupportedList } from './keyword.ts'
import type { Keyword } from './keyword.ts'

const sections = ['bind'] as const

const supported: readonly Keyword<BindDraft>[] = [
  {
    name: 'name',
    sections,
    support: 'ignored',
    syntax: '<name>',
    fallback: '',
    doc: 'name in statistics',
    since: '1.3',
    apply: (bind, args) => {
      bind.name = args.expect('<name>')?.text
      if (bind.name !== undefined) reportUnsupported(args, 'ignored')
    },
  },
  {
    name: 'backlog',
    sections,
    support: 'yes',
    syntax: '<number>',
    fallback: "that of the section, or else the system's",
    doc: "length of the kernel's queue of connections",
    since: '1.3',
    apply: (bind, args) => {
      bind.backlog = args.integer('<number>', 0)
    },
  },
  {
    name: 'mode',
    sections,
    support: 'yes',
    syntax: '<octal>',
    fallback: 'as the umask says',
    doc: 'permissions of a unix socket',
    since: '1.3',
    apply: (bind, args) => {
      const word = args.expect('<octal>')
      if (word === undefined) return
      if (/^[0-7]{1,4}$/.test(word.text)) bind.mode = Number.parseInt(word.text, 8)
      else args.error('CFG_ARGUMENT', word.place, `'${word.text}' is not an octal mode such as 660`)
    },
  },
]

/** Tuning of the kernel and of workers, and the rights of a runtime API that is not there. */
const harmless = `
  defer-accept tfo v4v6 id:1 level:1 mss:1 nice:1 process:1 thread:1 shards:1 severity-output:1 tcp-ut:1
  expose-fd:1`

/** Who may connect, how many, and what is spoken: without them others could, or clients could not. */
const meaningful = `
  accept-netscaler-cip:1 accept-proxy interface:1 namespace:1 proto:1 transparent ssl crt:1 crt-list:1
  alpn:1 npn:1 verify:1 ca-file:1 ca-ignore-err:1 ca-sign-file:1 ca-sign-pass:1 ca-verify-file:1
  allow-0rtt ciphers:1 ciphersuites:1 crl-file:1 crt-ignore-err:1 curves:1 ecdhe:1 force-sslv3
  force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13 generate-certificates gid:1 group:1 maxconn:1 no-ca-names
  no-sslv3 no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 prefer-client-ciphers ssl-max-ver:1
  ssl-min-ver:1 strict-sni tls-ticket-keys:1 quic-cc-algo:1 quic-force-retry uid:1 user:1 v6only`

/** The parameters of `bind` lines. */
export const bindTable = new KeywordTable<BindDraft>([
  ...supported,
  ...unsupportedList<BindDraft>(harmless, sections, 'ignored'),
  ...unsupportedList<BindDraft>(meaningful, sections, 'no'),
])

/** Reads a `bind` line into `proxy`. */
export function applyBind(proxy: ProxyDraft, args: Args): void {
  const word = args.expect('<address>')
  const endpoints = word === undefined ? undefined : readListenAddresses(args, word)
  const bind: BindDraft = {
    place: args.place,
    endpoints: [...(endpoints ?? [])],
    name: undefined,
    mode: undefined,
    backlog: undefined,
  }
  const fine = applyParameters(bindTable, bind, args)
  if (fine && endpoints !== undefined) proxy.binds.push(bind)
}

/**
 * Applies the rest of a line, parameter by parameter, to `target`.
 * @returns false when a parameter is unknown: what follows it cannot be understood.
 */
export function applyParameters<Target>(table: KeywordTable<Target>, target: Target, args: Args): boolean {
  for (;;) {
    const word = args.peek()
    if (word === undefined) return true
    const found = table.find([word])
    if (found === undefined) {
      table.reportUnknown([word], `a '${args.keyword}' line`, args.diagnostics)
      return false
    }
    const parameter = args.parameter(1)
    const before = parameter.remaining
    found.entry.apply(target, parameter)
    args.skip(1 + before - parameter.remaining)
  }
}
