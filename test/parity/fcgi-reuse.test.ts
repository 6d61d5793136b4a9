/**
 * Which connection to a FastCGI application each request goes to, beside HAProxy: the application answers with the
 * number of its connection, and of the request on it.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pair, record, reply, startApp } from '../fcgi/support.ts'
import type { Peer } from '../fcgi/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { RawHttp } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const skip = skipWithoutHaproxy()
const start = { haproxy: startHaproxy, sluice: startSluice } as const
type Which = keyof typeof start
const both = Object.keys(start) as Which[]

/** Answers each request after `delay` milliseconds, several at a time. */
async function numberedApp(t: TestContext, delay: number): Promise<string> {
  const app = await startApp(t, async (peer: Peer, index) => {
    let count = 0
    for (let seen = await peer.next(); seen !== undefined; seen = await peer.next()) {
      const { type, id, content } = seen
      if (type !== 'STDIN' || content.length > 0) continue
      const text = `Content-Type: text/plain\r\n\r\n${index}.${++count}`
      void sleep(delay).then(() => peer.send(reply(id, text)))
    }
  })
  return app.endpoint
}

async function proxy(t: TestContext, which: Which, endpoint: string, app: string, backend: string) {
  const running = await start[which]({
    ports: ['fe'],
    // Threads of HAProxy have connections of their own.
    config: ({ fe }) => `
global
  nbthread 1
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 2s
frontend fe
  bind 127.0.0.1:${fe}
  default_backend be
fcgi-app app
  docroot /srv
  ${app}
backend be
  use-fcgi-app app
  ${backend}
  server s ${endpoint} proto fcgi
`,
  })
  t.after(() => running.stop())
  return running.ports.fe
}

const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Sends a request and gives what the application says. */
async function ask(client: RawHttp): Promise<string> {
  client.send(text)
  const answer = await client.reply()
  // Behind the answer comes the end of the request.
  await sleep(20)
  return typeof answer === 'string' ? answer : answer.body
}

function clients(t: TestContext, port: number, count: number): RawHttp[] {
  const all = Array.from({ length: count }, () => new RawHttp(port))
  t.after(() => all.forEach((each) => each.close()))
  return all
}

/**
 * Clients take turns: the letters are clients, each letter is a request. Which of several idle connections is taken is
 * everybody's own affair; what counts is whether one was.
 */
