/**
 * What the registry knows of a keyword, and how a line finds its entry. Sections are tables of keywords; the
 * parameters of `bind` and `server` lines are such tables too.
 */
import { Args } from './args.ts'
import type { Modifier } from './args.ts'
import type { Diagnostics } from './diagnostics.ts'
import { didYouMean } from './suggest.ts'
import type { Word } from './word.ts'

/** Where a keyword may stand. `bind` and `server` stand for the parameters of such a line. */
export type KeywordSection =
  | 'global'
  | 'defaults'
  | 'frontend'
  | 'listen'
  | 'backend'
  | 'fcgi-app'
  | 'bind'
  | 'server'
  | 'spoe-agent'
  | 'spoe-message'
  | 'spoe-group'

/**
 * `yes`: it does what HAProxy's does. `ignored`: it is known, does nothing here, and is harmless to ignore (a warning).
 * `no`: it is known, and ignoring it would change what the proxy does (an error).
 */
export type Support = 'yes' | 'ignored' | 'no'

/** One entry of the registry, as documentation sees it. */
export interface KeywordInfo {
  /** One to three words, such as `mode`, `timeout client` or `tcp-request content accept`. */
  readonly name: string
  readonly sections: readonly KeywordSection[]
  readonly support: Support
  /** What follows the name. */
  readonly syntax: string
  /** What holds when the keyword is not given; '' when there is nothing to say. */
  readonly fallback: string
  /** One line. */
  readonly doc: string
  /** The HAProxy version that introduced it; '' when it is not recorded. */
  readonly since: string
}

/** An entry that can be applied to the draft of its section. */
export interface Keyword<Target> extends KeywordInfo {
  /** Accepts `no` and `default` in front. */
  readonly negatable?: boolean
  /** Takes an argument in parentheses that is part of the word: `set-var(txn.a)`. */
  readonly parentheses?: boolean
  /** In a proxy section that lacks the needed side: an error rather than HAProxy's usual warning. */
  readonly strict?: boolean
  /** Words after the name, for parameters of `bind` and `server` lines that are only skipped. */
  readonly arity?: number
  /** Reads the arguments and changes the draft; reports what is wrong. */
  apply(target: Target, args: Args): void
}

/** The keywords of one kind of section. */
export class KeywordTable<Target> {
  readonly entries: readonly Keyword<Target>[]
  readonly #byName = new Map<string, Keyword<Target>>()
  /** First words of names with several words: `timeout`, `option`, `http-request`, ... */
  readonly #families = new Map<string, string[]>()

  constructor(entries: readonly Keyword<Target>[]) {
    this.entries = entries
    for (const entry of entries) {
      this.#byName.set(entry.name, entry)
      const words = entry.name.split(' ')
      for (let count = 1; count < words.length; count += 1) {
        const family = words.slice(0, count).join(' ')
        const members = this.#families.get(family) ?? []
        const member = words[count] ?? ''
        if (!members.includes(member)) members.push(member)
        this.#families.set(family, members)
      }
    }
  }

  /** The entry with the longest name that `words` begin with, and how many words the name takes. */
  find(words: readonly Word[]): { readonly entry: Keyword<Target>; readonly count: number } | undefined {
    for (let count = Math.min(3, words.length); count > 0; count -= 1) {
      const name = joined(words, count)
      const entry = this.#byName.get(name)
      if (entry !== undefined) return { entry, count }
      const paren = (words[count - 1]?.text ?? '').indexOf('(')
      if (paren < 0) continue
      const called = this.#byName.get(name.slice(0, name.lastIndexOf(words[count - 1]?.text ?? '') + paren))
      if (called?.parentheses === true) return { entry: called, count }
    }
    return undefined
  }

