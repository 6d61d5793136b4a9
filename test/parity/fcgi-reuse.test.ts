/**
 * Which connection to a FastCGI application each request goes to, beside HAProxy: the application answers with the
 * number of its connection, and of the request on it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pair, record, reply, startApp } from '../fcgi/support.ts'
import type { Peer } from '../fcgi/support.ts'
import { Cleanups } from '../support/cleanups.ts'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { RawHttp } from '../support/raw-http.ts'
import { startRows } from '../support/rows.ts'
import type { RowSections, RowsProgram } from '../support/rows.ts'
import { until } from '../support/until.ts'

/** An application, and how many requests it has had. */
interface App {
  readonly endpoint: string
  asked(): number
}

/** Answers each request with the number of its connection, and of the request on it; none before that many are there. */
async function numberedApp(t: Cleanups, together = 1): Promise<App> {
  let asked = 0
  const answers: (() => void)[] = []
  const app = await startApp(t, async (peer: Peer, index) => {
    let count = 0
    for (let seen = await peer.next(); seen !== undefined; seen = await peer.next()) {
      const { type, id, content } = seen
      if (type !== 'STDIN' || content.length > 0) continue
      asked++
      const text = `Content-Type: text/plain\r\n\r\n${index}.${++count}`
      answers.push(() => peer.send(reply(id, text)))
      if (asked >= together) for (const answer of answers.splice(0)) answer()
    }
  })
  return { endpoint: app.endpoint, asked: () => asked }
}

interface Row {
  readonly name: string
  open(t: Cleanups): Promise<App>
  /** Lines of the application, and of the backend. */
  readonly app?: string
  readonly backend?: string
  play(t: Cleanups, port: number, app: App): Promise<unknown>
  /** What comes of it, where that is not what comes of it with HAProxy. */
  readonly wanted?: { readonly sluice: unknown; readonly haproxy?: unknown }
}

const sections =
  ({ app = '', backend = '' }: Row, { endpoint }: App): RowSections =>
  (port, name) =>
    `
frontend ${name}
  bind 127.0.0.1:${port}
  default_backend be-${name}
fcgi-app app-${name}
  docroot /srv
  ${app}
backend be-${name}
  use-fcgi-app app-${name}
  ${backend}
  server s ${endpoint} proto fcgi
`

// Threads of HAProxy have connections of their own.
const head = `
global
  nbthread 1
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 2s
`

const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Sends a request and gives what the application says. */
async function ask(client: RawHttp): Promise<string> {
  client.send(text)
  const answer = await client.reply()
  // Behind the answer comes the end of the request.
  await sleep(20)
  return typeof answer === 'string' ? answer : answer.body
}

function clients(t: Cleanups, port: number, count: number): RawHttp[] {
  const all = Array.from({ length: count }, () => new RawHttp(port))
  t.after(() => all.forEach((each) => each.close()))
  return all
}

/**
 * Clients take turns: the letters are clients, each letter is a request. Which of several idle connections is taken is
 * everybody's own affair; what counts is whether one was.
 */
async function turns(t: Cleanups, port: number, order: string): Promise<string> {
  const known = new Map<string, RawHttp>()
  const seen: string[] = []
  for (const name of order) {
    const [fresh] = known.has(name) ? [] : clients(t, port, 1)
    if (fresh !== undefined) known.set(name, fresh)
    const client = known.get(name)
    assert.ok(client)
    const [, onIt] = (await ask(client)).split('.')
    assert.ok(Number(onIt) > 0)
    seen.push(onIt === '1' ? 'new' : 'kept')
  }
  return seen.join(' ')
}

const turnRows: readonly Row[] = [
  ...['never', 'safe', 'aggressive', 'always'].flatMap((reuse) =>
    ['aabb', 'abcabc'].map((order) => [`http-reuse ${reuse}: ${order}`, '', `http-reuse ${reuse}`, order]),
  ),
  ['no option keep-conn', 'no option keep-conn', '', 'aabb'],
  ['pool-max-conn 0', '', 'http-reuse always\n  default-server pool-max-conn 0', 'aabb'],
  ['option http-server-close', '', 'option http-server-close', 'aabb'],
].map(([name = '', app = '', backend = '', order = '']) => ({
  name: `clients that take turns: ${name}`,
  app,
  backend,
  open: (t) => numberedApp(t),
  play: (t, port) => turns(t, port, order),
}))

/** Requests of one moment, each sent when the one before has arrived, so that both proxies see the same; how many connections they took. */
async function burst(t: Cleanups, port: number, app: App, count: number): Promise<number> {
  const answers: Promise<string>[] = []
  for (const each of clients(t, port, count)) {
    answers.push(ask(each))
    await until(() => app.asked() === answers.length)
  }
  const seen = await Promise.all(answers)
  assert.ok(
    seen.every((each) => /^\d\.\d$/.test(each)),
    seen.join(' '),
  )
  return new Set(seen.map((each) => each.split('.')[0])).size
}

