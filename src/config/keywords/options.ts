/** The `option` keywords of proxies (configuration.txt 4.2). */
import { parseCidr } from '../../net/cidr-map.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import { defaults } from '../model/defaults.ts'
import type { ConnectionMode, ForwardFor, LogFormat } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { unsupportedList } from './keyword.ts'
import type { Keyword, KeywordSection } from './keyword.ts'
import { backends, everywhere, frontends } from './proxy-keyword.ts'

type FlagName =
  | 'pretendKeepAlive'
  | 'dontLogNull'
  | 'dontLogNormal'
  | 'logSeparateErrors'
  | 'logHealthChecks'
  | 'abortOnClose'
  | 'httpBufferRequest'

function flagOption(
  name: string,
  sections: readonly KeywordSection[],
  key: FlagName,
  doc: string,
  since: string,
): Keyword<ProxyDraft> {
  return {
    name: `option ${name}`,
    sections,
    support: 'yes',
    syntax: '',
    fallback: 'off',
    doc,
    since,
    negatable: true,
    apply: (proxy, args) => {
      if (args.end()) proxy.options[key] = args.modifier === undefined
    },
  }
}

/** One of three; taking one back matters only while it is the one that holds. */
function connectionOption(
  name: string,
  mode: ConnectionMode,
  doc: string,
  since: string,
): Keyword<ProxyDraft> {
  return {
    name: `option ${name}`,
    sections: everywhere,
    support: 'yes',
    syntax: '',
    fallback: mode === defaults.connectionMode ? 'on' : 'off',
    doc,
    since,
    negatable: true,
    apply: ({ options }, args) => {
      if (!args.end()) return
      if (args.modifier === undefined) options.connectionMode = mode
      else if (options.connectionMode === mode) options.connectionMode = defaults.connectionMode
    },
  }
}

function setLogFormat(proxy: ProxyDraft, args: Args, format: LogFormat): void {
  if (proxy.kind === 'backend') {
    args.warning('CFG_KEYWORD_IGNORED', args.place, 'ignored in backends: the frontend writes the log')
  } else proxy.logFormat = format
}

function applyHttpLog(proxy: ProxyDraft, args: Args): void {
  const word = args.peek()
  if (word !== undefined && word.text !== 'clf') {
    args.error('CFG_ARGUMENT', word.place, `unknown argument '${word.text}'`, "only 'clf' may follow")
    return
  }
  args.skip(1)
  if (args.end()) setLogFormat(proxy, args, { kind: word === undefined ? 'httplog' : 'clf' })
}

function applyForwardFor(proxy: ProxyDraft, args: Args): void {
  let header = 'X-Forwarded-For'
  let except: Word | undefined
  let ifNone = false
  while (args.remaining > 0) {
    const which = args.oneOf('the argument', ['except', 'header', 'if-none'])
    if (which === undefined) return
    if (which === 'if-none') {
      ifNone = true
      continue
    }
    const word = args.expect(which === 'header' ? '<name>' : '<network>')
    if (word === undefined) return
    if (which === 'header') header = word.text
    else if (parseCidr(word.text) !== undefined) except = word
    else return args.error('CFG_ADDRESS', word.place, `'${word.text}' is no address or network`)
  }
  proxy.options.forwardFor = { header, except, ifNone } satisfies ForwardFor
}

function applyRedispatch(proxy: ProxyDraft, args: Args): void {
  if (args.modifier !== undefined) {
    if (args.end()) proxy.options.redispatch = false
    return
  }
  const interval = args.remaining === 0 ? -1 : args.integer('<interval>', -0x7fff_ffff)
  if (interval === undefined || !args.end()) return
  // 0 is on, too, whatever the manual says.
  proxy.options.redispatch = true
}

