/** When an answer of php-fpm is over, and what its head says, through the proxy: beside HAProxy where it is a reference. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { text } from 'node:stream/consumers'
import { createFcgiClient } from 'sluice/fcgi'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'
import { askOnce, RawHttp } from '../support/raw-http.ts'
import type { RawReply } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'
import { until } from '../support/until.ts'

/** How long scripts work on behind their answer, in milliseconds. */
const work = 1200

const done = `usleep(${work * 1000}); file_put_contents(__DIR__ . '/done', $_GET['n'], FILE_APPEND);`

const scripts = {
  'length.php': `<?php header('Content-Length: 5'); echo 'hello'; flush(); ${done}`,
  'more.php': `<?php header('Content-Length: 5'); echo 'hello'; flush(); usleep(200000); echo 'more'; flush(); ${done}`,
  'finish.php': `<?php echo 'hello'; fastcgi_finish_request(); ${done}`,
  'status.php': `<?php header('Status: ' . $_GET['s']); echo 'x';`,
  'plain.php': `<?php header('X-P: 1'); echo 'hello';`,
  'done.php': `<?php echo @file_get_contents(__DIR__ . '/done');`,
}

const start = { haproxy: startHaproxy, sluice: startSluice } as const
type Which = keyof typeof start
const skips: Record<Which, false | string> = { haproxy: skipWithoutHaproxy(), sluice: false }
const skip = skipWithoutPhpFpm()

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

describe('an answer of php-fpm', { skip }, () => {
  let php: PhpFpm
  before(async () => {
    php = await startPhpFpm({ scripts, children: 8 })
  })
  after(() => php.stop())

  async function proxy(t: { after(callback: () => Promise<void>): void }, which: Which, rules = '') {
    const running = await start[which]({
      ports: ['fe'],
      config: ({ fe }) => `
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${fe}
  ${rules}
  default_backend be
fcgi-app php
  docroot ${php.docroot}
backend be
  use-fcgi-app php
  server s ${php.socket} proto fcgi
`,
    })
    t.after(() => running.stop())
    return running.ports.fe
  }

  const isDone = async (port: number, name: string): Promise<boolean> => {
    const reply = (await askOnce(port, get('/done.php'))) as RawReply
    return reply.body.includes(name)
  }

  for (const which of ['haproxy', 'sluice'] as const) {
    for (const [name, script, body] of [
      ['at its Content-Length', 'length', 'hello'],
      ['with fastcgi_finish_request', 'finish', 'hello'],
      ['at its Content-Length, whatever comes behind', 'more', 'hello'],
    ] as const) {
      it(`is over ${name}: ${which}`, { skip: skips[which] }, async (t) => {
        const port = await proxy(t, which)
        const client = new RawHttp(port)
        t.after(() => client.close())
        const id = `[${which}-${script}]`
        client.send(get(`/${script}.php?n=${id}`))
        const reply = await client.reply()
        assert.ok(typeof reply === 'object' && reply.body === body, JSON.stringify(reply))
        // The script works still, and holds nobody up. With HAProxy its own client waits for the connection; on one where
        // END_REQUEST has come anybody does.
        if (which === 'sluice' && script !== 'finish') {
          client.send(get('/plain.php'))
          assert.equal(((await client.reply()) as RawReply).body, 'hello')
        }
        assert.equal(await isDone(port, id), false)
        await until(() => isDone(port, id), 'the end of the script')
      })
    }

    it(
      `has Date and Content-Length behind what rules have set: ${which}`,
      { skip: skips[which] },
      async (t) => {
        const rules = [
          'http-response set-header X-Seen "%[res.hdr(date)]%[res.hdr(content-length)]"',
          'http-response del-header X-Powered-By',
          'http-response del-header Date',
          'http-after-response set-header X-After 1',
        ].join('\n  ')
        const reply = (await askOnce(await proxy(t, which, rules), get('/plain.php'))) as RawReply
        const names = reply.headers.map((line) => line.toLowerCase().replace(/^(date):.*/, '$1'))
        const expected =
          'x-p: 1|content-type: text/html; charset=utf-8|x-seen: |x-after: 1|date|content-length: 5'
        assert.deepEqual(names.toSorted(), expected.split('|').toSorted())
        assert.deepEqual(names.slice(-4), expected.split('|').slice(-4))
      },
    )

    for (const status of [600, 999]) {
      it(`may have status ${status}: ${which}`, { skip: skips[which] }, async (t) => {
        const reply = (await askOnce(await proxy(t, which), get(`/status.php?s=${status}`))) as RawReply
        assert.match(reply.line, new RegExp(`^HTTP/1.1 ${status} `))
        assert.equal(reply.body, 'x')
      })
    }
  }

  it('is over there for the library, too', async (t) => {
    const client = createFcgiClient({ endpoint: php.socket })
    t.after(() => client.destroy())
    const params = new Map([
      ['REQUEST_METHOD', 'GET'],
      ['SCRIPT_FILENAME', `${php.docroot}/length.php`],
      ['QUERY_STRING', 'n=[library]'],
    ])
    const response = await client.request({ params })
    assert.equal(await text(response.body), 'hello')
    assert.equal(client.stats.active, 1)
    assert.deepEqual(await response.ended, { appStatus: 0, protocolStatus: 0 })
    assert.deepEqual([client.stats.active, client.stats.idle], [0, 1])
  })
})
