/**
 * Sets of patterns, one class for each matching method (configuration.txt 7.1). Patterns are numbers, in the order in which
 * they were added: ACLs ask whether any matches, maps keep values by these numbers.
 */
import { Buffer } from 'node:buffer'
import type { SampleValue } from '../value.ts'

/** The patterns of one matching method. */
export interface PatternSet {
  /**
   * Adds the pattern that stands from `start` to `end` of `bytes`, in latin1: its number is how many were added before. A complaint, as
   * a string, when it does not fit.
   */
  add(bytes: Buffer, start: number, end: number): string | undefined
  /** All patterns are there: what searches need can be made ready. */
  prepare?(): void
  /** The number of the matching pattern that counts, or -1; `sample` was cast to the method's type. */
  find(sample: SampleValue): number
}

/** Adds a pattern that is a word of the configuration. */
export function addWord(set: PatternSet, word: string): string | undefined {
  const bytes = Buffer.from(word, 'latin1')
  return set.add(bytes, 0, bytes.length)
}
