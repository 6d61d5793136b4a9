/** A model as text: what differs from a fresh section, without places, one line per value. */
import { parseConfig } from '#src/config/index.js'
import type { Config, Diagnostic, Proxy, SpoeConfig } from '#src/config/index.js'

function fresh(kind: Proxy['kind']): Proxy {
  const [proxy] = parseConfig({ file: 'fresh', text: `${kind} fresh\n` }).config.proxies
  if (proxy === undefined) throw new Error('a section without lines must give a proxy')
  return proxy
}

function isWord(value: object): value is { text: string; quoted: boolean } {
  return 'text' in value && 'quoted' in value
}

/** One value on one line. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value === 'string') return /^[\w./:@*-]+$/.test(value) ? value : JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (isWord(value)) return inline(value.text)
  const fields = Object.entries(value).filter(([key, each]) => key !== 'place' && !isNothing(each))
  return `{${fields.map(([key, each]) => `${key}: ${inline(each)}`).join(', ')}}`
}

function isNothing(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0)
}

function lines(section: object, base: object): string[] {
  const defaults = new Map<string, unknown>(Object.entries(base))
  const result: string[] = []
  for (const [key, value] of Object.entries(section)) {
    if (['kind', 'name', 'place'].includes(key) || inline(value) === inline(defaults.get(key))) continue
    if (isNothing(value)) continue
    if (key === 'rules' && !Array.isArray(value)) result.push(...ruleLines(value as object))
    else if (Array.isArray(value)) result.push(`  ${key}:`, ...value.map((each) => `    ${inline(each)}`))
    else result.push(`  ${key}: ${inline(value)}`)
  }
  return result
}

function ruleLines(rules: object): string[] {
  return Object.values(rules).flatMap((list: unknown[]) =>
    list.map((rule) => {
      const { ruleSet, ...rest } = rule as { ruleSet: string }
      return `  ${ruleSet}: ${inline(rest)}`
    }),
  )
}

/** All of a configuration. */
export function summariseConfig(config: Config): string {
  const base = parseConfig({ file: 'fresh', text: '' }).config.global
  const global = lines(config.global, base)
  const sections = [
    ...(global.length > 0 ? ['global', ...global] : []),
    ...config.fcgiApps.flatMap((app) => [`fcgi-app ${app.name}`, ...lines(app, {})]),
    ...config.proxies.flatMap((proxy) => [`${proxy.kind} ${proxy.name}`, ...lines(proxy, fresh(proxy.kind))]),
  ]
  return sections.join('\n')
}

/** One scope of a SPOE file. */
export function summariseSpoe(spoe: SpoeConfig | undefined): string {
  if (spoe === undefined) return 'no engine'
  return [
    `engine ${spoe.engine ?? ''}`.trim(),
    `spoe-agent ${spoe.agent.name}`,
    ...lines(spoe.agent, {}),
    ...spoe.messages.flatMap((message) => [
      `spoe-message ${message.name}`,
      ...lines(message, { noWait: false }),
    ]),
    ...spoe.groups.flatMap((group) => [`spoe-group ${group.name}`, ...lines(group, {})]),
  ].join('\n')
}

/** `line:column severity CODE: message`, and the hint behind `|`. */
export function summariseDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(({ place, severity, code, message, hint }) => {
      const at = `${place.line}:${place.column}`
      return `${at} ${severity} ${code}: ${message}${hint === undefined ? '' : ` | ${hint}`}`
    })
    .join('\n')
}
