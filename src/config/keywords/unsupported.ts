/**
 * Names of the proxy keywords that HAProxy 2.6 knows and sluice does not implement, so that they are told from typing
 * mistakes. Options, actions, global keywords and parameters have such lists beside their tables.
 */
import type { ProxyDraft } from '../draft/proxy.ts'
import { unsupportedList } from './keyword.ts'
import type { Keyword, KeywordSection } from './keyword.ts'
import { backends, everywhere, frontends } from './proxy-keyword.ts'

const notInDefaults: readonly KeywordSection[] = ['frontend', 'listen', 'backend']

const list = unsupportedList<ProxyDraft>

/** Proxy keywords that are known and not implemented. */
export const unsupportedProxyKeywords: readonly Keyword<ProxyDraft>[] = [
  // Mail, kernel settings, tuning of what is kept: what is served, routed, limited, logged stays the same.
  ...list('bind-process email-alert', everywhere, 'ignored'),
  ...list('clitcpka-cnt clitcpka-idle clitcpka-intvl', frontends, 'ignored'),
  ...list('max-session-srv-conns', frontends, 'ignored'),
  // What these tune is refused by itself: hashes, persistence by cookie, and states of servers.
  ...list(
    'hash-balance-factor hash-type server-state-file-name srvtcpka-cnt srvtcpka-idle srvtcpka-intvl dynamic-cookie-key',
    backends,
    'ignored',
  ),
  ...list('force-persist ignore-persist', ['listen', 'backend'], 'ignored'),
  // These decide about connections, routing, health, answers or logs.
  ...list('compression stats', everywhere, 'no'),
  ...list('error-log-format rate-limit', frontends, 'no'),
  ...list('monitor', ['frontend', 'listen'], 'no'),
  ...list(
    'cookie external-check load-server-state-from-file max-keep-alive-queue persist source tcp-check transparent http-send-name-header',
    backends,
    'no',
  ),
  ...list('dispatch server-template stick use-server', ['listen', 'backend'], 'no'),
  ...list('stick-table', notInDefaults, 'no'),
  ...list('cache compression opentracing trace', notInDefaults, 'no', {
    prefix: 'filter ',
  }),
]
