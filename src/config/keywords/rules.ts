/** Rules: the keywords `http-request deny`, `tcp-request content accept`, ... made from the table of actions. */
import type { ActionInfo } from '../actions/action-info.ts'
import { actions } from '../actions/registry.ts'
import type { Action } from '../actions/registry.ts'
import { unsupportedActions } from '../actions/unsupported.ts'
import type { UnsupportedAction } from '../actions/unsupported.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import { ruleSets } from '../model/index.ts'
import type { Rule, RuleSet } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import { unsupportedKeyword } from './keyword.ts'
import type { Keyword, KeywordSection } from './keyword.ts'

/** Where the rules of a set may stand. */
const sectionsOf: { readonly [Set in RuleSet]: readonly KeywordSection[] } = {
  'tcp-request connection': ['defaults', 'frontend', 'listen'],
  'tcp-request session': ['defaults', 'frontend', 'listen'],
  'tcp-request content': ['defaults', 'frontend', 'listen', 'backend'],
  'http-request': ['defaults', 'frontend', 'listen', 'backend'],
  'tcp-response content': ['defaults', 'listen', 'backend'],
  'http-response': ['defaults', 'frontend', 'listen', 'backend'],
  'http-after-response': ['defaults', 'frontend', 'listen', 'backend'],
}

/** The version that brought each set. */
const sinceOf: { readonly [Set in RuleSet]: string } = {
  'tcp-request connection': '1.5',
  'tcp-request session': '1.7',
  'tcp-request content': '1.3',
  'http-request': '1.4',
  'tcp-response content': '1.5',
  'http-response': '1.5',
  'http-after-response': '2.2',
}

/** Rules and ACLs are refused in a `defaults` section without a name: it may be inherited by anything. */
export function refusesAnonymous(proxy: ProxyDraft, args: Args): boolean {
  if (proxy.kind !== 'defaults' || proxy.name !== '') return false
  const hint = "give the section a name, and let proxies inherit it with 'from'"
  args.error('CFG_DEFAULTS', args.place, 'not allowed in a defaults section without a name', hint)
  return true
}

const finalTypes: ReadonlySet<string> = new Set(actions.filter(({ final }) => final).map(({ name }) => name))

function isFinal(rule: Rule | undefined): boolean {
  if (rule === undefined || rule.condition !== undefined) return false
  return finalTypes.has(rule.action.type)
}

function applyRule(proxy: ProxyDraft, args: Args, ruleSet: RuleSet, info: ActionInfo<Action>): void {
  if (refusesAnonymous(proxy, args)) return
  const action = info.read(args, ruleSet, proxy)
  if (action === undefined) return
  const parsed = args.condition()
  if (parsed === undefined) return
  const rules = proxy.rules[ruleSet]
  if (isFinal(rules.at(-1))) {
    args.warning('CFG_RULE_UNREACHABLE', args.place, `the rule before it ends every '${ruleSet}' evaluation`)
  }
  rules.push({ place: args.place, ruleSet, action, condition: parsed.condition })
}

function ruleKeyword(ruleSet: RuleSet, info: ActionInfo<Action>): Keyword<ProxyDraft> {
  return {
    name: `${ruleSet} ${info.name}`,
    sections: sectionsOf[ruleSet],
    support: 'yes',
    syntax: `${info.syntax} [{if | unless} <cond>]`.trimStart(),
    fallback: '',
    doc: info.doc,
    // The later of the two: an action came to all sets of its time at once.
    since: info.since > sinceOf[ruleSet] ? info.since : sinceOf[ruleSet],
    strict: true,
    parentheses: info.parentheses ?? false,
    apply: (proxy, args) => {
      applyRule(proxy, args, ruleSet, info)
    },
  }
}

function unsupportedRule(ruleSet: RuleSet, { name, support }: UnsupportedAction): Keyword<ProxyDraft> {
  return unsupportedKeyword(`${ruleSet} ${name}`, sectionsOf[ruleSet], support, { strict: true })
}

function delayKeyword(side: 'request' | 'response'): Keyword<ProxyDraft> {
  return {
    name: `tcp-${side} inspect-delay`,
    sections:
      side === 'request' ? ['defaults', 'frontend', 'listen', 'backend'] : ['defaults', 'listen', 'backend'],
    support: 'yes',
    syntax: '<time>',
    fallback: 'no waiting',
    doc: 'how long content rules may wait for more data',
    since: side === 'request' ? '1.3' : '1.5',
    strict: true,
    apply: (proxy, args) => {
      if (refusesAnonymous(proxy, args)) return
      const delay = args.time('<time>')
      if (delay !== undefined && args.end()) proxy.inspectDelay[side] = delay === 0 ? undefined : delay
    },
  }
}

/** The keywords of those actions, in each of their rule sets. */
export function actionKeywords(infos: readonly ActionInfo<Action>[]): Keyword<ProxyDraft>[] {
  return ruleSets.flatMap((ruleSet) =>
    infos.filter((info) => info.ruleSets.includes(ruleSet)).map((info) => ruleKeyword(ruleSet, info)),
  )
}

/** Every action of every rule set, and the two delays. */
export const ruleKeywords: readonly Keyword<ProxyDraft>[] = [
  delayKeyword('request'),
  delayKeyword('response'),
  ...actionKeywords(actions),
  ...ruleSets.flatMap((ruleSet) =>
    unsupportedActions
      .filter((action) => action.ruleSets.includes(ruleSet))
      .map((action) => unsupportedRule(ruleSet, action)),
  ),
]
