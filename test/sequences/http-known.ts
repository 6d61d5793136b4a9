/** The differences that are meant to be. docs/compatibility.md has each of them. */
import type { Ask } from './ask.ts'
import type { Sequence } from './client.ts'
import type { HttpSetup } from './http-setup.ts'
import type { Difference, Known } from './kind.ts'

/** The request that a difference belongs to: its number stands in `answer 2 line`, `request 2 body`. */
function askOf({ where }: Difference, { asks }: Sequence) {
  return asks[Number(/ (\d+) /.exec(where)?.[1] ?? asks.length) - 1]
}

/** The fields of a head but for those that say how long it and its connection are. */
function withoutFraming(headers: string): string {
  return headers
    .split('\n')
    .filter((line) => !/^(?:transfer-encoding: chunked|content-length: 0|connection: .*)$/.test(line))
    .join('\n')
}

export const httpKnown: readonly Known<HttpSetup, Sequence>[] = [
  {
    name: 'a chunked response for an HTTP/1.0 client',
    link: 'docs/compatibility.md#other-differences',
    reason: 'such clients cannot read chunks: they get the content until the connection ends',
    explains: (difference, each) => {
      const { where, theirs, ours } = difference
      const chunkedForOld = ({ version, answer }: Ask) => version === '1.0' && answer.framing === 'chunked'
      // What is cut ends with a reset: there is no other way to tell.
      if (where === 'end') {
        const old = each.asks.filter(chunkedForOld)
        return (
          old.length > 0 &&
          (ours === 'closed' || (ours === 'reset' && old.some((ask) => ask.answer.end !== 'keep')))
        )
      }
      const ask = askOf(difference, each)
      if (ask === undefined || !chunkedForOld(ask)) return false
      if (/^answer \d+ body/.test(where)) return theirs === 'cut'
      if (/^answer \d+ framing/.test(where)) return theirs === 'chunked' && ours === 'close'
      if (/^answer \d+ headers/.test(where)) return withoutFraming(theirs) === withoutFraming(ours)
      return /^answer \d+ trailers/.test(where) && ours === ''
    },
  },
  {
    name: 'how an answer without a body that gets another status says so',
    link: 'docs/compatibility.md#other-differences',
    reason: 'no chunks are needed for what is known to be empty, and without either an HTTP/1.0 client waits',
    explains: ({ where, theirs, ours }, each, { frontend, backend }) => {
      const ask = askOf({ where, theirs, ours }, each)
      const changes = [...frontend, ...backend].some((line) => line.includes('set-status'))
      const bodyless = [204, 304].includes(ask?.answer.status ?? 0) || ask?.method === 'CONNECT'
      if (!changes || !bodyless) return false
      if (/^answer \d+ framing/.test(where)) return ours === 'length' && theirs !== 'none'
      return /^answer \d+ headers/.test(where) && withoutFraming(theirs) === withoutFraming(ours)
    },
  },
  {
    name: 'what Connection names, and what is about the connection alone',
    link: 'docs/compatibility.md#other-differences',
    reason: 'RFC 9110 7.6.1: an intermediary takes them out',
    explains: (difference, each) => {
      if (!/^request \d+ {2}headers/.test(difference.where)) return false
      const named =
        askOf(difference, each)?.headers.flatMap((line) => /^Connection: (.*)/.exec(line)?.slice(1) ?? []) ??
        []
      const hop = ['connection', 'keep-alive', 'te', ...named.map((name) => name.toLowerCase())]
      const rest = (text: string) =>
        text
          .split('\n')
          .filter((line) => !hop.includes(line.split(':')[0] ?? ''))
          .join()
      return rest(difference.theirs) === rest(difference.ours)
    },
  },
  {
    name: 'a reply of the rules to a body that is large, or comes in pieces',
    link: 'docs/compatibility.md#other-differences',
    reason: 'HAProxy closes when it has not seen the end of it by then',
    explains: (difference, each) => {
      const isUnseen = ({ size, pieces, framing }: Ask) =>
        size >= 4000 || (framing !== 'none' && pieces !== 'whole')
      const ask = askOf(difference, each)
      const { where, theirs } = difference
      const isCut =
        (/^request \d+ {2}(?:body|trailers)/.test(where) && theirs === 'cut') ||
        (/^request \d+ {2}trailers/.test(where) && theirs === '')
      if (isCut && ask !== undefined && isUnseen(ask)) return true
      return [...each.asks.entries()].some(([at, one]) => isUnseen(one) && endsEarlier(difference, at))
    },
  },
  {
    name: 'an answer that ends the connection while more requests stand behind',
    link: 'docs/compatibility.md#other-differences',
    reason: 'HAProxy closes with bytes unread, and the reset may overtake the answer',
    explains: ({ where, theirs, ours }, { asks }) => {
      return asks.some(({ waits }, at) => {
        if (waits) return false
        if (where === 'answers') return Number(theirs) === at && Number(ours) === at + 1
        if (where === 'end') return theirs === 'reset' && ours === 'closed'
        return where.startsWith(`answer ${at + 1} `) && theirs === 'none'
      })
    },
  },
  {
    name: 'the rest of a body for an origin that has answered and gone',
    link: 'docs/compatibility.md#other-differences',
    reason: 'nobody reads it',
    explains: (difference, each) => {
      const ask = askOf(difference, each)
      const gone = ({ answer }: Ask) => answer.when === 'early' && !['keep', 'extra'].includes(answer.end)
      if (ask !== undefined && gone(ask) && /^request \d+ {2}(?:body|trailers)/.test(difference.where))
        return true
      // When what it sends is answered with a reset, HAProxy closes behind the answer.
      return [...each.asks.entries()].some(
        ([at, one]) => gone(one) && one.size > 0 && endsEarlier(difference, at),
      )
    },
  },
  {
    name: 'an answer with status 1xx for an HTTP/1.0 client',
    link: 'docs/compatibility.md#other-differences',
    reason: 'RFC 9110 15.2: such clients do not know them',
    explains: (difference, each) => {
      const ask = askOf(difference, each)
      if (ask?.version !== '1.0') return false
      if (/ interim/.test(difference.where)) return difference.ours === ''
      // One that expects `100 Continue` sends its body when the server's has come through, else some time later.
      const early = ask.expect && ask.answer.when === 'early' && ask.answer.interim.length > 0
      return early && /^request \d+ {2}body/.test(difference.where) && difference.ours === 'cut'
    },
  },
  {
    name: 'pipelined requests whose client has ended its side',
    link: 'docs/compatibility.md#other-differences',
    reason: 'they were sent: HAProxy may leave those behind the first unanswered',
    explains: (difference, { asks, end }) => {
      const first = asks.findIndex(({ waits }) => !waits)
      if (end !== 'fin' || first < 0) return false
      return asks.some((_, at) => at >= first && missesBehind(difference, at + 1))
    },
  },
  {
    name: 'a kept connection to a server that dies before the answer',
    link: 'docs/compatibility.md#other-differences',
    reason: 'the request is asked again where that is safe, else it is answered: never a silent end',
    explains: (difference, each) => {
      const dies = (end: string) => ['drop', 'head-cut', 'reset'].includes(end)
      // An answer without a body is whole before the connection dies: it is the next request that is lost.
      const empty = ({ method, answer }: Ask) => method === 'HEAD' || [204, 304].includes(answer.status)
      return [...each.asks.entries()].some(
        ([at, ask]) =>
          dies(ask.answer.end) &&
          (differsBehind(difference, each, at) || (empty(ask) && differsBehind(difference, each, at + 1))),
      )
    },
  },
]

