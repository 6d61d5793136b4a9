/** How a SPOE file fits the configuration whose filter reads it: backend, events, engines and groups. */
import { isBackend, isFrontend, ruleSets } from '../model/index.ts'
import type { Config, Filter, Proxy, SpoeAgent, SpoeConfig, SpoeEvent, SpoeMessage } from '../model/index.ts'
import { Diagnostics } from '../text/diagnostics.ts'
import type { Diagnostic } from '../text/diagnostics.ts'
import { didYouMean } from '../../base/suggest.ts'

/** A `filter spoe` of a proxy with the file it names. */
export interface SpoeEngine {
  readonly proxy: Proxy
  readonly filter: Extract<Filter, { type: 'spoe' }>
  readonly spoe: SpoeConfig
}

/** The name that `send-spoe-group` uses: that of the filter's line, or that of the agent. */
export function engineName({ filter, spoe }: SpoeEngine): string {
  return filter.engine?.text ?? spoe.agent.name
}

/**
 * When `message` is sent by a filter of `proxy`; undefined: never. In a `listen` the backend's request events are
 * those of the frontend; a backend never sees events of frontends (`src/flt_spoe.c`, parse_spoe_flt).
 */
export function effectiveEvent(proxy: Proxy, message: SpoeMessage): SpoeEvent | undefined {
  const event = message.event?.name
  if (proxy.kind === 'listen') {
    if (event === 'on-backend-tcp-request') return 'on-frontend-tcp-request'
    if (event === 'on-backend-http-request') return 'on-frontend-http-request'
  }
  if (!isFrontend(proxy) && event !== undefined && frontendEvents.includes(event)) return undefined
  return event
}

const frontendEvents: readonly SpoeEvent[] = [
  'on-client-session',
  'on-frontend-tcp-request',
  'on-frontend-http-request',
]

/** Checks every engine of a configuration, when all of its SPOE files were read. */
export function checkSpoeEngines(config: Config, engines: readonly SpoeEngine[]): Diagnostic[] {
  const diagnostics = new Diagnostics()
  const backends = new Map<string, Proxy>()
  for (const proxy of config.proxies) {
    if (isBackend(proxy) && !backends.has(proxy.name)) backends.set(proxy.name, proxy)
  }
  const byProxy = new Map<Proxy, SpoeEngine[]>()
  for (const engine of engines) {
    const own = byProxy.get(engine.proxy) ?? []
    byProxy.set(engine.proxy, own)
    checkBackend(backends, engine, diagnostics)
    checkEvents(engine, diagnostics)
    checkName(engine, own, diagnostics)
    own.push(engine)
  }
  for (const proxy of config.proxies) checkGroups(proxy, byProxy.get(proxy) ?? [], diagnostics)
  return diagnostics.list
}

function checkBackend(
  backends: ReadonlyMap<string, Proxy>,
  { spoe }: SpoeEngine,
  diagnostics: Diagnostics,
): void {
  const word = spoe.agent.useBackend
  if (word === undefined) return
  const target = backends.get(word.text)
  if (target === undefined) {
    const hint = diagnostics.nearest(word.text, backends.keys())
    diagnostics.error('CFG_BACKEND_UNKNOWN', word.place, `there is no backend '${word.text}'`, hint)
  } else if (target.mode === 'http') {
    const message = `the backend '${word.text}' of the agent '${spoe.agent.name}' has mode ${target.mode}`
    diagnostics.error('CFG_BACKEND_MODE', word.place, message, "write 'mode tcp' into the backend")
  } else if (target.mode === 'spop') noteDropped(spoe.agent, word.text, diagnostics)
}

/** As HAProxy from 3.1 on, whose connections to agents are the backend's own. */
function noteDropped({ dropped, name }: SpoeAgent, backend: string, diagnostics: Diagnostics): void {
  for (const keyword of dropped) {
    const message = `'${keyword.text}' of the agent '${name}' has no effect: the backend '${backend}' has mode spop`
    diagnostics.note('CFG_KEYWORD_IGNORED', keyword.place, message)
  }
}

/** Whether a complaint about an agent is none where its backend has `mode spop`: only `timeout processing` counts there. */
export function isForgivenBySpop({ code }: Diagnostic, { timeouts }: SpoeAgent): boolean {
  return code === 'CFG_TIMEOUT_MISSING' && timeouts.processing !== undefined
}

function checkEvents({ proxy, spoe }: SpoeEngine, diagnostics: Diagnostics): void {
  const listed = new Set(spoe.agent.messages.map((word) => word.text))
  for (const message of spoe.messages) {
    if (message.event === undefined || !listed.has(message.name)) continue
    if (effectiveEvent(proxy, message) !== undefined) continue
    const text = `'${message.event.name}' never occurs in the backend '${proxy.name}': the message is not sent`
    diagnostics.warning('CFG_SPOE_EVENT', message.event.place, text)
  }
}

/** `before`: those of the same proxy that stand above. */
function checkName(engine: SpoeEngine, before: readonly SpoeEngine[], diagnostics: Diagnostics): void {
  if (!before.some((each) => engineName(each) === engineName(engine))) return
  const message = `${engine.proxy.kind} '${engine.proxy.name}' has an engine '${engineName(engine)}' already`
  diagnostics.error('CFG_SPOE_AGENT', engine.filter.place, message)
}

function checkGroups(proxy: Proxy, engines: readonly SpoeEngine[], diagnostics: Diagnostics): void {
  for (const set of ruleSets) {
    for (const { action } of proxy.rules[set]) {
      if (action.type !== 'send-spoe-group') continue
      const engine = engines.find((each) => engineName(each) === action.engine.text)
      if (engine === undefined) {
        const message = `${proxy.kind} '${proxy.name}' has no SPOE engine '${action.engine.text}'`
        const hint =
          didYouMean(action.engine.text, engines.map(engineName)) ?? "add a 'filter spoe' to the same proxy"
        diagnostics.error('CFG_SPOE_AGENT', action.engine.place, message, hint)
      } else if (!engine.spoe.groups.some((group) => group.name === action.group.text)) {
        const names = engine.spoe.groups.map((group) => group.name)
        const message = `the engine '${action.engine.text}' has no group '${action.group.text}'`
        diagnostics.error('CFG_SPOE_GROUP', action.group.place, message, didYouMean(action.group.text, names))
      }
    }
  }
}
