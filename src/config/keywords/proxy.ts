/** The keywords of `defaults`, `frontend`, `listen` and `backend` (configuration.txt 4.2), but for rules and options. */
import { readRedirect } from '../actions/redirect.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import { defaults } from '../model/defaults.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { readAcl } from './acl.ts'
import { applyBalance, implementedAlgorithms } from './balance.ts'
import { applyBind } from './bind.ts'
import { captureKeywords } from './captures.ts'
import { errorPageKeywords } from './error-pages.ts'
import { reportUnsupported } from './keyword.ts'
import type { Keyword } from './keyword.ts'
import { applyLog } from './log-target.ts'
import { backends, everywhere, frontends, keyword, oneNumber, oneWord } from './proxy-keyword.ts'
import { readRetryOn } from './retry-on.ts'
import { refusesAnonymous } from './rules.ts'
import { applyDefaultServer, applyServer } from './server.ts'
import { timeoutKeywords } from './timeouts.ts'

function applyAcl(proxy: ProxyDraft, args: Args): void {
  if (refusesAnonymous(proxy, args)) return
  const acl = readAcl(args)
  if (acl !== undefined) proxy.acls.push(acl)
}

function applyMode(proxy: ProxyDraft, args: Args): void {
  if (args.peek()?.text === 'health') {
    const hint = "write 'http-request return status 200' instead"
    return args.error('CFG_ARGUMENT', args.place, "'health' was removed from HAProxy 2.1", hint)
  }
  const mode = args.oneOf('<mode>', ['tcp', 'http', 'spop'])
  if (mode === undefined || !args.end()) return
  if (mode === 'spop' && (proxy.kind === 'frontend' || proxy.kind === 'listen')) {
    return args.error(
      'CFG_ARGUMENT',
      args.place,
      "'spop' is for backends of agents",
      'write it into the backend',
    )
  }
  proxy.mode = mode
}

function applyUseBackend(proxy: ProxyDraft, args: Args): void {
  const backend = args.expect('<backend>')
  const parsed = backend === undefined ? undefined : args.condition()
  if (backend === undefined || parsed === undefined) return
  proxy.useBackends.push({ place: args.place, backend, condition: parsed.condition })
}

function applyRedirect(proxy: ProxyDraft, args: Args): void {
  const action = readRedirect(args, 'http-request', true)
  const parsed = action === undefined ? undefined : args.condition()
  if (action === undefined || parsed === undefined) return
  const { condition } = parsed
  proxy.redirects.push({ place: args.place, ruleSet: 'http-request', action, condition })
}

function applySpoeFilter(proxy: ProxyDraft, args: Args): void {
  let engine: Word | undefined
  let config: Word | undefined
  while (args.remaining > 0) {
    const which = args.oneOf('the argument', ['engine', 'config'])
    const word = which === undefined ? undefined : args.expect(which === 'engine' ? '<name>' : '<file>')
    if (word === undefined) return
    if (which === 'engine') engine = word
    else config = word
  }
  if (config === undefined) {
    args.expect("'config' and <file>")
    return
  }
  proxy.filters.push({ type: 'spoe', place: args.place, engine, config })
}

function applyDescription(proxy: ProxyDraft, args: Args): void {
  if (args.remaining === 0) args.expect('<text>')
  else {
    proxy.description = args
      .rest()
      .map((word) => word.text)
      .join(' ')
    reportUnsupported(args, 'ignored')
  }
}

const escapeHint = 'quote the whole format, or escape its spaces'

function setDisabled(disabled: boolean) {
  return (proxy: ProxyDraft, args: Args): void => {
    if (args.end()) proxy.disabled = disabled
  }
}

