/**
 * For tests of bytes that are lent: they spoil the memory that sockets are read into as soon as a callback has returned, and
 * have many clients say things that nobody can mistake for each other. What they ask is in lent-judges.ts.
 */
import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { lentMemory } from '#src/base/lent.js'
import { until } from '../support/until.ts'
import { rawClient } from './support.js'
import type { Cleanup } from './support.js'

/** Writes over what was read, behind each callback and before the ticks that it asked for, until the test ends. */
export function spoil(t: Cleanup): void {
  const hook = createHook({ after: () => void lentMemory.fill('!') }).enable()
  t.after(() => void hook.disable())
}

const bodies = new Map<number, string>()

/** No two parts of it are the same, nor those of two ids. */
export function bodyOf(id: number, size: number): string {
  let text = bodies.get(id) ?? ''
  if (text.length < size) {
    const parts: string[] = []
    for (let at = 0, length = 0; length < size; at++)
      length += parts[parts.push(`${id}:${at}, `) - 1]?.length ?? 0
    text = parts.join('')
    bodies.set(id, text)
  }
  return text.slice(0, size)
}

/** Text in pieces of these sizes, again and again. */
export function cut(text: string, ...sizes: readonly number[]): string[] {
  const pieces: string[] = []
  for (let at = 0, index = 0; at < text.length; index++) {
    const size = sizes[index % sizes.length] ?? text.length
    pieces.push(text.slice(at, (at += size)))
  }
  return pieces
}

/** As the body of a chunked message. */
export const chunksOf = (body: string, ...sizes: readonly number[]): string =>
  `${cut(body, ...sizes)
    .map((each) => `${each.length.toString(16)}\r\n${each}\r\n`)
    .join('')}0\r\n\r\n`

/** Each in a turn of its own. */
export function writeParts(socket: Socket, parts: readonly string[], at = 0): void {
  const part = parts[at]
  if (part === undefined || socket.destroyed) return
  socket.write(Buffer.from(part, 'latin1'))
  setImmediate(() => writeParts(socket, parts, at + 1))
}

/** What one request is, and what its answer is to be. */
export interface Wanted {
  readonly id: number
  /** Of the body that the request has. */
  readonly size: number
  /** Of the body that is asked for. */
  readonly answer: number
  readonly method?: string
}

/** As many as make a head of which copies are kept. */
export const fields = Array.from({ length: 20 }, (_, at) => `X-Field-${at}: value ${at}\r\n`).join('')

/** How a client says it. */
export const forms: Readonly<Record<string, (wanted: Wanted, last: boolean) => string>> = {
  'with a length': (wanted, last) =>
    `${headOf(wanted, last)}Content-Length: ${wanted.size}\r\n\r\n${bodyOf(wanted.id, wanted.size)}`,
  'in chunks': (wanted, last) =>
    `${headOf(wanted, last)}Transfer-Encoding: chunked\r\n\r\n${chunksOf(bodyOf(wanted.id, wanted.size), 1, 700, 7000)}`,
  'with Expect': (wanted, last) =>
    `${headOf(wanted, last)}Expect: 100-continue\r\nContent-Length: ${wanted.size}\r\n\r\n${bodyOf(wanted.id, wanted.size)}`,
  'with many fields': (wanted, last) =>
    `${headOf(wanted, last)}${fields}Content-Length: ${wanted.size}\r\n\r\n${bodyOf(wanted.id, wanted.size)}`,
}

function headOf({ id, size, answer, method = 'PUT' }: Wanted, last: boolean): string {
  const connection = last ? 'Connection: close\r\n' : ''
  return `${method} /${id}/${size}/${answer} HTTP/1.1\r\nHost: a\r\nX-Id: ${id}\r\n${connection}`
}

/** What a server saw of a request, in words. */
export function verdictOn({ id, size }: Wanted, body: string): string {
  const whole = bodyOf(id, size)
  if (body === whole) return 'right'
  let at = 0
  while (at < body.length && body[at] === whole[at]) at++
  return `${body.length} bytes of ${size}; wrong from ${at} on; ${JSON.stringify(body.slice(at, at + 40))}`
}

