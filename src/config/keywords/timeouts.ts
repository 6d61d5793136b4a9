/** The `timeout` keywords of proxies. */
import type { ProxyDraft } from '../draft/proxy.ts'
import type { Timeouts } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import { reportUnsupported } from './keyword.ts'
import type { Keyword } from './keyword.ts'
import { backends, everywhere, frontends, keyword } from './proxy-keyword.ts'
import type { More, ProxySection } from './proxy-keyword.ts'

function timeout(
  name: string,
  key: keyof Timeouts,
  sections: readonly ProxySection[],
  doc: string,
  more: More = {},
): Keyword<ProxyDraft> {
  const apply = (proxy: ProxyDraft, args: Args): void => {
    const ms = args.time('<time>')
    if (ms === undefined || !args.end()) return
    proxy.timeouts[key] = ms === 0 ? undefined : ms
    if (more.support === 'ignored') reportUnsupported(args, 'ignored')
  }
  return keyword(`timeout ${name}`, sections, '<time>', doc, apply, { fallback: 'no limit', ...more })
}

/** All of them. */
export const timeoutKeywords: readonly Keyword<ProxyDraft>[] = [
  timeout('connect', 'connect', backends, 'to reach a server'),
  timeout('client', 'client', frontends, 'without data from or to the client'),
  timeout('server', 'server', backends, 'without data from or to the server'),
  timeout('http-request', 'httpRequest', everywhere, 'to receive a whole request head', {
    fallback: 'timeout client',
  }),
  timeout('http-keep-alive', 'httpKeepAlive', everywhere, 'to wait for the next request', {
    fallback: 'timeout http-request, then timeout client',
    since: '1.4',
  }),
  timeout('queue', 'queue', backends, 'to wait for a server with a free slot', {
    fallback: 'timeout connect',
  }),
  timeout('tarpit', 'tarpit', everywhere, 'how long a tarpitted request is held', {
    fallback: 'timeout connect',
  }),
  timeout('check', 'check', backends, 'for the answer to a health check', {
    fallback: 'inter of the server',
  }),
  timeout('client-fin', 'clientFin', frontends, 'for the client after one side has closed', {
    fallback: 'timeout client',
    since: '1.5',
  }),
  timeout('server-fin', 'serverFin', backends, 'for the server after one side has closed', {
    fallback: 'timeout server',
    since: '1.5',
  }),
  timeout('tunnel', 'tunnel', backends, 'without data in a tunnel', {
    fallback: 'timeout client and timeout server',
    since: '1.5',
  }),
]
