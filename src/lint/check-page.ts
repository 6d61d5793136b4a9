/** docs/check.md: prose, and the rules of the registry below it. */
import type { LintRule } from './rule.ts'
import { lintRules } from './rules.ts'

const begin =
  '<!-- What follows is made from src/lint/rules.ts; UPDATE_DOCS=1 npm test -- lint/check-page brings it up to date. -->'

/** The page with the rules of the registry in place of those that it has. */
export function formatCheckPage(page: string): string {
  const at = page.indexOf(begin)
  const prose = at < 0 ? `${page.trimEnd()}\n\n` : page.slice(0, at)
  return `${prose}${begin}\n\n${lintRules.map(formatRule).join('\n')}`
}

function formatRule({ code, severity, doc, why, hint, needsConfig }: LintRule): string {
  const where = needsConfig ? 'with haproxy.cfg only' : 'in a SPOE file alone, too'
  return `### \`${code}\`\n\n${severity}, ${where}: ${doc}.\n\n${why}\n\nWhat to do: ${hint}.\n`
}
