/** The entry of the registry that a line begins with. */
import { keywords } from '../config/index.ts'
import type { KeywordInfo } from '../config/index.ts'
import type { SourceLine } from './source-line.ts'

const bySection = new Map<string, Map<string, KeywordInfo>>()
for (const entry of keywords) {
  for (const section of entry.sections) {
    const names = bySection.get(section) ?? new Map<string, KeywordInfo>()
    names.set(entry.name, entry)
    bySection.set(section, names)
  }
}

/** The entry with the longest name that the line begins with. */
export function entryOf({ words, section }: SourceLine): KeywordInfo | undefined {
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
