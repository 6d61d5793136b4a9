import { Buffer } from 'node:buffer'

/**
 * The same text in one piece: what V8 has joined it walks through piece by piece each time it is written. For text that is kept,
 * and whole: half a surrogate pair becomes U+FFFD.
 */
export function flatText(text: string): string {
  return Buffer.from(text).toString()
}