/** An answer as a client reads it. */
export interface Answer {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** The answers in all that a client has received, those with 1xx left out; no body follows those to HEAD. */
export function answersIn(received: string, methods: readonly string[]): Answer[] {
  const found: Answer[] = []
  for (let at = 0; at < received.length;) {
    const bodyAt = received.indexOf('\r\n\r\n', at) + 4
    assert.ok(bodyAt > 3, `a head in ${JSON.stringify(received.slice(at, at + 200))}`)
    const [line = '', ...lines] = received.slice(at, bodyAt - 4).split('\r\n')
    const status = /^HTTP\/1\.1 (\d{3})/.exec(line)?.[1]
    assert.ok(status !== undefined, `a status in ${JSON.stringify(received.slice(at, at + 200))}`)
    const headers = new Map(
      lines.map(
        (each) =>
          [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()] as const,
      ),
    )
    at = bodyAt
    if (status === '100') continue
    const parts: string[] = []
    const isHead = methods[found.length] === 'HEAD'
    if (isHead) at = bodyAt
    else if (headers.get('transfer-encoding') === 'chunked') {
      for (let size = -1; size !== 0;) {
        const end = received.indexOf('\r\n', at)
        size = Number.parseInt(received.slice(at, end), 16)
        assert.ok(size >= 0, `a chunk in ${JSON.stringify(received.slice(at, at + 40))}`)
        parts.push(received.slice(end + 2, end + 2 + size))
        at = end + 4 + size
      }
    } else {
      const length = headers.get('content-length')
      const end = length === undefined ? received.length : bodyAt + Number(length)
      parts.push(received.slice(bodyAt, end))
      at = end
    }
    found.push({ status: Number(status), headers, body: parts.join('') })
  }
  return found
}

/** What one client says on its connection, and how it is cut. */
export interface Conversation {
  readonly requests: readonly (Wanted & { readonly form: string })[]
  readonly sizes: readonly number[]
  /** How long it does not read, and then slowly, in milliseconds. @default 0 */
  readonly late?: number
}

const textOf = ({ requests }: Conversation): string =>
  requests.map((each, at) => forms[each.form]?.(each, at === requests.length - 1) ?? '').join('')

/** Begins it, and is gone after `count` bytes, or when the first answer comes. */
export async function breakOff(
  t: Cleanup,
  place: number | string,
  said: Conversation,
  count: number,
): Promise<void> {
  const client = rawClient(t, place)
  writeParts(client.socket, cut(textOf(said).slice(0, count), ...said.sizes))
  const isGone = (): boolean => client.socket.bytesWritten >= count || client.received !== '' || client.closed
  await until(isGone, 'what it says')
  if (typeof place === 'string') client.destroy()
  else client.socket.resetAndDestroy()
}

/** Reads nothing at first, then a piece at a time: whoever writes to it is stopped again and again. */
function readSlowly(socket: Socket, late: number): void {
  socket.pause()
  socket.on('data', () => {
    socket.pause()
    setTimeout(() => socket.resume(), 1)
  })
  socket.pause()
  setTimeout(() => socket.resume(), late)
}

/** Has it, and looks at each answer; `check` looks further. */
export async function converse(
  t: Cleanup,
  place: number | string,
  said: Conversation,
  check: (answer: Answer, wanted: Wanted) => void = () => {},
): Promise<void> {
  const { requests, sizes, late = 0 } = said
  const client = rawClient(t, place)
  client.socket.setNoDelay(true)
  writeParts(client.socket, cut(textOf(said), ...sizes))
  if (late > 0) readSlowly(client.socket, late)
  const received = await client.untilEnd()
  const methods = requests.map(({ method = 'PUT' }) => method)
  const got = answersIn(received, methods)
  assert.equal(got.length, requests.length, received.slice(0, 300))
  for (const [at, answer] of got.entries()) {
    const wanted = requests[at] ?? assert.fail()
    const about = `${wanted.form}, ${wanted.size} bytes, ${wanted.answer} back, cut at ${sizes.join(' ')}`
    assert.equal(answer.headers.get('x-verdict'), 'right', `${about}: ${answer.status}`)
    assert.equal(answer.headers.get('x-id'), String(wanted.id), about)
    const body = methods[at] === 'HEAD' ? '' : bodyOf(wanted.id, wanted.answer)
    assert.ok(
      answer.body === body,
      `the answer: ${about}; ${verdictOn({ ...wanted, size: wanted.answer }, answer.body)}`,
    )
    check(answer, wanted)
  }
}
