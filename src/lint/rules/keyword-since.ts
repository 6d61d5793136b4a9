/** Keywords that the HAProxy that will read the file does not have yet. */
import type { KeywordInfo } from '../../config/index.ts'
import { entryOf } from '../keyword-entry.ts'
import type { Finding, LintRule } from '../rule.ts'
import { beginsWith } from '../source-line.ts'
import type { LintSubject } from '../subject.ts'
import { formatBranch, muxBranch, parseBranch } from '../version.ts'
import type { HaproxyBranch } from '../version.ts'

export const keywordSinceRules: readonly LintRule[] = [
  {
    code: 'LINT_KEYWORD_TOO_NEW',
    severity: 'error',
    doc: 'a keyword appeared after the branch of --haproxy-version (as far as docs/keywords.md says since when it exists)',
    why: 'That HAProxy refuses the file.',
    hint: 'docs/keywords.md says since when a keyword exists',
    needsConfig: false,
    check: tooNew,
  },
]

function tooNew(subject: LintSubject): Finding[] {
  const { branch } = subject
  if (branch === undefined) return []
  return [...subject.lines, ...subject.engines.flatMap(({ lines }) => lines)].flatMap((line) => {
    const entry = entryOf(line)
    const since = entry === undefined ? undefined : sinceOf(entry)
    const place = line.words[0]?.place
    const isSpop = beginsWith(line, ['mode', 'spop']) && branch < muxBranch
    // With --for haproxy its own words are said.
    if (place !== undefined && isSpop && subject.readBy === 'sluice') {
      return [{ place, message: `'mode spop' exists since HAProxy 3.1, not in ${formatBranch(branch)}` }]
    }
    if (entry === undefined || since === undefined || place === undefined || since <= branch) return []
    return [
      {
        place,
        message: `'${entry.name}' exists since HAProxy ${entry.since}, not in ${formatBranch(branch)}`,
      },
    ]
  })
}

function sinceOf({ since }: KeywordInfo): HaproxyBranch | undefined {
  return parseBranch(since)
}