const burstRows = (
  [
    ['', 'http-reuse always'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse always'],
    ['option mpxs-conns\n  option max-reqs 10', 'http-reuse always'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse safe'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse aggressive'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse never'],
  ] as const
).map(([app, backend]): Row => ({
  name: `clients that come at once: ${app.replaceAll(/\s+/g, ' ')}; ${backend}`,
  app,
  backend,
  open: (t) => numberedApp(t, 6),
  play: (t, port, each) => burst(t, port, each, 6),
}))

/** Serves one request, and does `meet` when the next one on the connection begins. */
async function meetingApp(t: Cleanups, meet: (peer: Peer, id: number) => void): Promise<App> {
  const { endpoint, peers } = await startApp(t, async (peer, index) => {
    const first = await peer.request()
    peer.send(reply(first.id, `A: b\r\n\r\n${index}`))
    const begun = await peer.next()
    if (begun !== undefined) meet(peer, begun.id)
  })
  return { endpoint, asked: () => peers.length }
}

/** A client with a connection that was used, and what its next request gets. */
async function afterKept(t: Cleanups, port: number, next: string): Promise<string> {
  const client = new RawHttp(port)
  t.after(() => client.close())
  assert.equal(await ask(client), '0')
  client.send(next)
  const answer = await client.reply()
  if (typeof answer === 'string') return answer
  return `${answer.line.split(' ')[1]} ${answer.body.startsWith('<') ? '' : answer.body}`
}

const get = text
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'
const meets = {
  closes: (peer: Peer) => void peer.socket.end(),
  resets: (peer: Peer) => void peer.socket.destroy(),
  'writes to STDERR and closes': (peer: Peer, id: number) => {
    peer.socket.end(record('STDERR', id, 'oops'))
  },
}

const keptRows = Object.entries(meets).flatMap(([how, meet]): Row[] => {
  const name = `an application that closes a kept connection as a request comes: ${how}`
  const open = (t: Cleanups) => meetingApp(t, meet)
  return [
    {
      name: `${name}; POST: is not given to it`,
      open,
      play: (t, port) => afterKept(t, port, post),
      // Nobody could tell whether it has run: HAProxy leaves that to the client, and loses the POST of one that does not repeat it.
      wanted: { sluice: '200 1', haproxy: 'closed' },
    },
    {
      name: `${name}; GET: is repeated, unless it was being answered`,
      open,
      play: (t, port) => afterKept(t, port, get),
      wanted: { sluice: how.startsWith('writes') ? '502 ' : '200 1' },
    },
  ]
})

/** An application that tells its values at the moment that it is given: before the first answer, or behind it. */
async function askedApp(t: Cleanups, moment: 'before' | 'behind'): Promise<App> {
  const { endpoint, peers } = await startApp(t, async (peer, index) => {
    let count = 0
    const values = record('VALUES', 0, pair('FCGI_MAX_REQS', '5') + pair('FCGI_MPXS_CONNS', '1'))
    for (let seen = await peer.next(); seen !== undefined; seen = await peer.next()) {
      const { type, id, content } = seen
      if (type !== 'STDIN' || content.length > 0) continue
      const first = ++count === 1
      if (first && moment === 'before') peer.send(values)
      peer.send(reply(id, `A: b\r\n\r\n${index}.${count}`))
      if (first && moment === 'behind') void sleep(10).then(() => peer.send(values))
    }
  })
  return { endpoint, asked: () => peers.length }
}

async function closingApp(t: Cleanups): Promise<App> {
  const { endpoint, peers } = await startApp(t, async (peer, index) => {
    const first = await peer.next()
    if (first?.type === 'GET_VALUES') return void peer.socket.end()
    await peer.until('STDIN', first?.id)
    peer.send(reply(first?.id ?? 0, `A: b\r\n\r\n${index}.1`))
  })
  return { endpoint, asked: () => peers.length }
}

const valueRows: readonly Row[] = [
  ...['never', 'safe', 'always'].flatMap((reuse) =>
    (['before', 'behind'] as const).map((moment): Row => ({
      name: `option get-values: http-reuse ${reuse}, told ${moment} the answer`,
      app: 'option get-values',
      backend: `http-reuse ${reuse}`,
      open: (t) => askedApp(t, moment),
      play: (t, port) => turns(t, port, 'aaaa'),
      wanted: { sluice: 'new kept kept kept' },
    })),
  ),
  {
    name: 'option get-values: an application that closes over it is asked once',
    app: 'option get-values',
    open: closingApp,
    play: (t, port) => Promise.all(clients(t, port, 1).map(ask)),
    wanted: { sluice: ['1.1'] },
  },
]

const rows = [...turnRows, ...burstRows, ...keptRows, ...valueRows]

describe('connections to a FastCGI application', { skip: skipWithoutHaproxy(), concurrency: 8 }, () => {
  const cleanups = new Cleanups()
  const sides: { readonly program: RowsProgram; readonly apps: readonly App[] }[] = []
  before(async () => {
    for (const which of ['haproxy', 'sluice'] as const) {
      const apps = await Promise.all(rows.map((each) => each.open(cleanups)))
      const all = rows.map((each, row) => sections(each, apps[row] ?? assert.fail()))
      const program = await startRows(which, head, all)
      cleanups.after(() => program.stop())
      sides.push({ program, apps })
    }
  })
  after(() => cleanups.run())

  const play = ({ program, apps }: (typeof sides)[number], row: number): Promise<unknown> =>
    rows[row]?.play(cleanups, program.port(row), apps[row] ?? assert.fail()) ?? assert.fail()

  for (const [row, { name, wanted }] of rows.entries()) {
    it(name, async () => {
      const [haproxy, sluice] = sides as [(typeof sides)[0], (typeof sides)[0]] // both of them
      const needsBoth = wanted === undefined || 'haproxy' in wanted
      const [ours, theirs] = await Promise.all([
        play(sluice, row),
        needsBoth ? play(haproxy, row) : undefined,
      ])
      if (needsBoth && wanted !== undefined) assert.equal(theirs, wanted.haproxy)
      assert.deepEqual(ours, wanted === undefined ? theirs : wanted.sluice)
    })
  }
})
