/**
 * How the origin answers a request. The request says it itself, in the header `X-Answer`, so that what a failing
 * sequence prints is all that one needs to send it again.
 */
import type { Random } from './random.ts'

/** See the head of this file. */
export interface Answer {
  readonly status: number
  /** How the body is delimited; `none`: there is no body and nothing says so (204, 304, HEAD). */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  readonly size: number
  /** Fields behind the last chunk. */
  readonly trailers: boolean
  readonly version: '1.0' | '1.1'
  /** Answers with status 1xx before it. */
  readonly interim: readonly number[]
  /** early: as soon as the request's head is there; slow: some time after all of it is. */
  readonly when: 'now' | 'early' | 'slow'
  /** In which pieces it is written, with a pause between them. */
  readonly pieces: 'whole' | 'body-later' | 'torn'
  /**
   * What happens behind it: `say-close` announces the end, `close` just closes, `cut` and `reset` break it off in the
   * middle of the body, `head-cut` in the middle of the head, `drop` closes without a byte, `garbage` is no response,
   * `extra` sends a response that nobody asked for.
   */
  readonly end: 'keep' | 'say-close' | 'close' | 'cut' | 'reset' | 'head-cut' | 'drop' | 'garbage' | 'extra'
  /** Fields of the head beside those of the framing. */
  readonly headers: readonly string[]
}

const fields = ['X-O: 1', 'X-O: 2', 'Set-Cookie: a=b', 'Cache-Control: no-store', 'X-Multi: o', 'Server: o']

/** A plain answer: what others are a departure from. */
export const plainAnswer: Answer = {
  status: 200,
  framing: 'length',
  size: 2,
  trailers: false,
  version: '1.1',
  interim: [],
  when: 'now',
  pieces: 'whole',
  end: 'keep',
  headers: [],
}

/** An answer to a request with that method. */
export function randomAnswer(random: Random, method: string): Answer {
  const status = Number(
    random.weighted({ 200: 50, 201: 4, 204: 10, 304: 10, 404: 6, 500: 4, 206: 2, 401: 2, 302: 2, 503: 2 }),
  )
  const bodyless = status === 204 || status === 304 || method === 'HEAD'
  const framing = bodyless
    ? status === 204
      ? 'none'
      : random.weighted({ none: 50, length: 40, chunked: 10 })
    : random.weighted({ length: 55, chunked: 33, close: 12 })
  const end = random.weighted({
    keep: 84,
    'say-close': 5,
    close: 3,
    cut: 2,
    reset: 1,
    'head-cut': 1,
    drop: 1,
    garbage: 1,
    extra: 1,
  })
  return {
    status,
    framing,
    size: random.pick([0, 0, 1, 2, 5, 40, 300, 300, random.between(0, 40_000)]),
    trailers: framing === 'chunked' && random.chance(25),
    // With chunks it is refused: docs/compatibility.md.
    version: random.chance(5) && framing !== 'chunked' ? '1.0' : '1.1',
    interim: random.chance(8) ? random.pick([[100], [102], [103], [103, 103], [100, 103]]) : [],
    when: random.weighted({ now: 70, early: 15, slow: 15 }),
    pieces: random.weighted({ whole: 60, 'body-later': 25, torn: 15 }),
    end: framing === 'close' && end === 'keep' ? 'close' : end,
    headers: random.some(fields, random.pick([0, 0, 1, 2, 6])),
  }
}

/** As it stands in `X-Answer`: `200 length=2 slow torn`, each word only where it is not the plain answer's. */
export function formatAnswer(answer: Answer): string {
  const words = [String(answer.status), `${answer.framing}=${answer.size}`]
  if (answer.trailers) words.push('trailers')
  if (answer.version === '1.0') words.push('HTTP/1.0')
  if (answer.interim.length > 0) words.push(`after=${answer.interim.join('+')}`)
  if (answer.when !== 'now') words.push(answer.when)
  if (answer.pieces !== 'whole') words.push(answer.pieces)
  if (answer.end !== 'keep') words.push(answer.end)
  if (answer.headers.length > 0)
    words.push(`fields=${answer.headers.map((each) => fields.indexOf(each)).join('+')}`)
  return words.join(' ')
}

