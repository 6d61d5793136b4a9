/** A request of a sequence, and the bytes that it is. */
import { chunksOf, contentOf, formatAnswer } from './answer.ts'
import type { Answer } from './answer.ts'

/** See the head of this file. */
export interface Ask {
  readonly method: string
  readonly target: string
  readonly version: '1.0' | '1.1'
  /** Fields of the head beside Host, the framing and what the origin needs. */
  readonly headers: readonly string[]
  readonly framing: 'none' | 'length' | 'chunked'
  readonly size: number
  /** Fields behind the last chunk. */
  readonly trailers: boolean
  /** `Expect: 100-continue`: the body is sent after an answer to the head, or a moment later. */
  readonly expect: boolean
  /** In which pieces it is sent, with a pause between them; `half` never sends the rest. */
  readonly pieces: 'whole' | 'body-later' | 'torn' | 'half'
  /** Whether the next request waits for this one's answer. */
  readonly waits: boolean
  /** What is sent once the protocol is another one. */
  readonly tunnel: string
  readonly answer: Answer
}

/** Something to send, and how long to wait afterwards. */
export interface AskPiece {
  readonly text: string
  readonly pause: number
  /** Waits for an answer to what was sent, `100 Continue` or a final one, as a client that expects it does. */
  readonly listens?: boolean
}

const pause = 25

/** What is sent, in order. */
export function askPieces(ask: Ask, id: string): AskPiece[] {
  const head = askHead(ask, id)
  const body = bodyOf(ask, id)
  if (ask.pieces === 'half') return [{ text: head + body.slice(0, Math.floor(body.length / 2)), pause: 0 }]
  if (ask.expect && body !== '') return [{ text: head, pause: 0, listens: true }, ...torn(body, [], 0)]
  if (ask.pieces === 'whole' || (ask.pieces === 'body-later' && body === '')) return torn(head + body, [], 0)
  if (ask.pieces === 'body-later') {
    return torn(head + body, [head.length, head.length + Math.floor(body.length / 2)], pause)
  }
  return torn(head + body, [9, head.length - 2, head.length + Math.floor(body.length / 3)], pause)
}

/** The text in pieces that end at `cuts`. */
function torn(text: string, cuts: readonly number[], between: number): AskPiece[] {
  return [...cuts, text.length]
    .map((cut, at, all) => ({ text: text.slice(at === 0 ? 0 : all[at - 1], cut), pause: between }))
    .filter((piece) => piece.text !== '')
}

function askHead(ask: Ask, id: string): string {
  const lines = [`${ask.method} ${ask.target} HTTP/${ask.version}`, `Host: ${hostOf(ask)}`]
  lines.push(`X-Id: ${id}`, `X-Answer: ${formatAnswer(ask.answer)}`, ...ask.headers)
  if (ask.framing === 'length') lines.push(`Content-Length: ${bodyOf(ask, id).length}`)
  if (ask.framing === 'chunked') lines.push('Transfer-Encoding: chunked')
  if (ask.expect) lines.push('Expect: 100-continue')
  return `${lines.join('\r\n')}\r\n\r\n`
}

function hostOf(ask: Ask): string {
  if (ask.method === 'CONNECT') return ask.target
  return /^http:\/\/([^/]*)/.exec(ask.target)?.[1] ?? 'a.example'
}

function bodyOf(ask: Ask, id: string): string {
  if (ask.framing === 'none') return ''
  // The id in the body shows whose it is when bodies are mixed up.
  const content = `id=${id}&${contentOf(ask.size)}`.slice(0, ask.size)
  return ask.framing === 'length' ? content : chunksOf(content, ask.trailers)
}
