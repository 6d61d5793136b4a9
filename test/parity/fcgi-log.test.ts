/** What the log says of requests to FastCGI servers, beside HAProxy: queues, time-outs, refusals, clients that go. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { record, reply, startApp } from '../fcgi/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { oneByOne } from '../support/one-by-one.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import { freePorts } from '../support/ports.ts'
import { askOnce, RawHttp } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const start = { haproxy: startHaproxy, sluice: startSluice } as const
type Which = keyof typeof start

/** Answers after as many milliseconds as the query says; never for `never`. */
async function slowApp(t: TestContext): Promise<string> {
  const app = await startApp(t, async (peer) => {
    for (;;) {
      const { id, params } = await peer.request()
      const query = params.get('QUERY_STRING') ?? ''
      if (query === 'closes') return void peer.socket.destroy()
      if (query === 'nonsense') peer.send(reply(id, 'no head at all'))
      else if (query !== 'never') void sleep(Number(query)).then(() => peer.send(reply(id, 'A: b\r\n\r\nx')))
    }
  })
  return app.endpoint
}

/** Times as `-` for none, 0, and `+` for what was worth waiting. */
function waited(times: string): string {
  const show = (ms: number): string => (ms < 0 ? '-' : ms < 150 ? '0' : '+')
  return times.split('/').map(Number).map(show).join('/')
}

/** Requests, sent 100 ms apart on connections of their own; `!` behind one: its client goes after 200 ms. `*` has no path. */
async function logOf(t: TestContext, which: Which, backend: string, queries: readonly string[]) {
  const running = await start[which]({
    ports: ['fe'],
    config: ({ fe }) => `
global
  nbthread 1
  log stdout format raw local0
defaults
  mode http
  log global
  option dontlognull
  timeout client 5s
  timeout server 5s
  timeout connect 2s
listen fe
  bind 127.0.0.1:${fe}
  log-format "%ST %tsc %TR/%Tw/%Tc/%Tr/%Ta rc=%rc %s %HU"
  use-fcgi-app app
  ${backend}
fcgi-app app
  docroot /srv
  ${which === 'sluice' ? 'no option abort-request' : ''}
`,
  })
  t.after(() => running.stop())
  await Promise.all(
    queries.map(async (query, at) => {
      await sleep(at * 100)
      const client = new RawHttp(running.ports.fe)
      const line = query === '*' ? 'OPTIONS *' : `GET /x?${query.replace('!', '')}`
      client.send(`${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      if (query.endsWith('!')) await sleep(200)
      else await client.reply()
      client.close()
    }),
  )
  await running.waitForLog(new RegExp(`(?:^-?\\d+ .{4} [^\\n]*\\n[^]*?){${queries.length}}`, 'm'))
  const lines = running.logs().match(/^-?\d+ .{4} -?\d+\/.*$/gm) ?? []
  // Whether there was anything to wait for: a busy machine adds to each time.
  return lines.map((line) => line.replace(/-?\d+(?:\/-?\d+){4}/, waited)).sort()
}

/** What comes late on a busy machine is asked once more alone. */
const calmly = oneByOne()

describe('the log', { skip: skipWithoutHaproxy(), concurrency: 3 }, () => {
  for (const [name, server, options, queries] of [
    ['an answer', 'SERVER', '', ['300']],
    ['the queue', 'SERVER maxconn 1', '', ['400', '0']],
    ['the queue is too slow', 'SERVER maxconn 1', 'timeout queue 200ms', ['600', '0']],
    ['a client leaves the queue', 'SERVER maxconn 1', 'option abortonclose', ['1500', '0!']],
    ['the application is silent', 'SERVER', 'timeout server 300ms', ['never']],
    ['the application closes', 'SERVER', '', ['closes']],
    ['the client goes', 'SERVER', '', ['never!']],
    ['a request without a path', 'SERVER', '', ['*', '0']],
    ['nobody listens', 'DEAD', 'retries 1\n  timeout connect 300ms', ['0']],
    ['nobody listens at one of two', 'DEAD\n  SERVER', 'option redispatch', ['0']],
  ] as const) {
    it(name, async (t) => {
      const [dead] = await freePorts(1)
      const play = async (): Promise<unknown[]> => {
        const lines: unknown[] = []
        for (const which of ['haproxy', 'sluice'] as const) {
          const live = `server live ${await slowApp(t)} proto fcgi`
          const text = server
            .replace('SERVER', live)
            .replace('DEAD', `server dead 127.0.0.1:${dead} proto fcgi`)
          lines.push(await logOf(t, which, `${options}\n  ${text}`, queries))
        }
        return lines
      }
      let [theirs, ours] = await play()
      if (!isDeepStrictEqual(ours, theirs)) {
        await calmly(async () => {
          ;[theirs, ours] = await play()
        })
      }
      assert.deepEqual(ours, theirs)
    })
  }
})

it(
  'what an application writes to STDERR has its bytes in the log',
  { skip: skipWithoutHaproxy() },
  async (t) => {
    const app = await startApp(t, async (peer) => {
      const { id } = await peer.request()
      peer.send(
        record('STDERR', id, Buffer.from('PHP: Ümläute, 30 € und 漢字\n')),
        reply(id, 'A: b\r\n\r\nx'),
      )
    })
    const lines: unknown[] = []
    for (const which of ['haproxy', 'sluice'] as const) {
      const running = await start[which]({
        ports: ['fe'],
        config: ({ fe }) => `
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 2s
listen fe
  bind 127.0.0.1:${fe}
  use-fcgi-app app
  server live ${app.endpoint} proto fcgi
fcgi-app app
  docroot /srv
  log-stderr stdout format raw local0
`,
      })
      t.after(() => running.stop())
      await askOnce(running.ports.fe, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      await running.waitForLog(/PHP: .*\n/)
      const logs = which === 'haproxy' ? Buffer.from(running.logs(), 'latin1').toString() : running.logs()
      lines.push(/PHP: .*/.exec(logs)?.[0])
    }
    assert.deepEqual(lines, Array(2).fill('PHP: Ümläute, 30 € und 漢字'))
  },
)

it(
  'an upload that stalls ends with `timeout server`, and its worker is free',
  { skip: skipWithoutHaproxy() || skipWithoutPhpFpm() },
  async (t) => {
    const php = await startPhpFpm({ scripts: { 'a.php': '<?php echo "here";' }, children: 1 })
    t.after(() => php.stop())
    for (const which of ['haproxy', 'sluice'] as const) {
      const running = await start[which]({
        ports: ['fe'],
        config: ({ fe }) => `
global
  log stdout format raw local0
defaults
  mode http
  log global
  timeout client 3s
  timeout server 500ms
  timeout connect 2s
listen fe
  bind 127.0.0.1:${fe}
  log-format "%ST %tsc %HM"
  use-fcgi-app app
  server live unix@${php.socket} proto fcgi
fcgi-app app
  docroot ${php.docroot}
`,
      })
      t.after(() => running.stop())
      const client = new RawHttp(running.ports.fe)
      t.after(() => client.close())
      client.send('POST /a.php HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
      // As much as HAProxy waits for before it asks a server.
      client.send('x'.repeat(20_000))
      const reply = await Promise.race([client.reply(), sleep(6000, 'silence', { ref: false })])
      assert.match(typeof reply === 'object' ? reply.line : reply, /^HTTP\/1.1 504/, which)
      await running.waitForLog(/504 sH-- POST/)
      const next = await askOnce(
        running.ports.fe,
        'GET /a.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      )
      assert.equal(typeof next === 'object' && next.body, 'here', which)
    }
  },
)
