/**
 * php-fpm behind the proxy: workers that are replaced, servers that are dead, or come up late. HAProxy stands beside it,
 * so that what is asked for is possible.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/ports.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm, PhpFpmOptions } from '../support/php-fpm.ts'
import { askOnce, RawHttp } from '../support/raw-http.ts'
import type { RawEnd, RawReply } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

interface Cleanup {
  after(callback: () => void | Promise<void>): void
}

const scripts = {
  'index.php': `<?php $in = file_get_contents('php://input'); echo getmypid(), ' ', strlen($in);`,
}

const start = { haproxy: startHaproxy, sluice: startSluice } as const
const proxies = Object.keys(start) as (keyof typeof start)[]
const skips = { haproxy: skipWithoutHaproxy(), sluice: false } as const

async function php(t: Cleanup, options: Partial<PhpFpmOptions> = {}): Promise<PhpFpm> {
  const running = await startPhpFpm({ scripts, children: 8, ...options })
  t.after(() => running.stop())
  return running
}

/** A proxy before these servers. */
async function proxy(t: Cleanup, which: keyof typeof start, docroot: string, lines: readonly string[]) {
  const running = await start[which]({
    ports: ['fe'],
    config: ({ fe }) => `
global
  log stdout format raw local0
defaults
  mode http
  log global
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${fe}
  log-format "%ST %tsc tc=%Tc rc=%rc srv=%s"
  default_backend be
fcgi-app php
  docroot ${docroot}
  index index.php
  path-info ^(/.+\\.php)(/.*)?$
backend be
  use-fcgi-app php
  ${lines.join('\n  ')}
`,
  })
  t.after(() => running.stop())
  return running
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const status = (reply: RawReply | RawEnd): string =>
  typeof reply === 'string' ? reply : (reply.line.split(' ')[1] ?? '')

/** How often each status came. */
function tally(statuses: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const each of statuses) counts[each] = (counts[each] ?? 0) + 1
  return counts
}

/** `clients` at a time, each with connections that carry `each` requests, until `count` were asked. */
async function ask(port: number, count: number, clients: number, each: number, request: string) {
  const statuses: string[] = []
  let left = count
  const client = async () => {
    while (left > 0) {
      const connection = new RawHttp(port)
      for (let at = 0; at < each && left > 0; at++) {
        left--
        connection.send(request)
        statuses.push(status(await connection.reply()))
        if (statuses.at(-1) !== '200') break
      }
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return tally(statuses)
}

describe('php-fpm that replaces a worker after five requests', { skip: skipWithoutPhpFpm() }, () => {
  const modes = ['never', 'safe', 'aggressive', 'always'] as const
  const cases = [...modes.map((reuse) => ['sluice', reuse] as const), ['haproxy', 'safe'] as const]
  for (const [which, reuse] of cases) {
    it(`loses no request: ${which}, http-reuse ${reuse}`, { skip: skips[which] }, async (t) => {
      const app = await php(t, { maxRequests: 5 })
      const lines = [`http-reuse ${reuse}`, `server s ${app.socket} proto fcgi`]
      const { ports } = await proxy(t, which, app.docroot, lines)
      // A first request goes to a kept connection only when the configuration says so: nobody would repeat it then.
      if (reuse === 'never' || reuse === 'safe') {
        assert.deepEqual(await ask(ports.fe, 120, 4, 1, post('/', 'a=1')), { 200: 120 })
      }
      // Later ones meet the end of a worker's connection; a client whose connection ends without an answer may repeat them.
      if (reuse === 'never' || reuse === 'safe') {
        const { 200: good = 0, closed = 0, ...bad } = await ask(ports.fe, 120, 4, 10, post('/', 'a=1'))
        assert.deepEqual(bad, {})
        assert.equal(good + closed, 120)
        assert.ok(good > 80, String(good))
      }
      // What may be repeated is repeated here, where HAProxy leaves that to the client too.
      if (which === 'sluice') assert.deepEqual(await ask(ports.fe, 120, 4, 10, get('/')), { 200: 120 })
    })
  }
})

describe('servers that are not there', { skip: skipWithoutPhpFpm() }, () => {
  for (const which of proxies) {
    it(`one of two is dead: ${which}`, { skip: skips[which] }, async (t) => {
      const app = await php(t)
      const [dead] = await freePorts(1)
      const lines = [
        'option redispatch',
        `server dead 127.0.0.1:${dead} proto fcgi`,
        `server live ${app.socket} proto fcgi`,
      ]
      const running = await proxy(t, which, app.docroot, lines)
      const replies: string[] = []
      for (let at = 0; at < 10; at++) replies.push(status(await askOnce(running.ports.fe, post('/', 'a=1'))))
      assert.deepEqual(tally(replies), { 200: 10 })
      // Whether every other request begins at the dead one, or each, depends on how the balancer counts those that failed.
      await running.waitForLog(/(200 ---- tc=\d+ rc=(0|\+1) srv=live\s+){10}/)
      assert.match(running.logs(), /rc=\+1/)
    })

    it(`the only one is dead: ${which}`, { skip: skips[which] }, async (t) => {
      const [dead] = await freePorts(1)
      const lines = ['retries 1', `server dead 127.0.0.1:${dead} proto fcgi`]
      const running = await proxy(t, which, '/srv', lines)
      assert.equal(status(await askOnce(running.ports.fe, get('/'))), '503')
      await running.waitForLog(/503 SC-- tc=-1 rc=1 srv=dead/)
    })

    it(`the only one comes up 1.5 s later: ${which}`, { skip: skips[which] }, async (t) => {
      const [port = 0] = await freePorts(1)
      const docroot = (await php(t, { children: 1 })).docroot
      const running = await proxy(t, which, docroot, [`server s 127.0.0.1:${port} proto fcgi`])
      const asked = askOnce(running.ports.fe, post('/', 'a=1'))
      await sleep(1500)
      await php(t, { port })
      // Its scripts are in a folder of its own: that it answers at all is what counts.
      assert.match(status(await asked), /200|404/)
      await running.waitForLog(/(?:200|404) ---- tc=\d+ rc=[123] srv=s/)
    })
  }
})
