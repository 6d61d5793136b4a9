/**
 * Rules of a named `defaults` section are evaluated before those of the proxies that inherit it (configuration.txt 4).
 * Their conditions see the ACLs of that section alone, so both are renamed on the way: `/` cannot occur in names.
 */
import { ruleSets } from '../model/index.ts'
import type { AclDeclaration, Condition } from '../model/index.ts'
import type { Diagnostics, Place } from '../text/diagnostics.ts'
import { hasRules } from './proxy.ts'
import type { ProxyDraft } from './proxy.ts'

/** Puts the rules of `defaults` into `proxy`, unless such a proxy may not inherit them, which is reported. */
export function inheritRules(
  defaults: ProxyDraft,
  proxy: ProxyDraft,
  usedBy: ProxyDraft['kind'] | undefined,
  diagnostics: Diagnostics,
): void {
  if (!hasRules(defaults)) return
  const problem = whyNot(defaults, proxy, usedBy)
  if (problem !== undefined) return refuse(problem, proxy.place, diagnostics)
  const names = new Set(defaults.acls.map((acl) => acl.name))
  const rename = (name: string): string => `${defaults.name}/${name}`
  // The slots of its captures come first, with the numbers that its rules have.
  proxy.captures.request.push(...defaults.captures.request)
  proxy.acls.push(...defaults.acls.map((acl): AclDeclaration => ({ ...acl, name: rename(acl.name) })))
  for (const set of ruleSets) {
    proxy.rules[set].push(
      ...defaults.rules[set].map((rule) => ({
        ...rule,
        condition: rule.condition === undefined ? undefined : renameIn(rule.condition, names, rename),
      })),
    )
  }
}

function refuse(problem: string, place: Place, diagnostics: Diagnostics): void {
  diagnostics.error('CFG_DEFAULTS', place, problem, 'keep rules in a defaults section of their own')
}

function whyNot(
  defaults: ProxyDraft,
  proxy: ProxyDraft,
  usedBy: ProxyDraft['kind'] | undefined,
): string | undefined {
  const { rules, name } = defaults
  const has = `the defaults section '${name}' has rules`
  if (proxy.kind === 'defaults') return `${has}: another defaults section cannot inherit it`
  if (proxy.kind === 'listen') return `${has}: a listen section cannot inherit it`
  if (usedBy !== undefined && usedBy !== proxy.kind) {
    return `${has}: a ${usedBy} inherits it already, so a ${proxy.kind} cannot`
  }
  const early = rules['tcp-request connection'].length + rules['tcp-request session'].length
  if (proxy.kind === 'backend' && early > 0) {
    return `the defaults section '${name}' has tcp-request connection or session rules: a backend cannot inherit it`
  }
  if (proxy.kind === 'backend' && defaults.captures.request.length > 0) {
    return `the defaults section '${name}' has captures: a backend cannot inherit it`
  }
  if (proxy.kind === 'frontend' && rules['tcp-response content'].length > 0) {
    return `the defaults section '${name}' has tcp-response rules: a frontend cannot inherit it`
  }
  return undefined
}

function renameIn(
  condition: Condition,
  names: ReadonlySet<string>,
  rename: (name: string) => string,
): Condition {
  let anonymous = false
  const words = condition.words.map((word) => {
    const name = word.text.replace(/^!+/, '')
    if (name === '{' || name === '}') anonymous = name === '{'
    if (anonymous || !names.has(name)) return word
    return { ...word, text: word.text.slice(0, word.text.length - name.length) + rename(name) }
  })
  return { ...condition, words }
}