/** Supported keywords of proxies. */
export const proxyKeywords: readonly Keyword<ProxyDraft>[] = [
  keyword(
    'mode',
    everywhere,
    '{tcp | http | spop}',
    'what the proxy understands of its bytes; `spop` is for backends of agents, as HAProxy 3.1 and later have them',
    applyMode,
    {
      fallback: defaults.mode,
      since: '1.3',
    },
  ),
  keyword(
    'bind',
    ['frontend', 'listen'],
    '<address>[, ...] [<parameter>...]',
    'where to accept connections',
    applyBind,
    {
      since: '1.3',
    },
  ),
  keyword(
    'server',
    ['listen', 'backend'],
    '<name> <address> [<parameter>...]',
    "a server; the address 'inproc@NAME' is our own: an agent in the same process",
    applyServer,
    {
      strict: true,
      since: '1.3',
    },
  ),
  keyword(
    'default-server',
    backends,
    '[<parameter>...]',
    'parameters of the servers that follow',
    applyDefaultServer,
    { strict: true, since: '1.4' },
  ),
  keyword(
    'balance',
    backends,
    '<algorithm> [<argument>...]',
    `how requests are spread over servers: ${[...implementedAlgorithms].join(', ')}`,
    applyBalance,
    {
      fallback: defaults.balance,
      since: '1.3',
    },
  ),
  ...timeoutKeywords,
  keyword('acl', everywhere, '<name> <criterion> [<flag>...] [<value>...]', 'a named condition', applyAcl),
  keyword(
    'use_backend',
    ['frontend', 'listen'],
    '<backend> [{if | unless} <cond>]',
    'pick a backend',
    applyUseBackend,
  ),
  keyword(
    'redirect',
    ['frontend', 'listen', 'backend'],
    '{location | prefix | scheme} <text> [code <code>] [drop-query] [append-slash] [set-cookie <c>] [clear-cookie <c>] [{if | unless} <cond>]',
    'as http-request redirect, behind the other rules and without formats',
    applyRedirect,
    { strict: true },
  ),
  oneWord(
    'default_backend',
    frontends,
    '<backend>',
    'the backend when no use_backend applies',
    (proxy, word) => {
      proxy.defaultBackend = word
    },
  ),
  keyword(
    'filter spoe',
    ['frontend', 'listen', 'backend'],
    '[engine <name>] config <file>',
    'ask agents about streams, as a SPOE file says',
    applySpoeFilter,
    { since: '1.7' },
  ),
  oneWord(
    'filter fcgi-app',
    ['frontend', 'listen', 'backend'],
    '<name>',
    'place of the FastCGI application among the filters',
    (proxy, name, args) => {
      proxy.filters.push({ type: 'fcgi-app', place: args.place, name })
    },
    { since: '2.1' },
  ),
  oneWord(
    'use-fcgi-app',
    ['listen', 'backend'],
    '<name>',
    "the application of 'proto fcgi' servers",
    (proxy, name, args) => {
      const before = proxy.useFcgiApp
      if (before === undefined || before.text === name.text) proxy.useFcgiApp = name
      else
        args.error('CFG_FCGI', name.place, `a proxy has one fcgi-app, and '${before.text}' was given before`)
    },
    { strict: true, since: '2.1' },
  ),
  oneNumber(
    'retries',
    backends,
    'connection attempts after the first',
    (proxy, value) => {
      proxy.retries = value
    },
    { fallback: String(defaults.retries), since: '1.3' },
  ),
  keyword(
    'retry-on',
    backends,
    'none | all-retryable-errors | <reason>...',
    'after which failures a request is sent again, whatever its method: `conn-failure`, `empty-response`, `junk-response`, `response-timeout`, a status',
    (proxy, args) => {
      proxy.retryOn = readRetryOn(args) ?? proxy.retryOn
    },
    { fallback: 'conn-failure', since: '2.0' },
  ),
  keyword(
    'log',
    everywhere,
    'global | <address> [len <length>] [format <format>] <facility> [<level> [<minlevel>]]',
    'where logs go',
    (proxy, args) => {
      applyLog(proxy.logs, args, true)
    },
    { negatable: true, since: '1.3' },
  ),
  oneWord(
    'log-tag',
    everywhere,
    '<tag>',
    'program name in syslog headers',
    (proxy, word) => {
      proxy.logTag = word.text
    },
    { since: '1.6' },
  ),
  oneWord(
    'log-format',
    everywhere,
    '<fmt>',
    'format of log lines',
    (proxy, format, args) => {
      if (proxy.kind === 'backend') args.warning('CFG_KEYWORD_IGNORED', args.place, 'ignored in backends')
      else proxy.logFormat = { kind: 'custom', format }
    },
    { hint: escapeHint, since: '1.5' },
  ),
  oneWord(
    'log-format-sd',
    everywhere,
    '<fmt>',
    'structured data of RFC 5424 log lines',
    (proxy, format, args) => {
      if (proxy.kind === 'backend') args.warning('CFG_KEYWORD_IGNORED', args.place, 'ignored in backends')
      else proxy.logFormatSd = format
    },
    { hint: escapeHint, since: '1.6' },
  ),
  oneWord(
    'unique-id-format',
    frontends,
    '<fmt>',
    'how unique ids are made',
    (proxy, format) => {
      proxy.uniqueIdFormat = format
    },
    { hint: escapeHint, since: '1.5' },
  ),
  oneWord(
    'unique-id-header',
    frontends,
    '<name>',
    'header that carries the unique id',
    (proxy, word) => {
      proxy.uniqueIdHeader = word.text
    },
    { since: '1.5' },
  ),
  ...errorPageKeywords,
  ...captureKeywords,
  keyword(
    'http-reuse',
    backends,
    '{never | safe | aggressive | always}',
    'which requests share connections to servers',
    (proxy, args) => {
      const reuse = args.oneOf('<mode>', ['never', 'safe', 'aggressive', 'always'])
      if (reuse !== undefined && args.end()) proxy.httpReuse = reuse
    },
    { fallback: defaults.httpReuse, since: '1.6' },
  ),
  oneNumber(
    'maxconn',
    frontends,
    'connections accepted at once; 0: no limit',
    (proxy, value) => {
      proxy.maxconn = value === 0 ? undefined : value
    },
    { fallback: 'no limit', since: '1.3' },
  ),
  oneNumber(
    'backlog',
    frontends,
    "length of the kernel's queue of connections, for 'bind' lines that give none",
    (proxy, value) => {
      proxy.backlog = value
    },
    { fallback: "the system's" },
  ),
  oneNumber(
    'fullconn',
    backends,
    'number of connections at which servers get their full maxconn',
    (proxy, value) => {
      proxy.fullconn = value === 0 ? undefined : value
    },
    { support: 'ignored', since: '1.3' },
  ),
  oneWord('monitor-uri', frontends, '<path>', 'answered by the proxy itself', (proxy, word) => {
    proxy.monitorUri = word.text
  }),
  keyword(
    'description',
    ['frontend', 'listen', 'backend'],
    '<text>',
    'free text for statistics',
    applyDescription,
    { support: 'ignored', since: '1.4' },
  ),
  oneNumber(
    'id',
    ['frontend', 'listen', 'backend'],
    'number of the proxy',
    (proxy, value) => {
      proxy.id = value
    },
    { fallback: 'automatic', since: '1.3' },
  ),
  keyword('disabled', everywhere, '', 'do not start this proxy', setDisabled(true), { since: '1.3' }),
  keyword('enabled', everywhere, '', "undo an inherited 'disabled'", setDisabled(false), { since: '1.3' }),
]
