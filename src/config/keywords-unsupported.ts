/**
 * Names of the proxy keywords and actions that HAProxy 2.6 knows and sluice does not implement, so that they are told
 * from typing mistakes. Options, global keywords and parameters have such lists beside their tables.
 */
import type { ProxyDraft } from './draft.ts'
import { unsupportedList } from './keyword.ts'
import type { Keyword, KeywordSection } from './keyword.ts'
import { backends, everywhere, frontends } from './proxy-keyword.ts'

const notInDefaults: readonly KeywordSection[] = ['frontend', 'listen', 'backend']

const list = unsupportedList<ProxyDraft>

/** Sticky counters, maps, sockets and other things that no rule set of sluice has. */
const counterActions = 'sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0 silent-drop'
const commonActions = `${counterActions} track-sc0 track-sc1 track-sc2`
const sourceActions = 'set-dst set-dst-port set-src set-src-port'
const mapActions = 'add-acl del-acl del-map set-map replace-header replace-value ot-group'
/** They change priorities, log levels or packet marks, and nothing in the messages. */
const markActions = 'set-log-level set-mark set-nice set-tos'

const tcpActions: readonly Keyword<ProxyDraft>[] = [
  ...['connection', 'session', 'content'].flatMap((set) => [
    ...list(`${commonActions} ${sourceActions}`, set === 'content' ? everywhere : frontends, 'no', {
      prefix: `tcp-request ${set} `,
      strict: true,
    }),
    ...list('set-mark set-tos', set === 'content' ? everywhere : frontends, 'ignored', {
      prefix: `tcp-request ${set} `,
      strict: true,
    }),
  ]),
  ...list('expect-netscaler-cip expect-proxy', frontends, 'no', {
    prefix: 'tcp-request connection ',
    strict: true,
  }),
  ...list('do-resolve ot-group switch-mode use-service', everywhere, 'no', {
    prefix: 'tcp-request content ',
  }),
  ...list('capture set-log-level set-nice set-priority-class set-priority-offset', everywhere, 'ignored', {
    prefix: 'tcp-request content ',
  }),
  ...list(`${counterActions} close ot-group`, backends, 'no', {
    prefix: 'tcp-response content ',
    strict: true,
  }),
  ...list(markActions, backends, 'ignored', { prefix: 'tcp-response content ', strict: true }),
]

const httpActions: readonly Keyword<ProxyDraft>[] = [
  ...list(
    `${commonActions} ${sourceActions} ${mapActions} auth cache-use do-resolve early-hint normalize-uri reject replace-path replace-pathq replace-uri set-method set-pathq set-timeout set-uri tarpit use-service wait-for-body`,
    everywhere,
    'no',
    { prefix: 'http-request ' },
  ),
  ...list(
    `${markActions} capture disable-l7-retry set-priority-class set-priority-offset strict-mode wait-for-handshake`,
    everywhere,
    'ignored',
    { prefix: 'http-request ' },
  ),
  ...list(`${commonActions} ${mapActions} cache-store redirect wait-for-body`, everywhere, 'no', {
    prefix: 'http-response ',
  }),
  ...list(`${markActions} capture strict-mode`, everywhere, 'ignored', { prefix: 'http-response ' }),
  ...list('replace-header replace-value ot-group', everywhere, 'no', { prefix: 'http-after-response ' }),
  ...list('capture strict-mode', everywhere, 'ignored', { prefix: 'http-after-response ' }),
]

/** Proxy keywords that are known and not implemented. */
export const unsupportedProxyKeywords: readonly Keyword<ProxyDraft>[] = [
  ...tcpActions,
  ...httpActions,
  // Compression, mail, counters, kernel settings, pages of errors: what is served stays the same without them.
  ...list('bind-process compression email-alert errorfiles http-error', everywhere, 'ignored'),
  ...list('backlog clitcpka-cnt clitcpka-idle clitcpka-intvl error-log-format', frontends, 'ignored'),
  ...list('max-session-srv-conns', frontends, 'ignored'),
  ...list('capture declare', ['frontend', 'listen'], 'ignored'),
  ...list(
    'hash-balance-factor hash-type load-server-state-from-file max-keep-alive-queue server-state-file-name srvtcpka-cnt srvtcpka-idle srvtcpka-intvl dynamic-cookie-key',
    backends,
    'ignored',
  ),
  ...list('force-persist ignore-persist', ['listen', 'backend'], 'ignored'),
  // These decide about connections, routing, health or answers.
  ...list('errorloc errorloc302 errorloc303 stats', everywhere, 'no'),
  ...list('rate-limit', frontends, 'no'),
  ...list('monitor', ['frontend', 'listen'], 'no'),
  ...list(
    'cookie external-check http-check persist retry-on source tcp-check transparent http-send-name-header',
    backends,
    'no',
  ),
  ...list('dispatch server-template stick use-server', ['listen', 'backend'], 'no'),
  ...list('redirect stick-table', notInDefaults, 'no'),
  ...list('cache compression opentracing trace', notInDefaults, 'no', {
    prefix: 'filter ',
  }),
]
