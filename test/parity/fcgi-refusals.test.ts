/**
 * Applications that say that they did not run a request: another server gets it, and when there is none that takes it the
 * answer is 503. HAProxy answers 502, or waits for its time-out, so it is not asked.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { begin, end, record, reply, startApp } from '../fcgi/support.ts'
import type { Peer } from '../fcgi/support.ts'
import { askOnce, RawHttp } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const statuses = { CANT_MPX_CONN: 1, OVERLOADED: 2, UNKNOWN_ROLE: 3 } as const

/** Refuses each request, the first `count` of them, with `status`; then it serves. */
function refusing(t: TestContext, status: number, count = Infinity) {
  let asked = 0
  return startApp(t, async (peer: Peer) => {
    for (let first = await peer.next(); first !== undefined; first = await peer.next()) {
      assert.deepEqual(first.content, begin(1).subarray(8))
      const seen = await peer.until('STDIN', first.id)
      const refuses = asked++ < count
      const body = Buffer.concat(seen.filter(({ type }) => type === 'STDIN').map(({ content }) => content))
      peer.send(refuses ? end(first.id, status) : reply(first.id, `A: b\r\n\r\ntook ${body.toString()}`))
      if (!refuses || status === statuses.CANT_MPX_CONN) continue
      peer.socket.end()
      return
    }
  })
}

async function proxy(t: TestContext, servers: readonly string[], lines: readonly string[] = []) {
  const running = await startSluice({
    ports: ['fe'],
    config: ({ fe }) => `
global
  log stdout format raw local0
defaults
  mode http
  log global
  timeout client 5s
  timeout server 5s
  timeout connect 300
frontend fe
  bind 127.0.0.1:${fe}
  log-format "%ST %tsc rc=%rc srv=%s"
  default_backend be
fcgi-app app
  docroot /srv
backend be
  use-fcgi-app app
  ${lines.join('\n  ')}
  ${servers.map((endpoint, at) => `server s${at} ${endpoint} proto fcgi`).join('\n  ')}
`,
  })
  t.after(() => running.stop())
  return running
}

const requests = {
  GET: ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  POST: ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'],
  'POST whose body comes later': ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n', 'hi'],
} as const

describe('a request that an application refuses', { concurrency: 4 }, () => {
  for (const [name, status] of Object.entries(statuses)) {
    for (const [method, pieces] of Object.entries(requests)) {
      it(`with ${name} goes to another server: ${method}`, async (t) => {
        const [no, yes] = [await refusing(t, status), await refusing(t, status, 0)]
        const running = await proxy(t, [no.endpoint, yes.endpoint], ['balance roundrobin'])
        for (let at = 0; at < 4; at++) {
          const client = new RawHttp(running.ports.fe)
          t.after(() => client.close())
          for (const piece of pieces) client.send(piece)
          const answer = await client.reply()
          assert.ok(typeof answer === 'object', JSON.stringify(answer))
          assert.match(
            `${answer.line} ${answer.body}`,
            method === 'GET' ? / 200 .* took $/ : / 200 .* took hi$/,
          )
        }
        await running.waitForLog(/200 ---- rc=\+1 srv=s1/)
        no.check()
      })
    }

    it(`with ${name} is answered 503 when nobody takes it`, async (t) => {
      const apps = [await refusing(t, status), await refusing(t, status)]
      const running = await proxy(
        t,
        apps.map(({ endpoint }) => endpoint),
        ['retries 2'],
      )
      const answer = await askOnce(running.ports.fe, requests.POST[0])
      assert.match(typeof answer === 'string' ? answer : answer.line, / 503 /)
      assert.equal(apps[0]!.peers.length + apps[1]!.peers.length, 3) // two apps were started
      await running.waitForLog(/503 SH-- rc=\+2/)
    })

    it(`with ${name} is asked again when there is one server`, async (t) => {
      const app = await refusing(t, status, 2)
      const running = await proxy(t, [app.endpoint])
      const answer = await askOnce(running.ports.fe, requests.POST[0])
      assert.match(typeof answer === 'string' ? answer : answer.body, /took hi/)
      await running.waitForLog(/200 ---- rc=2 srv=s0/)
    })
  }

  it('behind the first bytes of an answer is an answer', async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id } = await peer.request()
      peer.send(record('STDOUT', id, 'A: b\r\n\r\nhello'), end(id, statuses.OVERLOADED))
    })
    const answer = await askOnce((await proxy(t, [app.endpoint])).ports.fe, requests.GET[0])
    assert.match(typeof answer === 'string' ? answer : answer.body, /^hello$/)
  })
})