/** Reads what {@link formatAnswer} wrote. */
export function parseAnswer(text: string): Answer {
  const [status = '200', body = 'length=0', ...words] = text.split(' ')
  const [framing, size] = body.split('=')
  const numbers = (name: string): number[] => {
    const found = words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
    return found === undefined ? [] : found.split('+').map(Number)
  }
  const one = <Word extends string>(all: readonly Word[], otherwise: Word): Word =>
    all.find((word) => words.includes(word)) ?? otherwise
  return {
    status: Number(status),
    framing: framing as Answer['framing'],
    size: Number(size),
    trailers: words.includes('trailers'),
    version: words.includes('HTTP/1.0') ? '1.0' : '1.1',
    interim: numbers('after'),
    when: one(['early', 'slow'], 'now'),
    pieces: one(['body-later', 'torn'], 'whole'),
    end: one(['say-close', 'close', 'cut', 'reset', 'head-cut', 'drop', 'garbage', 'extra'], 'keep'),
    headers: numbers('fields').flatMap((at) => fields[at] ?? []),
  }
}

/** Something to write, and how long to wait first. */
export interface Piece {
  readonly text: string
  readonly pause: number
}

/** How the connection goes on behind an answer. */
export type AnswerEnd = 'keep' | 'close' | 'reset'

const pause = 25

/** What the origin writes for an answer, in order; interim answers are not in it. */
export function answerPieces(answer: Answer, method: string): { pieces: Piece[]; end: AnswerEnd } {
  if (answer.end === 'drop') return { pieces: [], end: 'close' }
  if (answer.end === 'garbage') return { pieces: [{ text: 'foo bar\r\n\r\n', pause: 0 }], end: 'close' }
  const { head, body } = answerText(answer, method)
  const end = answer.end === 'reset' ? 'reset' : ['keep', 'extra'].includes(answer.end) ? 'keep' : 'close'
  if (answer.end === 'head-cut') return { pieces: [{ text: head.slice(0, -9), pause: 0 }], end }
  const cut = answer.end === 'cut' || answer.end === 'reset'
  const sent = cut ? body.slice(0, Math.floor(body.length / 2)) : body
  const pieces = split(head, sent, answer.pieces)
  if (answer.end === 'extra') {
    pieces.push({ text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-O: extra\r\n\r\nextra', pause: 0 })
  }
  return { pieces, end }
}

function split(head: string, body: string, how: Answer['pieces']): Piece[] {
  if (how === 'whole' || (how === 'body-later' && body === '')) return [{ text: head + body, pause: 0 }]
  if (how === 'body-later') {
    const half = Math.ceil(body.length / 2)
    return [
      { text: head, pause: 0 },
      { text: body.slice(0, half), pause },
      ...(half < body.length ? [{ text: body.slice(half), pause }] : []),
    ]
  }
  const all = head + body
  const cuts = [Math.floor(head.length / 2), head.length - 1, head.length + Math.floor(body.length / 3)]
  return cuts
    .map((cut, at) => ({ text: all.slice(at === 0 ? 0 : cuts[at - 1], cut), pause: at === 0 ? 0 : pause }))
    .concat({ text: all.slice(cuts.at(-1)), pause })
    .filter(({ text }) => text !== '')
}

function answerText(answer: Answer, method: string): { head: string; body: string } {
  const lines = [`HTTP/${answer.version} ${answer.status} Reason`, ...answer.headers]
  const content = contentOf(answer.size)
  if (answer.framing === 'length') lines.push(`Content-Length: ${answer.size}`)
  if (answer.framing === 'chunked') lines.push('Transfer-Encoding: chunked')
  if (answer.status === 101) lines.push('Connection: Upgrade', 'Upgrade: foo')
  if (answer.end === 'say-close') lines.push('Connection: close')
  if (answer.version === '1.0' && answer.end === 'keep') lines.push('Connection: keep-alive')
  const head = `${lines.join('\r\n')}\r\n\r\n`
  const { status } = answer
  if (method === 'HEAD' || [101, 204, 304].includes(status) || answer.framing === 'none')
    return { head, body: '' }
  return { head, body: answer.framing === 'chunked' ? chunksOf(content, answer.trailers) : content }
}

/** Text of that length in which a missing or moved byte is seen. */
export function contentOf(size: number): string {
  let text = ''
  for (let at = 0; text.length < size; at++) text += `${at},`
  return text.slice(0, size)
}

/** In three chunks, where there are so many bytes. */
export function chunksOf(content: string, trailers: boolean): string {
  const third = Math.ceil(content.length / 3)
  const chunks = [content.slice(0, third), content.slice(third, 2 * third), content.slice(2 * third)]
  const body = chunks
    .filter((chunk) => chunk !== '')
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    .join('')
  return `${body}0\r\n${trailers ? 'X-Trailer: 1\r\n' : ''}\r\n`
}
