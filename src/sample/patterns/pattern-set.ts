/**
 * Sets of patterns, one class for each matching method (configuration.txt 7.1). ACLs ask whether any matches; maps
 * ask for the value that belongs to the one that does.
 */
import type { SampleValue } from '../value.ts'

/** The patterns of one matching method. A value is never undefined. */
export interface PatternSet<Value> {
  /** Adds a pattern; a complaint, as a string, when it does not fit. */
  add(pattern: string, value: Value): string | undefined
  /** All patterns are there: what searches need can be made ready. */
  prepare?(): void
  /** The value of a matching pattern; `sample` was cast to the method's type. */
  find(sample: SampleValue): Value | undefined
}