async function turns(t: TestContext, port: number, order: string): Promise<string> {
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

describe('clients that take turns', { skip, concurrency: 4 }, () => {
  for (const reuse of ['never', 'safe', 'aggressive', 'always']) {
    for (const order of ['aabb', 'abcabc']) {
      it(`http-reuse ${reuse}: ${order}`, async (t) => {
        const [theirs, ours] = await Promise.all(
          both.map(async (which) => {
            const endpoint = await numberedApp(t, 0)
            return turns(t, await proxy(t, which, endpoint, '', `http-reuse ${reuse}`), order)
          }),
        )
        assert.equal(ours, theirs)
      })
    }
  }
  for (const [name, app, backend] of [
    ['no option keep-conn', 'no option keep-conn', ''],
    ['pool-max-conn 0', '', 'http-reuse always\n  default-server pool-max-conn 0'],
    ['option http-server-close', '', 'option http-server-close'],
  ] as const) {
    it(name, async (t) => {
      const [theirs, ours] = await Promise.all(
        both.map(async (which) => {
          const endpoint = await numberedApp(t, 0)
          return turns(t, await proxy(t, which, endpoint, app, backend), 'aabb')
        }),
      )
      assert.equal(ours, theirs)
    })
  }
})

/** Requests of one moment; how many connections they took. */
async function burst(t: TestContext, port: number, count: number): Promise<number> {
  const all = clients(t, port, count)
  const seen: string[] = []
  await Promise.all(
    all.map(async (each, at) => {
      // In order, so that both proxies see the same.
      await sleep(at * 20)
      seen.push(await ask(each))
    }),
  )
  assert.ok(
    seen.every((each) => /^\d\.\d$/.test(each)),
    seen.join(' '),
  )
  return new Set(seen.map((each) => each.split('.')[0])).size
}

describe('clients that come at once', { skip }, () => {
  for (const [app, backend] of [
    ['', 'http-reuse always'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse always'],
    ['option mpxs-conns\n  option max-reqs 10', 'http-reuse always'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse safe'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse aggressive'],
    ['option mpxs-conns\n  option max-reqs 3', 'http-reuse never'],
  ] as const) {
    it(`${app.replaceAll(/\s+/g, ' ')}; ${backend}`, async (t) => {
      const [theirs, ours] = await Promise.all(
        both.map(async (which) => {
          const port = await proxy(t, which, await numberedApp(t, 400), app, backend)
          return burst(t, port, 6)
        }),
      )
      assert.equal(ours, theirs)
    })
  }
})

/** A client with a connection that was used, and what its next request gets when the application does `meet`. */
async function afterKept(
  t: TestContext,
  which: Which,
  meet: (peer: Peer, id: number) => void,
  next: string,
): Promise<string> {
  const app = await startApp(t, async (peer, index) => {
    const first = await peer.request()
    peer.send(reply(first.id, `A: b\r\n\r\n${index}`))
    const begun = await peer.next()
    if (begun !== undefined) meet(peer, begun.id)
  })
  const client = new RawHttp(await proxy(t, which, app.endpoint, '', ''))
  t.after(() => client.close())
  assert.equal(await ask(client), '0')
  client.send(next)
  const answer = await client.reply()
  if (typeof answer === 'string') return answer
  return `${answer.line.split(' ')[1]} ${answer.body.startsWith('<') ? '' : answer.body}`
}

describe('an application that closes a kept connection as a request comes', { skip, concurrency: 4 }, () => {
  const get = text
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'
  const meets = {
    closes: (peer: Peer) => void peer.socket.end(),
    resets: (peer: Peer) => void peer.socket.destroy(),
    'writes to STDERR and closes': (peer: Peer, id: number) => {
      peer.socket.end(record('STDERR', id, 'oops'))
    },
  }
  for (const [how, meet] of Object.entries(meets)) {
    it(`${how}; POST: is not given to it`, async (t) => {
      // Nobody could tell whether it has run: HAProxy leaves that to the client, and loses the POST of one that does not repeat it.
      const [ours, theirs] = await Promise.all(
        both.toReversed().map((which) => afterKept(t, which, meet, post)),
      )
      assert.deepEqual([ours, theirs], ['200 1', 'closed'])
    })
    it(`${how}; GET: is repeated, unless it was being answered`, async (t) => {
      assert.equal(await afterKept(t, 'sluice', meet, get), how.startsWith('writes') ? '502 ' : '200 1')
    })
  }
})

describe('option get-values', { skip }, () => {
  /** An application that tells its values at the moment that it is given: before the first answer, or behind it. */
  const asked = (t: TestContext, moment: 'before' | 'behind') =>
    startApp(t, async (peer, index) => {
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

  for (const reuse of ['never', 'safe', 'always']) {
    for (const moment of ['before', 'behind'] as const) {
      it(`http-reuse ${reuse}, told ${moment} the answer`, async (t) => {
        const app = await asked(t, moment)
        const port = await proxy(t, 'sluice', app.endpoint, 'option get-values', `http-reuse ${reuse}`)
        assert.equal(await turns(t, port, 'aaaa'), 'new kept kept kept')
      })
    }
  }

  it('an application that closes over it is asked once', async (t) => {
    const app = await startApp(t, async (peer, index) => {
      const first = await peer.next()
      if (first?.type === 'GET_VALUES') return void peer.socket.end()
      await peer.until('STDIN', first?.id)
      peer.send(reply(first?.id ?? 0, `A: b\r\n\r\n${index}.1`))
    })
    const port = await proxy(t, 'sluice', app.endpoint, 'option get-values', '')
    const [client] = clients(t, port, 1)
    assert.ok(client)
    assert.equal(await ask(client), '1.1')
  })
})
