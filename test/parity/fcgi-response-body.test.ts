/** What rules see of the body of an application's answer: as much of it as came with the head, by HAProxy as by sluice. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { end, record, startApp } from '../fcgi/support.ts'
import type { Peer } from '../fcgi/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { RawHttp } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

/** What comes with the head, and what comes later. */
const answers: Readonly<Record<string, readonly [first: string, later: string, seen: string]>> = {
  'of a length, all there': ['Content-Length: 5\r\n\r\nhello', '', '5 hello 5'],
  'of a length, a part': ['Content-Length: 11\r\n\r\nhello', ' world', '5 hello 11'],
  'of a length, none yet': ['Content-Length: 5\r\n\r\n', 'hello', '0  5'],
  'of no length, all there': ['A: b\r\n\r\nhello', '', '5 hello 5'],
  'of no length, a part': ['A: b\r\n\r\nhello', ' world', '5 hello 5'],
  empty: ['A: b\r\n\r\n', '', '0  0'],
}

const config = (port: number, endpoint: string) => `
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${port}
  default_backend be
fcgi-app app
  docroot /srv
backend be
  use-fcgi-app app
  http-response set-header X-Seen "%[res.body_len] %[res.body] %[res.body_size]"
  server s ${endpoint} proto fcgi
`

describe('rules see what came with the head of an answer', { concurrency: 2 }, () => {
  for (const [which, start, skip] of [
    ['haproxy', startHaproxy, skipWithoutHaproxy()],
    ['sluice', startSluice, false],
  ] as const) {
    it(which, { skip }, async (t) => {
      let answer: readonly [string, string, string] = ['', '', '']
      async function serve(peer: Peer): Promise<void> {
        for (let next = await peer.next(); next !== undefined; next = await peer.next()) {
          const { type, id, content } = next
          if (type !== 'STDIN' || content.length > 0) continue
          const [first, later] = answer
          const last = [record('STDOUT', id), end(id)]
          if (later === '') {
            peer.send(record('STDOUT', id, first), ...last)
            continue
          }
          peer.send(record('STDOUT', id, first))
          await sleep(100)
          peer.send(record('STDOUT', id, later), ...last)
        }
      }
      const app = await startApp(t, serve, 'tcp')
      const proxy = await start({ ports: ['fe'] as const, config: ({ fe }) => config(fe, app.endpoint) })
      t.after(() => proxy.stop())
      for (const [what, row] of Object.entries(answers)) {
        answer = row
        const client = new RawHttp(proxy.ports.fe)
        client.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
        const reply = await client.reply()
        assert(typeof reply === 'object')
        const [first, later, seen] = row
        assert.equal(reply.headers.find((line) => /^x-seen:/i.test(line))?.slice(8), seen, what)
        assert.equal(reply.body, `${first.split('\r\n\r\n')[1]}${later}`, what)
        client.close()
      }
      app.check()
    })
  }
})
