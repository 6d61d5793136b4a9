/** Random sequences of HTTP requests on a kept connection, and smaller ones made of them. */
import { plainAnswer, randomAnswer } from './answer.ts'
import type { Ask } from './ask.ts'
import type { Sequence } from './client.ts'
import type { HttpSetup } from './http-setup.ts'
import type { Random } from './random.ts'

const fields = [
  'X-Cond: 1',
  'X-Cond: 2',
  'X-Multi: a',
  'X-Multi: b',
  'Accept: */*',
  'Cookie: a=b; c=d',
  'User-Agent: sequences',
]

/** What others are a departure from. */
export const plainAsk: Ask = {
  method: 'GET',
  target: '/',
  version: '1.1',
  headers: [],
  framing: 'none',
  size: 0,
  trailers: false,
  expect: false,
  pieces: 'whole',
  waits: true,
  tunnel: '',
  answer: plainAnswer,
}

export function randomSequence(random: Random, setup: HttpSetup): Sequence {
  const count = random.pick([1, 2, 2, 3, 3, 3, 4, 5])
  const pipelines = random.chance(15)
  const asks = Array.from({ length: count }, () => {
    const ask = randomAsk(random)
    return pipelines && !ask.expect && ask.pieces !== 'half' ? { ...ask, waits: random.chance(30) } : ask
  })
  if (random.chance(6)) {
    const rules = [...setup.frontend, ...setup.backend].join()
    // Rules that answer it, or change its target, are no help to anybody.
    if (random.chance(50) && !/return status 20|set-path|set-query|set-status/.test(rules))
      asks.push(connectAsk(random))
    else if (!rules.includes('set-status')) asks.push(upgradeAsk(random))
  }
  const end = random.weighted({ hold: 80, fin: 17, reset: 3 })
  const steadied = asks.map((ask, at) => {
    const steadily = steady(ask, setup)
    // Who expects `100 Continue` would take the answer to an earlier request for it.
    return asks[at + 1]?.expect === true ? { ...steadily, waits: true } : steadily
  })
  const last = steadied.at(-1)
  // With abortonclose the end of a client that waits is a matter of time.
  if (end !== 'hold' && last !== undefined) steadied.splice(-1, 1, { ...last, waits: true })
  return { asks: steadied, end }
}

/** Without what HAProxy 2.6.12 does now in one way, now in another. */
function steady(ask: Ask, setup: HttpSetup): Ask {
  const { answer } = ask
  const lines = [...setup.defaults, ...setup.frontend, ...setup.backend]
  // It changes the status of 1xx answers as well, and then takes them for final ones.
  const rewrites = lines.some((line) => /after-response set-status/.test(line))
  // What is wrong behind them may overtake them.
  const breaks = ['garbage', 'drop', 'head-cut', 'reset', 'cut'].includes(answer.end)
  const interim = rewrites || breaks ? [] : answer.interim
  // It may take a response that nobody asked for as the answer to somebody else.
  const shares = lines.some((line) => /http-reuse (?:aggressive|always)/.test(line))
  const plainEnd = answer.framing === 'close' ? 'close' : 'keep'
  const end = answer.end === 'extra' && (shares || answer.framing === 'close') ? plainEnd : answer.end
  // It announces the length of a body that is not there, or says of HTTP/1.0 that it goes on: the client waits.
  const sets = lines.some((line) => line.includes('set-status'))
  const version = sets && [204, 304].includes(answer.status) ? '1.1' : answer.version
  const framing = sets && answer.status === 304 && answer.framing === 'length' ? 'none' : answer.framing
  // How much of a body a rule sees that is larger than a buffer is not the same.
  const sees = (side: RegExp) => [...lines, ...setup.spoe].some((line) => side.test(line))
  // An agent's delay decides how much of a body a rule sees.
  const looks = (side: RegExp) => setup.spoe.length > 0 && sees(side)
  // Without waiting for it, the same goes for pieces that come close together.
  const early =
    sees(/req\.body|http-request (?:deny|return|redirect)/) && !lines.includes('option http-buffer-request')
  // What follows differs when the connection goes on for one and not for the other (http-known.ts).
  const ends = ask.version === '1.0' && answer.framing === 'chunked'
  return {
    ...ask,
    headers: ends ? ask.headers.filter((line) => line !== 'Connection: keep-alive') : ask.headers,
    size: sees(/req\.body/) ? ask.size % 8000 : ask.size,
    pieces: (looks(/req\.body/) || early) && ask.pieces !== 'half' ? 'whole' : ask.pieces,
    // Whether the next request is sent before the end of the connection is seen.
    waits: ask.waits || ['close', 'extra', 'cut'].includes(answer.end),
    answer: {
      ...answer,
      interim,
      end,
      framing,
      version,
      size: sees(/res\.body/) ? answer.size % 8000 : answer.size,
      pieces: looks(/res\.body/) ? 'whole' : answer.pieces,
      // It may end a body early that is large, or comes in pieces, behind a 1xx answer.
      ...(interim.length > 0 ? { pieces: 'whole', size: answer.size % 300 } : {}),
    },
  }
}

