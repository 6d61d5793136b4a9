/**
 * A FastCGI application behind sluice, and the same answers over HTTP behind HAProxy. How bodies are delimited depends on
 * the protocol behind the proxy, so it is left out of the comparison, and the configurations do not ask for it.
 */
import type { Ask } from './ask.ts'
import type { Sequence } from './client.ts'
import { FcgiOrigin } from './fcgi-origin.ts'
import { randomSequence } from './http-asks.ts'
import { httpKnown } from './http-known.ts'
import { httpParts } from './http-kind.ts'
import { randomHttpSetup } from './http-setup.ts'
import type { HttpSetup } from './http-setup.ts'
import type { Kind, Known, Transcript } from './kind.ts'
import { Origin } from './origin.ts'
import type { Random } from './random.ts'

/** What our client keeps of a body to send it again. */
const maxReplaySize = 65_536

/** An origin that drops a request has seen it, which a proxy cannot know. */
const repeated: Known<HttpSetup, Sequence> = {
  name: 'an idempotent request on a kept connection to an application that ends it',
  link: 'docs/compatibility.md#fastcgi',
  reason: 'php-fpm closes behind END_REQUEST when it replaces a worker: what may run twice is sent again',
  explains: ({ where, theirs, ours }, { asks }) => {
    const ask = asks[Number(/^request (\d+) +arrived/.exec(where)?.[1] ?? 0) - 1]
    if (ask === undefined || ask.size > maxReplaySize || ['POST', 'PATCH'].includes(ask.method)) return false
    return ask.answer.end === 'drop' && theirs === '1' && ours === '2'
  },
}

export const fcgiKind: Kind<HttpSetup, Sequence> = {
  name: 'fcgi',
  ...httpParts({
    createOrigin: ({ program }) => (program === 'haproxy' ? new Origin() : new FcgiOrigin()),
    overFcgi: ({ program }) => program === 'sluice',
    tidy,
  }),
  known: [...httpKnown, repeated],
  setup: (random) =>
    withoutFraming(randomHttpSetup(random, { spoe: random.chance(40), rules: true, deaths: true })),
  make: randomFcgiSequence,
}

function withoutFraming(setup: HttpSetup): HttpSetup {
  const asks =
    /res\.(?:body|ver)|res\.hdr\((?:content-length|transfer-encoding)|req\.hdr\(transfer-encoding|after-response set-status/
  const rest = (lines: readonly string[]) => lines.filter((line) => !asks.test(line))
  const spoe = setup.spoe.map((line) => line.replace(' len=res.hdr(content-length)', ''))
  return { ...setup, frontend: rest(setup.frontend), backend: rest(setup.backend), spoe }
}

function randomFcgiSequence(random: Random, setup: HttpSetup): Sequence {
  const { asks, end } = randomSequence(random, setup)
  const possible = asks.filter(
    ({ method, headers }) => method !== 'CONNECT' && !headers.includes('Upgrade: foo'),
  )
  return { asks: possible.map(asFcgi), end }
}

function asFcgi(ask: Ask): Ask {
  const { answer } = ask
  const framing = answer.framing === 'close' ? 'chunked' : answer.framing
  const ends = answer.end === 'say-close' || answer.end === 'extra' || answer.end === 'head-cut'
  return {
    ...ask,
    version: '1.1',
    // A body in chunks is asked for as a whole.
    pieces: ask.pieces === 'half' ? 'whole' : ask.pieces,
    // Who says 100 Continue depends on the protocol, too.
    expect: false,
    // An application is asked for a path.
    target: ask.target === '*' ? '/' : ask.target,
    trailers: false,
    answer: {
      ...answer,
      version: '1.1',
      framing,
      interim: [],
      // An application that has answered is not sent the rest of the body.
      when: answer.when === 'early' && ask.framing !== 'none' ? 'now' : answer.when,
      trailers: false,
      end: ends || (answer.framing === 'close' && answer.end === 'close') ? 'keep' : answer.end,
    },
  }
}

const hop = /^(?:connection|keep-alive|expect|te|upgrade|content-length|transfer-encoding|date): /

/** Without what the protocol behind the proxy decides. */
function tidy(transcript: Transcript): Transcript {
  const found = new Map<string, string>()
  for (const [where, text] of transcript) {
    if (/framing|trailers/.test(where)) continue
    const headers = where.endsWith('headers')
    const kept = headers ? text.split('\n').filter((line) => !hop.test(line)) : [text]
    found.set(where, headers && where.startsWith('request') ? joined(kept) : kept.join('\n'))
  }
  return found
}

/** A field that is repeated is one parameter. */
function joined(headers: readonly string[]): string {
  const values = new Map<string, string>()
  for (const line of headers) {
    const [name = '', value = ''] = line.split(/: (.*)/)
    const before = values.get(name)
    values.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return [...values]
    .map(([name, value]) => `${name}: ${value}`)
    .toSorted()
    .join('\n')
}
