/** The differences that are meant to be. docs/compatibility.md has each of them. */
import type { Sequence } from './client.ts'
import type { HttpSetup } from './http-setup.ts'
import type { Difference, Known } from './kind.ts'

/** The request that a difference belongs to: its number stands in `answer 2 line`, `request 2 body`. */
function askOf({ where }: Difference, { asks }: Sequence) {
  return asks[Number(/ (\d+) /.exec(where)?.[1] ?? asks.length) - 1]
}

export const httpKnown: readonly Known<HttpSetup, Sequence>[] = [
  {
    name: 'a chunked response for an HTTP/1.0 client',
    link: 'docs/compatibility.md#other-differences',
    reason: 'such clients cannot read chunks: they get the content until the connection ends',
    explains: (difference, each) => {
      const ask = askOf(difference, each)
      const { where, theirs, ours } = difference
      if (ask?.version !== '1.0' || ask.answer.framing !== 'chunked') return false
      if (/^answer \d+ framing/.test(where)) return theirs === 'chunked' && ours === 'close'
      if (/^answer \d+ headers/.test(where))
        return (
          theirs.replace('\ntransfer-encoding: chunked', '') === ours ||
          theirs.replace('transfer-encoding: chunked\n', '') === ours
        )
      return /^answer \d+ trailers/.test(where) && ours === ''
    },
  },
]