function randomAsk(random: Random): Ask {
  const method = random.weighted({ GET: 45, POST: 25, HEAD: 10, PUT: 8, DELETE: 6, OPTIONS: 4, PATCH: 2 })
  const carries = ['POST', 'PUT', 'PATCH'].includes(method) ? 90 : 8
  const framing = random.chance(carries) ? random.weighted({ length: 60, chunked: 40 }) : 'none'
  const size = framing === 'none' ? 0 : random.pick([0, 1, 5, 20, 20, 300, random.between(0, 60_000)])
  return {
    method,
    target: targetOf(random, method),
    version: random.chance(6) && framing !== 'chunked' ? '1.0' : '1.1',
    headers: [...random.some(fields, random.pick([0, 1, 1, 2, 3])), ...connectionFields(random)],
    framing,
    size,
    trailers: framing === 'chunked' && random.chance(20),
    expect: size > 0 && random.chance(10),
    pieces:
      framing !== 'none' && random.chance(2)
        ? 'half'
        : random.weighted({ whole: 65, 'body-later': 20, torn: 15 }),
    waits: true,
    tunnel: '',
    answer: randomAnswer(random, method),
  }
}

function targetOf(random: Random, method: string): string {
  if (method === 'OPTIONS' && random.chance(30)) return '*'
  const path = random.pick(['/', '/a', '/a/b', '/c', '/c/b', '/d?q=1', '/a?q=2', '//x'])
  return random.chance(5) ? `http://abs.example${path}` : path
}

function connectionFields(random: Random): string[] {
  if (random.chance(88)) return []
  return random.pick([
    ['Connection: close'],
    ['Connection: keep-alive'],
    ['Connection: keep-alive'],
    ['TE: trailers'],
    ['Connection: Upgrade', 'Upgrade: foo'],
  ])
}

function connectAsk(random: Random): Ask {
  const answer = random.chance(70)
    ? { ...plainAnswer, framing: 'none' as const }
    : { ...plainAnswer, status: 403 }
  return { ...plainAsk, method: 'CONNECT', target: 'a.example:8080', tunnel: 'through', answer }
}

function upgradeAsk(random: Random): Ask {
  const answer = random.chance(70)
    ? { ...plainAnswer, status: 101, framing: 'none' as const }
    : randomAnswer(random, 'GET')
  return { ...plainAsk, headers: ['Connection: Upgrade', 'Upgrade: foo'], tunnel: 'through', answer }
}

/** The same with less. */
export function* smallerSequences(sequence: Sequence): Generator<Sequence> {
  const { asks } = sequence
  if (asks.length > 2)
    yield* [0, 1].map((at) => ({ ...sequence, asks: [asks[at]].flatMap((ask) => ask ?? []) }))
  if (asks.length > 1) for (const at of asks.keys()) yield { ...sequence, asks: asks.toSpliced(at, 1) }
  for (const [at, ask] of asks.entries()) {
    if (ask !== plainAsk) yield { ...sequence, asks: asks.with(at, plainAsk) }
    if (ask.answer !== plainAnswer) {
      yield { ...sequence, asks: asks.with(at, { ...plainAsk, answer: ask.answer }) }
      yield { ...sequence, asks: asks.with(at, { ...ask, answer: plainAnswer }) }
    }
  }
  if (sequence.end !== 'hold') yield { ...sequence, end: 'hold' }
  for (const [at, ask] of asks.entries()) {
    for (const smaller of smallerAsks(ask)) yield { ...sequence, asks: asks.with(at, smaller) }
  }
}

/** Towards the plain request and the plain answer, one step at a time. */
function* smallerAsks(ask: Ask): Generator<Ask> {
  for (const answer of towards(ask.answer, plainAnswer)) {
    // What goes on until the connection ends must end.
    if (answer.framing !== 'close' || answer.end !== 'keep') yield { ...ask, answer }
  }
  if (ask.answer.size > 2) yield { ...ask, answer: { ...ask.answer, size: 2 } }
  for (const at of ask.headers.keys()) yield { ...ask, headers: ask.headers.toSpliced(at, 1) }
  if (ask.framing !== 'none') {
    yield { ...ask, framing: 'none', size: 0, trailers: false, expect: false }
    yield { ...ask, framing: 'length', trailers: false }
    for (const size of [0, 5, 20]) if (size < ask.size) yield { ...ask, size }
  }
  for (const smaller of towards({ ...ask, framing: 'none', size: 0 }, { ...plainAsk, answer: ask.answer })) {
    yield { ...smaller, framing: ask.framing, size: ask.size }
  }
}

/** `from` with one property of `to` at a time. */
function* towards<T extends object>(from: T, to: T): Generator<T> {
  for (const key of Object.keys(to) as (keyof T)[]) {
    if (JSON.stringify(from[key]) !== JSON.stringify(to[key])) yield { ...from, [key]: to[key] }
  }
}
