/** All rules, in the order of the documentation. */
import type { LintRule } from './rule.ts'
import { bodyRules } from './rules/body.ts'
import { droppedKeywordRules } from './rules/dropped-keywords.ts'
import { eventRules } from './rules/events.ts'
import { failureRules } from './rules/failures.ts'
import { frameSizeRules } from './rules/frame-size.ts'
import { keywordSinceRules } from './rules/keyword-since.ts'
import { logInjectionRules } from './rules/log-injection.ts'
import { ownKeywordRules } from './rules/own-keywords.ts'
import { timeoutRules } from './rules/timeouts.ts'
import { unusedRules } from './rules/unused.ts'
import { variableRules } from './rules/variables.ts'
import { verdictScopeRules } from './rules/verdict-scope.ts'

/** The registry: the command, docs/check.md and the tests read it. */
export const lintRules: readonly LintRule[] = [
  ...verdictScopeRules,
  ...bodyRules,
  ...frameSizeRules,
  ...failureRules,
  ...timeoutRules,
  ...variableRules,
  ...logInjectionRules,
  ...eventRules,
  ...unusedRules,
  ...droppedKeywordRules,
  ...keywordSinceRules,
  ...ownKeywordRules,
]
