/** Keywords that the HAProxy that will read the file does not have yet. */
import { keywords } from '../../config/index.ts'
import type { KeywordInfo } from '../../config/index.ts'
import type { Finding, LintRule } from '../rule.ts'
import type { SourceLine } from '../source-line.ts'
import type { LintSubject } from '../subject.ts'
import { formatBranch, parseBranch } from '../version.ts'
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

const bySection = new Map<string, Map<string, KeywordInfo>>()
for (const entry of keywords) {
  for (const section of entry.sections) {
    const names = bySection.get(section) ?? new Map<string, KeywordInfo>()
    names.set(entry.name, entry)
    bySection.set(section, names)
  }
}

/** The entry with the longest name that the line begins with. */
function entryOf({ words, section }: SourceLine): KeywordInfo | undefined {
  const names = bySection.get(section.kind)
  for (let count = Math.min(3, words.length); names !== undefined && count > 0; count--) {
    const name = words
      .slice(0, count)
      .map(({ text }) => text.replace(/\(.*/s, ''))
      .join(' ')
    const entry = names.get(name)
    if (entry !== undefined) return entry
  }
  return undefined
}
