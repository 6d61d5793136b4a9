/** Section lines: which sections there are, and how their names and their `from` are read. */
import { forbiddenCharacter } from '../text/args.ts'
import type { Diagnostics, Place } from '../text/diagnostics.ts'
import type { Word } from '../text/word.ts'

/** Sections that are read. */
export const sectionKinds = [
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'fcgi-app',
  'http-errors',
] as const

/** The name of such a section. */
export type SectionKind = (typeof sectionKinds)[number]

/** Sections that HAProxy 2.6 has and sluice has not; what refers to them is reported by itself. */
export const unsupportedSections: ReadonlyMap<string, 'ignored' | 'no'> = new Map([
  ['cache', 'ignored'],
  ['mailers', 'ignored'],
  ['peers', 'ignored'],
  ['resolvers', 'ignored'],
  ['ring', 'ignored'],
  ['userlist', 'ignored'],
  // These do something by themselves.
  ['log-forward', 'no'],
  ['program', 'no'],
])

/** What a section line says. */
export interface SectionHead {
  readonly name: string
  /** The name behind `from`. */
  readonly from: Word | undefined
}

/**
 * Reads the words behind the keyword of a section.
 * @returns undefined when the section cannot have a name, which was reported.
 */
export function readSectionHead(
  kind: SectionKind,
  words: readonly Word[],
  diagnostics: Diagnostics,
): SectionHead | undefined {
  const [keyword, ...rest] = words
  const place = keyword?.place ?? { file: '', line: 0, column: 0 }
  const named = kind !== 'global' && !(kind === 'defaults' && (rest.length === 0 || isFrom(rest)))
  const name = named ? rest.shift() : undefined
  if (named && name === undefined) {
    diagnostics.error('CFG_SECTION_NAME', place, `'${kind}' expects a name`)
    return undefined
  }
  const inherits = kind !== 'global' && kind !== 'fcgi-app' && kind !== 'http-errors'
  const from = inherits ? takeFrom(rest, diagnostics) : undefined
  const extra = rest[0]
  if (extra !== undefined) {
    const hint = kind === 'frontend' || kind === 'listen' ? "addresses go to 'bind' lines" : undefined
    diagnostics.error('CFG_ARGUMENT_EXTRA', extra.place, `'${kind}': unexpected '${extra.text}'`, hint)
  }
  if (name !== undefined) checkName(kind, name, diagnostics)
  return { name: name?.text ?? '', from }
}

function isFrom(words: readonly Word[]): boolean {
  return words.length === 2 && words[0]?.text === 'from'
}

function takeFrom(rest: Word[], diagnostics: Diagnostics): Word | undefined {
  const [first, second] = rest
  if (first?.text !== 'from') return undefined
  rest.splice(0, 2)
  if (second === undefined) {
    diagnostics.error('CFG_ARGUMENT_MISSING', first.place, "'from' expects the name of a defaults section")
  }
  return second
}

/** Reports characters that names may not have. */
export function checkName(kind: string, name: Word, diagnostics: Diagnostics): boolean {
  const bad = forbiddenCharacter(name.text)
  if (bad === undefined) return true
  const message = `'${bad}' cannot be part of the ${kind} name '${name.text}'`
  diagnostics.error('CFG_SECTION_NAME', name.place, message, 'use letters, digits, _ : . and -')
  return false
}

/** Reports that a name is taken. */
export function reportDuplicate(
  kind: string,
  name: string,
  place: Place,
  before: { readonly kind: string; readonly place: Place },
  diagnostics: Diagnostics,
): void {
  const message = `the ${kind} '${name}' has the name of the ${before.kind} of line ${before.place.line} of ${before.place.file}`
  diagnostics.error('CFG_SECTION_DUPLICATE', place, message)
}
