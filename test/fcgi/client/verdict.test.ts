/** What becomes of a request: the table, and every row of it over a connection, with records by hand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { createFcgiClient } from 'sluice/fcgi'
import type { ExchangeHandler, FcgiClientOptions, FcgiEnd } from 'sluice/fcgi'
import { answerOf, judge } from '#src/fcgi/client/verdict.js'
import type { Answer, Incident } from '#src/fcgi/client/verdict.js'
import { requestTransitions } from '#src/fcgi/codec/state.js'
import type { RequestState } from '#src/fcgi/codec/state.js'
import { end, pair, record, startApp } from '../support.ts'
import type { Peer } from '../support.ts'
import { until } from '../../support/until.ts'

const answers: readonly Answer[] = ['none', 'begun', 'whole', 'void']

describe('the table', () => {
  const rows = {
    stdout: 'decode decode skip skip',
    stdoutEnd: 'skip decode skip skip',
    ended: 'finish finish finish finish',
    refused: 'again finish finish again',
    lost: 'again fail finish finish',
    silence: 'fail fail finish fail',
  } satisfies Record<Incident, string>

  for (const [incident, row] of Object.entries(rows) as [Incident, string][]) {
    it(incident, () => assert.equal(answers.map((answer) => judge(incident, answer)).join(' '), row))
  }

  it('sends again only from states that the machine leaves by `retry`', () => {
    for (const state of Object.keys(requestTransitions) as RequestState[]) {
      if (!('recvEnd' in requestTransitions[state])) continue
      assert.equal('retry' in requestTransitions[state], true, state)
      assert.equal(answerOf(state, false, false), /^(replied|ending)$/.test(state) ? 'void' : 'none')
      assert.deepEqual([answerOf(state, true, false), answerOf(state, true, true)], ['begun', 'whole'])
    }
  })
})

/** What brings an answer that far, and what the caller hears of it. */
const ways: Record<Answer, { send: (id: number) => Buffer[]; heard: string }> = {
  none: { send: () => [], heard: '' },
  begun: { send: (id) => [record('STDOUT', id, 'A: b\r\n\r\nhe')], heard: 'head he' },
  whole: { send: (id) => [record('STDOUT', id, 'Content-Length: 2\r\n\r\nhe')], heard: 'head he whole' },
  void: { send: (id) => [record('STDOUT', id)], heard: '' },
}

/** What is nothing to a request, wherever it stands. */
const noise = (id: number) => [
  record('VALUES', 0, pair('FCGI_MPXS_CONNS', '0')),
  record('UNKNOWN', 0, Buffer.alloc(8), 255),
  record(99, id, '?'),
  record(200, 0),
  record('STDOUT', id + 2, 'no'),
  end(id + 2, 2),
  record('STDERR', id, '', 3),
]

interface Case {
  readonly happens: (peer: Peer, id: number) => void
  /** What the caller hears by all, in the order of `answers`; `…` is what he has heard before. */
  readonly heard: readonly string[]
  readonly options?: Partial<FcgiClientOptions>
}

const empty = 'ERR_FCGI_EMPTY_RESPONSE'
const lostCode = 'ERR_FCGI_CONNECTION_LOST'
const silent = 'ERR_FCGI_RESPONSE_TIMEOUT'
const again = 'head again end:0'

