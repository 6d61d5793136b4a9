/**
 * An answer that is complete before the request has been sent, of an application that goes on to read: it gets the rest, and is told
 * when there will be none, by HAProxy as by sluice.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { end, record, startApp } from '../fcgi/support.ts'
import type { Peer } from '../fcgi/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { RawHttp } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'
import { until } from '../support/until.ts'

const answers = {
  'its Content-Length': (id: number) => [record('STDOUT', id, 'Content-Length: 2\r\n\r\nok')],
  'the empty STDOUT': (id: number) => [record('STDOUT', id, 'A: b\r\n\r\nok'), record('STDOUT', id)],
}

const config = (port: number, endpoint: string, option: string) => `
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${port}
  default_backend be
fcgi-app app
  docroot /srv
  ${option}
backend be
  use-fcgi-app app
  server s ${endpoint} proto fcgi
`

const skips = { haproxy: skipWithoutHaproxy(), sluice: false } as const
const multiplexed = 'option mpxs-conns\n  option max-reqs 4'

const clients = {
  'sends the rest': (client: RawHttp) => client.send('x'.repeat(80_000)),
  leaves: (client: RawHttp) => client.close(),
} as const

/**
 * What the application hears. ABORT_REQUEST alone leaves a connection that is shared to other requests, and the end of one that
 * nobody needs says as much.
 */
const told = (leaves: boolean, isShared: boolean) => {
  if (!leaves) return /^STDIN end/
  return isShared ? /^(ABORT end|closed)/ : /^ABORT end closed/
}

/** A request, and what its application has heard of it. */
interface Row {
  readonly answer: (id: number) => Buffer[]
  received: number
  readonly heard: string[]
}

describe('an application that still reads when its answer is complete', { concurrency: 3 }, () => {
  for (const [which, start, option] of [
    ['haproxy', startHaproxy, ''],
    ['sluice', startSluice, ''],
    ['sluice', startSluice, multiplexed],
  ] as const) {
    const name = option === '' ? which : `${which}, multiplexed`
    it(`hears of the rest: ${name}`, { skip: skips[which] }, async (t) => {
      let row: Row | undefined
      async function serve(peer: Peer): Promise<void> {
        const rows = new Map<number, Row>()
        for (let next = await peer.next(); next !== undefined; next = await peer.next()) {
          const { type, id, content } = next
          if (type === 'BEGIN' && row !== undefined) rows.set(id, row)
          const asked = rows.get(id)
          if (type === 'STDIN' && asked !== undefined) asked.received += content.length
          if (content.length > 0) continue
          if (type === 'PARAMS') peer.send(...(asked?.answer(id) ?? []))
          else asked?.heard.push(`${type} end`)
          if (type === 'STDIN') peer.send(end(id))
        }
        for (const { heard } of rows.values()) heard.push('closed')
      }
      const app = await startApp(t, serve, 'tcp')
      const proxy = await start({
        ports: ['fe'] as const,
        config: ({ fe }) => config(fe, app.endpoint, option),
      })
      t.after(() => proxy.stop())
      for (const answer of Object.values(answers)) {
        for (const [what, act] of Object.entries(clients)) {
          row = { answer, received: 0, heard: [] }
          const { heard } = row
          const client = new RawHttp(proxy.ports.fe)
          t.after(() => client.close())
          client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
          // As much as HAProxy waits for before it asks a server.
          client.send('x'.repeat(20_000))
          const reply = await client.reply()
          assert.equal(typeof reply === 'object' && reply.body, 'ok')
          act(client)
          const wanted = told(what === 'leaves', option !== '')
          await until(() => wanted.test(heard.join(' ')))
          if (what !== 'leaves') assert.equal(row.received, 100_000)
        }
      }
      app.check()
    })
  }
})
