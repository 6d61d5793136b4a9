/** How a status port answers: the headers that all of its answers have, and the few forms that there are. */
import { Buffer } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * No inline script or style, nothing from elsewhere, in no frame; the filter is a form, which goes nowhere else. What the page shows comes from outside, from HAProxy's
 * clients too: should any of it become markup, it can do nothing.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

/** Headers of an answer, with those that all have. */
export function withHeaders(
  type: string,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { ...headers, 'content-type': type, ...more }
}

/** Answers with a body of its own; a HEAD gets the head alone. */
export function reply(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  more: Readonly<Record<string, string>> = {},
): void {
  const length = String(Buffer.byteLength(body))
  response.writeHead(status, withHeaders(type, { 'content-length': length, ...more }))
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** Answers with a line for people. */
export function replyText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  more: Readonly<Record<string, string>> = {},
): void {
  reply(request, response, status, 'text/plain; charset=utf-8', `${text}\n`, more)
}

/** Answers with JSON. */
export function replyJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
  more: Readonly<Record<string, string>> = {},
): void {
  reply(request, response, status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`, more)
}
