/** How FastCGI applications, the proxies that use them and their servers fit together (configuration.txt 10.1). */
import type { ProxyDraft } from '../draft/proxy.ts'
import type { FcgiAppDraft } from '../draft/sections.ts'
import type { Diagnostics } from '../text/diagnostics.ts'
import { didYouMean } from '../../base/suggest.ts'
import type { Word } from '../text/word.ts'

/** Reports what does not fit, and settles `useFcgiApp` and `maxReqs`. */
export function checkFcgi(
  proxies: readonly ProxyDraft[],
  apps: readonly FcgiAppDraft[],
  diagnostics: Diagnostics,
): void {
  for (const app of apps) checkApp(app, diagnostics)
  const names = new Set(apps.map((each) => each.name))
  for (const proxy of proxies) checkProxy(proxy, names, diagnostics)
}

function checkApp(app: FcgiAppDraft, diagnostics: Diagnostics): void {
  if (app.docroot === undefined) {
    diagnostics.error('CFG_FCGI', app.place, `the fcgi-app '${app.name}' has no 'docroot'`)
  }
  if (app.maxReqs > 1 && !app.mpxsConns && !app.getValues) {
    const message = `'option max-reqs' of '${app.name}' has no effect without multiplexing`
    diagnostics.warning('CFG_FCGI', app.place, message, "add 'option mpxs-conns' or 'option get-values'")
    app.maxReqs = 1
  }
}

function checkProxy(proxy: ProxyDraft, names: ReadonlySet<string>, diagnostics: Diagnostics): void {
  const app = findApp(proxy, diagnostics)
  const servers = proxy.servers.filter((server) => server.proto === 'fcgi')
  const report = (message: string, hint?: string): void => {
    const place = app?.place ?? servers[0]?.place ?? proxy.place
    diagnostics.error('CFG_FCGI', place, `${proxy.kind} '${proxy.name}': ${message}`, hint)
  }
  if (app === undefined) {
    if (servers.length > 0) report("a 'proto fcgi' server needs an application", "add 'use-fcgi-app <name>'")
    return
  }
  proxy.useFcgiApp = app
  if (!names.has(app.text)) report(`there is no fcgi-app '${app.text}'`, didYouMean(app.text, [...names]))
  if (proxy.mode !== 'http') report("FastCGI applications need 'mode http'")
  // One that was refused may have been it.
  if (servers.length === 0 && !proxy.hasRefusedServer) {
    report('no server speaks FastCGI', "add 'proto fcgi' to the server")
  }
}

/** The application that `use-fcgi-app` or the filter names; both may. */
function findApp(proxy: ProxyDraft, diagnostics: Diagnostics): Word | undefined {
  const explicit = proxy.filters.filter((filter) => filter.type === 'fcgi-app')
  const app = proxy.useFcgiApp ?? explicit[0]?.name
  for (const filter of explicit) {
    if (app === undefined || filter.name.text === app.text) continue
    const message = `a proxy has one fcgi-app, and '${app.text}' was given elsewhere`
    diagnostics.error('CFG_FCGI', filter.place, message)
  }
  // With one filter more their order matters, and HAProxy wants it told.
  if (app !== undefined && explicit.length === 0 && proxy.filters.length > 0) {
    const message = `with other filters '${app.text}' needs its place among them`
    diagnostics.error('CFG_FCGI', app.place, message, `add 'filter fcgi-app ${app.text}' where it belongs`)
  }
  return app
}
