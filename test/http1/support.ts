/** Reads whole messages the way the proxy does: head, then body, chunk after chunk. */
import {
  BodyDecoder,
  defaultHeadLimits,
  HeadBuffer,
  Http1Error,
  parseRequestHead,
  parseResponseHead,
  responseFraming,
} from '#src/http1/index.js'
import type { HeaderList } from '#src/http1/index.js'

export interface Outcome {
  start: string[]
  headers: [string, string][]
  body: string
  trailers: [string, string][] | undefined
  leftover: string
}

/** What came of feeding `chunks`: a message, the code of an error, or undefined when more is needed. */
export function read(chunks: readonly Buffer[], method?: string): Outcome | Http1Error | undefined {
  const buffer = new HeadBuffer(defaultHeadLimits)
  const decoder = new BodyDecoder()
  const body: Buffer[] = []
  let head: { start: string[]; headers: HeaderList } | undefined
  try {
    for (let index = 0; index < chunks.length; index++) {
      const chunk = chunks[index] as Buffer
      let at = 0
      if (head === undefined) {
        at = buffer.push(chunk, 0)
        if (at < 0) continue
        head = method === undefined ? request(buffer, decoder) : response(buffer, decoder, method)
      }
      decoder.push(chunk, at)
      for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) body.push(piece)
      if (!decoder.done) continue
      const rest = [chunk.subarray(decoder.at), ...chunks.slice(index + 1)]
      return {
        start: head.start,
        headers: [...head.headers],
        body: Buffer.concat(body).toString('latin1'),
        trailers: decoder.trailers === undefined ? undefined : [...decoder.trailers],
        leftover: Buffer.concat(rest).toString('latin1'),
      }
    }
    return undefined
  } catch (error) {
    if (error instanceof Http1Error) return error
    throw error
  }
}

function request(buffer: HeadBuffer, decoder: BodyDecoder): { start: string[]; headers: HeaderList } {
  const head = parseRequestHead(buffer.bytes, buffer.start, buffer.end)
  decoder.reset(head.framing)
  return { start: [head.method, head.target, String(head.minor)], headers: head.headers }
}

function response(
  buffer: HeadBuffer,
  decoder: BodyDecoder,
  method: string,
): { start: string[]; headers: HeaderList } {
  const head = parseResponseHead(buffer.bytes, buffer.start, buffer.end)
  decoder.reset(responseFraming(head, method))
  return { start: [String(head.minor), String(head.status), head.reason], headers: head.headers }
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** One chunk per byte. */
export const byteByByte = (whole: Buffer): Buffer[] =>
  Array.from({ length: whole.length }, (_, at) => whole.subarray(at, at + 1))
