/** The matching methods (configuration.txt 7.1 `-m`), with the set of patterns that each one makes. */
import type { SampleType } from '../value.ts'
import { AddressPatterns } from './address-patterns.ts'
import { IntegerPatterns } from './integer-patterns.ts'
import type { PatternCache } from './pattern-cache.ts'
import type { PatternSet } from './pattern-set.ts'
import { RegexPatterns } from './regex-patterns.ts'
import {
  BinaryPatterns,
  EndPatterns,
  ExactPatterns,
  PrefixPatterns,
  SubstringPatterns,
} from './text-patterns.ts'
import { WordPatterns } from './word-patterns.ts'

/** What a matching method does with its samples. */
export interface MatchMethod {
  /** Samples are cast to this first. */
  readonly expects: SampleType
  /** One line for the documentation. */
  readonly doc: string
  /** Sets that are dear to ask keep what they found of late in `cache`. */
  create(ignoreCase: boolean, cache?: PatternCache): PatternSet
}

/** The name of a matching method that takes patterns; `found` and `bool` take none. */
export type MatchName = 'int' | 'ip' | 'bin' | 'len' | 'str' | 'beg' | 'end' | 'sub' | 'dir' | 'dom' | 'reg'

/** The matching methods that take patterns. */
export const matchMethods: Readonly<Record<MatchName, MatchMethod>> = {
  int: {
    expects: 'sint',
    doc: 'an integer, or a range low:high of which either end may be left out',
    create: () => new IntegerPatterns('value'),
  },
  ip: {
    expects: 'addr',
    doc: 'an IPv4 or IPv6 address or network',
    create: () => new AddressPatterns(),
  },
  bin: {
    expects: 'bin',
    doc: 'the bytes written as hex digits',
    create: () => new BinaryPatterns(),
  },
  len: {
    expects: 'str',
    doc: 'the length, as int',
    create: () => new IntegerPatterns('length'),
  },
  str: { expects: 'str', doc: 'the whole text', create: (ignoreCase) => new ExactPatterns(ignoreCase) },
  beg: {
    expects: 'str',
    doc: 'the beginning of the text; the longest pattern counts',
    create: (ignoreCase) => new PrefixPatterns(ignoreCase),
  },
  end: { expects: 'str', doc: 'the end of the text', create: (ignoreCase) => new EndPatterns(ignoreCase) },
  sub: {
    expects: 'str',
    doc: 'a part of the text',
    create: (ignoreCase, cache) => new SubstringPatterns(ignoreCase, cache),
  },
  dir: {
    expects: 'str',
    doc: 'a part of the text between / or ?',
    create: (ignoreCase, cache) => new WordPatterns('/?', ignoreCase, cache),
  },
  dom: {
    expects: 'str',
    doc: 'a part of the text between / ? . or :',
    create: (ignoreCase, cache) => new WordPatterns('/?.:', ignoreCase, cache),
  },
  reg: {
    expects: 'str',
    doc: 'a regular expression',
    create: (ignoreCase, cache) => new RegexPatterns(ignoreCase, cache),
  },
}

/** Whether a word is the name of a matching method that takes patterns. */
export function isMatchName(name: string): name is MatchName {
  return Object.hasOwn(matchMethods, name)
}
