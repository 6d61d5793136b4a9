/**
 * Open pages, each fed by server-sent events. All get the same text, which is made once. Who does not read is spared
 * events, each of which has all that the next one has, and is cut off when it goes on.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { monotonic } from '../base/clock.ts'
import { replyText, withHeaders } from './replies.ts'

/** Bytes that may wait for a page: its beginning alone has ten minutes of points. */
const mostWaiting = 1_048_576
/** Who takes nothing for so long, in milliseconds, is gone. */
const patience = 30_000
/** When a browser asks again after the connection was lost, in milliseconds. */
const retry = 1000

interface Page {
  readonly response: ServerResponse
  /** When it was last seen to have read all, by the monotonic clock. */
  drained: number
}

/** An event: its name and its data, which is one line. */
export function formatEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

/** See the head of this file. */
export class EventStreams {
  readonly #most: number
  readonly #pages = new Set<Page>()

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#pages.size
  }

  /** Opens a stream that begins with `first`; with too many open it is refused. */
  open(request: IncomingMessage, response: ServerResponse, first: () => string): void {
    if (this.#pages.size >= this.#most) {
      const words = `${this.#most} pages are open already: see the option maxPages of the status port`
      return replyText(request, response, 503, words, { 'retry-after': '10' })
    }
    const page = { response, drained: monotonic() }
    this.#pages.add(page)
    response.on('close', () => this.#pages.delete(page))
    request.socket.setNoDelay(true)
    response.writeHead(200, withHeaders('text/event-stream; charset=utf-8', { 'x-accel-buffering': 'no' }))
    response.write(`retry: ${retry}\n\n${first()}`)
  }

  /** Sends an event to all pages that keep up. */
  send(event: string): void {
    const now = monotonic()
    for (const page of this.#pages) {
      const { response } = page
      const waiting = response.writableLength
      if (waiting === 0) page.drained = now
      if (now - page.drained > patience) response.destroy()
      else if (waiting + event.length <= mostWaiting) response.write(event)
    }
  }

  close(): void {
    for (const { response } of this.#pages) response.destroy()
  }
}
