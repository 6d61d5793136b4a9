/** The differences of the SPOE filter that are meant to be. docs/compatibility.md has each of them. */
import type { Known } from './kind.ts'
import type { SpoeCase } from './spoe-kind.ts'
import type { SpoeSetup } from './spoe-setup.ts'

export const spoeKnown: readonly Known<SpoeSetup, SpoeCase>[] = []
