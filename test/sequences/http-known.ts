/** The differences that are meant to be. docs/compatibility.md has each of them. */
import type { Sequence } from './client.ts'
import type { HttpSetup } from './http-setup.ts'
import type { Known } from './kind.ts'

export const httpKnown: readonly Known<HttpSetup, Sequence>[] = []