const supported: readonly Keyword<ProxyDraft>[] = [
  flagOption('dontlognull', frontends, 'dontLogNull', 'do not log connections that carried nothing', '1.3'),
  flagOption('dontlog-normal', frontends, 'dontLogNormal', 'do not log what went well', '1.3'),
  flagOption(
    'log-separate-errors',
    frontends,
    'logSeparateErrors',
    "log what went wrong with the level 'err'",
    '1.3',
  ),
  flagOption('log-health-checks', backends, 'logHealthChecks', 'log changes of health checks', '1.4'),
  flagOption('abortonclose', backends, 'abortOnClose', 'drop queued requests whose client has gone', '1.3'),
  flagOption(
    'http-buffer-request',
    everywhere,
    'httpBufferRequest',
    'wait for the body, or a full buffer of it, before rules run',
    '1.6',
  ),
  connectionOption('http-keep-alive', 'keep-alive', 'keep connections on both sides', '1.5'),
  connectionOption('http-server-close', 'server-close', 'close to the server after each response', '1.4'),
  connectionOption('httpclose', 'close', 'close both sides after each response', '1.3'),
  flagOption(
    'http-pretend-keepalive',
    backends,
    'pretendKeepAlive',
    'do not tell the server that its connection will be closed',
    '1.4',
  ),
  {
    name: 'option httplog',
    sections: everywhere,
    support: 'yes',
    syntax: '[clf]',
    fallback: '',
    doc: 'log requests in the HTTP format',
    since: '1.3',
    apply: applyHttpLog,
  },
  {
    name: 'option tcplog',
    sections: everywhere,
    support: 'yes',
    syntax: '',
    fallback: '',
    doc: 'log connections in the TCP format',
    since: '1.3',
    apply: (proxy, args) => {
      if (args.end()) setLogFormat(proxy, args, { kind: 'tcplog' })
    },
  },
  {
    name: 'option forwardfor',
    sections: everywhere,
    support: 'yes',
    syntax: '[except <network>] [header <name>] [if-none]',
    fallback: 'off',
    doc: "append the client's address in a header",
    since: '1.3',
    apply: applyForwardFor,
  },
  {
    name: 'option redispatch',
    sections: backends,
    support: 'yes',
    syntax: '[<interval>]',
    fallback: 'off',
    doc: 'retry on another server',
    since: '1.3',
    negatable: true,
    apply: applyRedispatch,
  },
  {
    name: 'option spop-check',
    sections: backends,
    support: 'yes',
    syntax: '',
    fallback: 'off',
    doc: 'health checks are SPOP handshakes',
    since: '1.7',
    apply: (proxy, args) => {
      if (!args.end()) return
      proxy.options.spopCheck = true
      proxy.options.httpCheck = undefined
    },
  },
]

const prefix = { prefix: 'option ' }

/** Options of the proxy that HAProxy 2.6 knows. */
export const optionKeywords: readonly Keyword<ProxyDraft>[] = [
  ...supported,
  // Statistics, kernel settings, and what is not there anyway: HTTP/2, cookies.
  ...unsupportedList<ProxyDraft>(
    'contstats disable-h2-upgrade socket-stats tcp-smart-accept clitcpka idle-close-on-response',
    frontends,
    'ignored',
    prefix,
  ),
  ...unsupportedList<ProxyDraft>('persist srvtcpka tcp-smart-connect', backends, 'ignored', prefix),
  ...unsupportedList<ProxyDraft>(
    'http-no-delay nolinger splice-auto splice-request splice-response tcpka',
    everywhere,
    'ignored',
    prefix,
  ),
  ...unsupportedList<ProxyDraft>(
    'accept-invalid-http-request h1-case-adjust-bogus-client http-ignore-probes httpslog http-use-proxy-header logasap',
    frontends,
    'no',
    prefix,
  ),
  ...unsupportedList<ProxyDraft>(
    'accept-invalid-http-response allbackups checkcache external-check h1-case-adjust-bogus-server ldap-check mysql-check pgsql-check prefer-last-server redis-check smtpchk ssl-hello-chk tcp-check transparent',
    backends,
    'no',
    prefix,
  ),
  ...unsupportedList<ProxyDraft>(
    'http-restrict-req-hdr-names independent-streams originalto',
    everywhere,
    'no',
    prefix,
  ),
]
