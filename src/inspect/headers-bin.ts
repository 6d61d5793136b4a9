/** `req.hdrs_bin` and `res.hdrs_bin`, as far as they can be read: pairs of name and value, each behind its length. */
import { SpopError } from '../spop/errors.ts'
import { createReader } from '../spop/frame-head.ts'
import { readStringBytes } from '../spop/string.ts'

/** A header as views of the bytes. */
export interface HeaderPair {
  readonly name: string
  readonly value: Buffer
}

/** Names of headers are tokens (RFC 9110, 5.6.2); HAProxy's pseudo headers begin with a colon. */
const token = /^[a-z0-9!#$%&'*+.^_`|~:-]+$/i

/** The pairs up to what is none. `whole`: they end with two empty strings, and nothing is behind. */
export function readHeaderPairs(bytes: Buffer): {
  readonly pairs: readonly HeaderPair[]
  readonly whole: boolean
} {
  const pairs: HeaderPair[] = []
  const reader = createReader(bytes)
  try {
    while (reader.remaining > 0) {
      const name = readStringBytes(reader).toString('latin1')
      const value = readStringBytes(reader)
      if (name === '' && value.length === 0) return { pairs, whole: reader.remaining === 0 }
      if (!token.test(name)) break
      pairs.push({ name, value })
    }
  } catch (error) {
    if (!(error instanceof SpopError)) throw error
  }
  return { pairs, whole: false }
}
