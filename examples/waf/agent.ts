/**
 * A small firewall for web applications: judges the headers of each request, and its body. HAProxy's side is
 * spoe-waf.conf, with haproxy-closed.cfg or haproxy-open.cfg.
 */
import { createAgent, decodeHeadersBin, type Agent, type AgentOptions } from 'sluice/agent'

/** Where a rule looks. */
export type Part = 'target' | 'header' | 'body'

/** A rule: what matches adds to the score of the request. */
export interface Rule {
  readonly id: string
  readonly parts: readonly Part[]
  readonly pattern: RegExp
  readonly score: number
}

/** A few rules that show the form. They are no rule set: real ones have thousands. */
export const rules: readonly Rule[] = [
  { id: 'traversal', parts: ['target', 'body'], pattern: /(?:^|[\\/=])\.\.[\\/]/, score: 5 },
  { id: 'sql-union', parts: ['target', 'body'], pattern: /\bunion\b\s+(?:all\s+)?select\b/i, score: 5 },
  { id: 'script', parts: ['target', 'body', 'header'], pattern: /<script\b/i, score: 5 },
  { id: 'jndi', parts: ['target', 'body', 'header'], pattern: /\$\{jndi:/i, score: 10 },
  { id: 'scanner', parts: ['header'], pattern: /^user-agent: (?:sqlmap|nikto|masscan)/i, score: 5 },
  { id: 'odd-quotes', parts: ['target'], pattern: /['"`;]{2}/, score: 2 },
]

/** What the agent is told from outside. */
export interface WafOptions {
  /** What a request gets that cannot be judged: `open` lets it pass. */
  readonly failure: 'open' | 'closed'
  /** The score from which a request is refused. @default 5 */
  readonly threshold?: number
  /** More options of the agent. */
  readonly agent?: AgentOptions
}

/** An agent that answers `check-request` with `ok`, `rule` and `score`. */
export function createWaf({ failure, threshold = 5, agent: more = {} }: WafOptions): Agent {
  const agent = createAgent({
    deadline: 150,
    varPrefix: 'waf',
    ...more,
    fallback: (actions, reason) => {
      actions.setVar('txn', 'ok', failure === 'open')
      actions.setVar('txn', 'rule', reason)
      actions.setVar('txn', 'score', 0)
    },
  })
  const declared = { url: 'latin1?', headers: 'binary?', body: 'latin1?', body_size: 'integer?' } as const
  agent.message('check-request', declared, ({ url, headers, body, body_size }, actions) => {
    const lines = headers === undefined ? [] : decodeHeadersBin(headers).map(([name, value]) => `${name}: ${value}`)
    const found = [
      ...matches('target', [decode(url ?? '')]),
      ...matches('header', lines),
      ...matches('body', [decode(body ?? '')]),
    ]
    // HAProxy sends what fits its buffer. The rest passes unseen, unless that is a reason to refuse.
    if (failure === 'closed' && (body_size ?? 0) > (body ?? '').length)
      found.push({ id: 'body-too-large', parts: ['body'], pattern: /^/, score: threshold })
    const score = found.reduce((sum, rule) => sum + rule.score, 0)
    actions.setVar('txn', 'ok', score < threshold)
    actions.setVar('txn', 'rule', found[0]?.id ?? 'none')
    actions.setVar('txn', 'score', score)
  })
  return agent
}

function matches(part: Part, texts: readonly string[]): Rule[] {
  return rules.filter((rule) => rule.parts.includes(part) && texts.some((text) => rule.pattern.test(text)))
}

/** As an application would read it: `+` and percent-encoding, twice, for that is a way to hide. */
function decode(text: string): string {
  let plain = text
  for (let count = 0; count < 2; count++)
    plain = plain
      .replaceAll('+', ' ')
      .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return plain
}
