/** Events that never occur where the filter stands. */
import type { Finding, LintRule } from '../rule.ts'
import { perEngine } from '../rule.ts'
import { eventSendings, isPerRequest } from '../sending.ts'
import type { LintEngine, LintSubject } from '../subject.ts'

export const eventRules: readonly LintRule[] = [
  {
    code: 'LINT_SPOE_EVENT_MODE',
    severity: 'warning',
    doc: "a message waits for an event of HTTP, and the filter stands in a section with 'mode tcp'",
    why: 'The event does not occur, so the agent is not asked.',
    hint: "write 'mode http', or use 'on-frontend-tcp-request', 'on-backend-tcp-request' or 'on-tcp-response'",
    needsConfig: true,
    check: perEngine(wrongMode),
  },
]

function wrongMode(engine: LintEngine, subject: LintSubject): Finding[] {
  const { host } = engine
  if (host === undefined || host.proxy.mode === 'http' || becomesHttp(host.proxy, subject)) return []
  return eventSendings(engine)
    .filter(isPerRequest)
    .map(({ at, place }) => ({
      place,
      message: `'${at}' does not occur in the ${host.proxy.kind} '${host.proxy.name}', which has mode tcp`,
    }))
}

type HostProxy = NonNullable<LintEngine['host']>['proxy']

/** A frontend of TCP with a backend of HTTP hands its streams over to HTTP. */
function becomesHttp({ kind, useBackends, defaultBackend }: HostProxy, { config }: LintSubject): boolean {
  if (kind === 'backend') return false
  const names = [
    ...useBackends.map(({ backend }) => backend.text),
    ...(defaultBackend ? [defaultBackend.text] : []),
  ]
  return names.some(
    (name) =>
      name.includes('%[') ||
      config?.proxies.some((each) => each.kind !== 'frontend' && each.name === name && each.mode === 'http'),
  )
}