const cases: Record<string, Case> = {
  'STDOUT and END_REQUEST': {
    happens: (peer, id) => peer.send(record('STDOUT', id, 'C:\n\nlo', 7), end(id)),
    heard: ['head lo end:0', '… C:\n\nlo end:0', '… end:0', empty],
  },
  'the empty STDOUT twice, and END_REQUEST': {
    happens: (peer, id) => peer.send(record('STDOUT', id), record('STDOUT', id, '', 8), end(id)),
    heard: [empty, '… whole end:0', '… end:0', empty],
  },
  'END_REQUEST, and what is too late': {
    happens: (peer, id) =>
      peer.send(end(id), record('STDERR', id, 'late'), record('STDOUT', id, 'late'), end(id, 1), end(id)),
    heard: [empty, '… end:0', '… end:0', empty],
  },
  CANT_MPX_CONN: {
    happens: (peer, id) => peer.send(end(id, 1)),
    heard: [again, '… end:1', '… end:1', again],
  },
  OVERLOADED: {
    happens: (peer, id) => peer.send(end(id, 2)),
    heard: [again, '… end:2', '… end:2', again],
  },
  'protocol status 9': {
    happens: (peer, id) => peer.send(end(id, 9)),
    heard: ['ERR_FCGI_PROTOCOL_STATUS', '… end:9', '… end:9', 'ERR_FCGI_PROTOCOL_STATUS'],
  },
  'the end of the connection': {
    happens: (peer) => peer.socket.end(),
    heard: [lostCode, `… ${lostCode}`, '… end:undefined', empty],
  },
  'the end of the connection within END_REQUEST': {
    happens: (peer, id) => peer.socket.end(end(id).subarray(0, 12)),
    heard: [lostCode, `… ${lostCode}`, '… end:undefined', empty],
  },
  silence: {
    happens: () => {},
    heard: [silent, `… ${silent}`, '… end:undefined', silent],
    options: { responseTimeout: 50 },
  },
}

/** What a caller hears, in words. */
function listener(heard: string[]): ExchangeHandler {
  return {
    onHead: () => heard.push('head'),
    onBody: (chunk) => heard.push(chunk.toString('latin1')) > 0,
    onBodyEnd: () => heard.push('whole'),
    onEnd: ({ protocolStatus }: FcgiEnd) => heard.push(`end:${String(protocolStatus)}`),
    onError: ({ code }) => heard.push(code),
  }
}

async function play(t: TestContext, from: Answer, { happens, options = {} }: Case, isOpen: boolean) {
  const heard: string[] = []
  let turns = 0
  const app = await startApp(t, async (peer) => {
    for (let first = await peer.next(); first !== undefined; first = await peer.next()) {
      // What a caller writes behind an early answer is nobody's.
      if (first.type !== 'BEGIN') continue
      const { id } = first
      if (isOpen) await peer.until('PARAMS', id)
      else await peer.until('STDIN', id)
      if (turns++ > 0) peer.send(record('STDOUT', id, 'A: b\r\n\r\nagain'), end(id))
      else {
        peer.send(...noise(id), ...ways[from].send(id), ...noise(id))
        happens(peer, id)
      }
    }
  })
  const client = createFcgiClient({ endpoint: app.endpoint, ...options })
  t.after(() => client.destroy())
  const params = new Map([
    ['REQUEST_METHOD', 'POST'],
    ['CONTENT_LENGTH', '3'],
  ])
  const exchange = client.start({ params, hasBody: true }, listener(heard))
  exchange.write(Buffer.from(isOpen ? 'a' : 'abc'))
  if (!isOpen) exchange.end()
  await until(() => heard.some((each) => /^end:|^ERR/.test(each)))
  // Of what is over nothing more is taken, and nothing more is told.
  assert.equal(exchange.write(Buffer.from('bc')), true)
  exchange.end()
  exchange.resume()
  exchange.abort()
  await client.close()
  app.check()
  return heard.join(' ')
}

for (const [sent, isOpen] of [
  ['all sent', false],
  ['STDIN open', true],
] as const) {
  describe(`a request with ${sent}`, { concurrency: 4 }, () => {
    for (const [what, each] of Object.entries(cases)) {
      // Whose turn it is with STDIN open is the caller's: no silence counts.
      if (isOpen && what === 'silence') continue
      for (const [at, from] of answers.entries()) {
        it(`and an answer that is ${from}: ${what}`, async (t) => {
          const wanted = (each.heard[at] ?? '').replace('…', ways[from].heard)
          assert.equal(await play(t, from, each, isOpen), wanted)
        })
      }
    }
  })
}