  /**
   * Reports that the first words are no keyword of `section`, with the nearest one that is.
   * @param others more words that could have been meant.
   */
  reportUnknown(
    words: readonly Word[],
    section: string,
    diagnostics: Diagnostics,
    others: readonly string[] = [],
  ): void {
    for (let count = Math.min(2, words.length); count > 0; count -= 1) {
      const family = joined(words, count)
      const members = this.#families.get(family)
      if (members === undefined) continue
      const [last, word] = [words[count - 1], words[count]]
      if (word === undefined && last !== undefined) {
        const place = { ...last.place, column: last.place.column + last.text.length + 1 }
        return diagnostics.error('CFG_ARGUMENT_MISSING', place, `'${family}' needs one more word`)
      }
      if (word === undefined) return
      const hint = didYouMean(word.text.replace(/\(.*/s, ''), members)
      const message = `unknown keyword '${family} ${word.text}' in ${section}`
      return diagnostics.error('CFG_KEYWORD_UNKNOWN', word.place, message, hint)
    }
    const [word] = words
    if (word === undefined) return
    const names = [...this.#byName.keys(), ...this.#families.keys()].filter((name) => !name.includes(' '))
    const hint = removed.get(word.text) ?? didYouMean(word.text, [...names, ...others])
    diagnostics.error('CFG_KEYWORD_UNKNOWN', word.place, `unknown keyword '${word.text}' in ${section}`, hint)
  }
}

/** Keywords that HAProxy 2.6 has no more, and what replaced them. */
const removed = new Map([
  ['appsession', 'it was removed in HAProxy 1.6; use a cookie or a stick-table'],
  ['block', "it was removed in HAProxy 2.1; write 'http-request deny' instead"],
  ['clitimeout', "it was removed in HAProxy 2.1; write 'timeout client' instead"],
  ['contimeout', "it was removed in HAProxy 2.1; write 'timeout connect' instead"],
  ['srvtimeout', "it was removed in HAProxy 2.1; write 'timeout server' instead"],
  [
    'monitor-net',
    "it was removed in HAProxy 2.2; write 'http-request return status 200 if { src <net> }' instead",
  ],
  ['nbproc', "it was removed in HAProxy 2.5; use 'nbthread' instead"],
  ['reqadd', "it was removed in HAProxy 2.1; write 'http-request add-header' instead"],
  ['reqdel', "it was removed in HAProxy 2.1; write 'http-request del-header' instead"],
  ['reqidel', "it was removed in HAProxy 2.1; write 'http-request del-header' instead"],
  ['reqdeny', "it was removed in HAProxy 2.1; write 'http-request deny' instead"],
  ['reqideny', "it was removed in HAProxy 2.1; write 'http-request deny' instead"],
  ['reqrep', "it was removed in HAProxy 2.1; use 'http-request set-path' or 'set-header' instead"],
  ['reqirep', "it was removed in HAProxy 2.1; use 'http-request set-path' or 'set-header' instead"],
  ['rspadd', "it was removed in HAProxy 2.1; write 'http-response add-header' instead"],
  ['rspdel', "it was removed in HAProxy 2.1; write 'http-response del-header' instead"],
  ['rspidel', "it was removed in HAProxy 2.1; write 'http-response del-header' instead"],
  ['rspdeny', "it was removed in HAProxy 2.1; write 'http-response deny' instead"],
  ['rsprep', "it was removed in HAProxy 2.1; use 'http-response set-header' instead"],
  ['rspirep', "it was removed in HAProxy 2.1; use 'http-response set-header' instead"],
])

function joined(words: readonly Word[], count: number): string {
  return words
    .slice(0, count)
    .map((word) => word.text)
    .join(' ')
}

/** Reads a line of a section that has no sides: finds its keyword and applies it to `target`. */
export function applyLine<Target>(
  table: KeywordTable<Target>,
  target: Target,
  words: readonly Word[],
  line: {
    readonly modifier: Modifier
    readonly section: string
    readonly diagnostics: Diagnostics
    /** Names of sections, which a mistyped keyword may be. */
    readonly others: readonly string[]
  },
): void {
  const found = table.find(words)
  if (found === undefined) return table.reportUnknown(words, line.section, line.diagnostics, line.others)
  const args = new Args(words, found.count, line.modifier, line.diagnostics)
  if (refusesModifier(found.entry, args)) return
  found.entry.apply(target, args)
}

/** Whether `no` or `default` stands before a keyword that does not take it, which is reported. */
export function refusesModifier<Target>(entry: Keyword<Target>, args: Args): boolean {
  if (args.modifier === undefined || entry.negatable === true) return false
  args.error('CFG_NEGATION', args.place, `'${args.modifier}' cannot stand before it`)
  return true
}

/** An entry for a keyword that HAProxy knows and sluice does not implement. */
export function unsupportedKeyword<Target>(
  name: string,
  sections: readonly KeywordSection[],
  support: 'ignored' | 'no',
  more: { readonly arity?: number; readonly strict?: boolean } = {},
): Keyword<Target> {
  return {
    name,
    sections,
    support,
    syntax: '',
    fallback: '',
    doc: '',
    since: '',
    negatable: true,
    parentheses: true,
    ...more,
    apply: (_target, args) => {
      if (args.modifier === undefined) reportUnsupported(args, support)
      args.skip(more.arity ?? args.remaining)
    },
  }
}

/**
 * Entries for many such keywords. `names` are separated by spaces; `name:2` takes two words, and each name stands
 * behind `prefix`.
 */
export function unsupportedList<Target>(
  names: string,
  sections: readonly KeywordSection[],
  support: 'ignored' | 'no',
  { prefix = '', strict = false }: { readonly prefix?: string; readonly strict?: boolean } = {},
): readonly Keyword<Target>[] {
  return names
    .trim()
    .split(/\s+/)
    .map((text) => {
      const [name = '', arity] = text.split(':')
      const more =
        sections[0] === 'bind' || sections[0] === 'server' ? { arity: Number(arity ?? 0) } : { strict }
      return unsupportedKeyword<Target>(`${prefix}${name}`, sections, support, more)
    })
}

/** Says that sluice does not implement the keyword of `args`. */
export function reportUnsupported(args: Args, support: 'ignored' | 'no'): void {
  if (support === 'ignored') {
    args.warning('CFG_KEYWORD_UNSUPPORTED', args.place, 'not implemented; it is ignored')
  } else {
    const hint = 'without it the proxy would not do what this file says'
    args.error('CFG_KEYWORD_UNSUPPORTED', args.place, 'not implemented', hint)
  }
}