/** What follows when HAProxy ends its connection behind the answer to that request, and we go on. */
function endsEarlier({ where, theirs, ours }: Difference, at: number): boolean {
  const number = Number(/ (\d+) /.exec(where)?.[1] ?? 0)
  if (where === 'answers') return Number(theirs) === at + 1
  if (where === 'end') return theirs === 'closed'
  if (where === 'rest') return theirs === ''
  if (where === `answer ${at + 1} headers`) return theirs === `${ours}\nconnection: close`.trimStart()
  return number > at + 1 && (theirs === 'none' || theirs === '0' || theirs === '')
}

/** What follows when HAProxy answers the first `answered` requests, and we all of them. */
function missesBehind({ where, theirs, ours }: Difference, answered: number): boolean {
  const number = Number(/ (\d+) /.exec(where)?.[1] ?? 0)
  if (where === 'answers') return Number(theirs) === answered && Number(ours) > answered
  if (where.endsWith(' arrived')) return number > answered && theirs === '0' && ours === '1'
  return number > answered && (theirs === 'none' || theirs === '')
}

/** What follows when HAProxy ends the connection and we answer: the requests from `dying` on are answered by us alone. */
function differsBehind({ where, theirs, ours }: Difference, { asks }: Sequence, dying: number): boolean {
  const number = Number(/ (\d+) /.exec(where)?.[1] ?? 0)
  if (where === 'answers') return Number(theirs) === dying && Number(ours) > dying
  if (where === 'end') return theirs === 'closed'
  if (where === 'rest') return theirs === ''
  if (where.startsWith('answer ')) return number > dying && theirs === 'none'
  if (!where.startsWith('request ') || number <= dying) return false
  const ask = asks[number - 1]
  const again =
    // What was sent of its body is held.
    ask?.answer.end === 'drop' && ask.size <= 4000 && ask.method !== 'POST' && ask.method !== 'PATCH'
  return where.endsWith(' arrived') ? theirs === '0' || (again && ours === '2') : number > dying + 1
}
