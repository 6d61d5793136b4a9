/**
 * No request is lost while php-fpm replaces its workers, is reloaded, or has too few of them: each request that a client
 * sends is answered by a script, whatever its method and whatever the connection has carried before.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpmOptions } from '../support/php-fpm.ts'
import { RawHttp } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

interface Cleanup {
  after(callback: () => void | Promise<void>): void
}

const scripts = {
  'index.php': `<?php $in = file_get_contents('php://input'); usleep((int)($_GET['ms'] ?? 0) * 1000); echo strlen($in);`,
  // Kills its worker, as a fault of PHP would, and leaves a mark first.
  'dies.php': `<?php file_put_contents(__DIR__ . '/ran', '.', FILE_APPEND); shell_exec('kill -9 ' . getmypid());`,
}

/** php-fpm, and a proxy before it. */
async function system(t: Cleanup, options: Partial<PhpFpmOptions>, lines: readonly string[] = []) {
  const php = await startPhpFpm({ scripts, ...options })
  t.after(() => php.stop())
  const running = await startSluice({
    ports: ['fe'],
    config: ({ fe }) => `
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend fe
  bind 127.0.0.1:${fe}
  default_backend be
fcgi-app php
  docroot ${php.docroot}
  index index.php
backend be
  use-fcgi-app php
  ${lines.join('\n  ')}
  server s ${php.socket} proto fcgi
`,
  })
  t.after(() => running.stop())
  return { php, port: running.ports.fe }
}

/** How often dies.php has run. */
function runs({ docroot }: { readonly docroot: string }): number {
  const mark = join(docroot, 'ran')
  return existsSync(mark) ? readFileSync(mark).length : 0
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const body = 'a=1&b=2'
const post = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
/** One whose body comes later than its head. */
const late = (path: string): [string, string] => [
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`,
  body,
]

/** `clients` at a time, each with connections that carry `each` requests, until `count` were asked: how often what came. */
async function ask(
  port: number,
  { count, clients, each }: { readonly count: number; readonly clients: number; readonly each: number },
  request: string | readonly string[],
): Promise<Record<string, number>> {
  const seen: Record<string, number> = {}
  const expected = (typeof request === 'string' ? request : request.join('')).startsWith('POST') ? '7' : '0'
  let left = count
  const client = async () => {
    while (left > 0) {
      const connection = new RawHttp(port)
      for (let at = 0; at < each && left > 0; at++) {
        left--
        for (const piece of [request].flat()) {
          connection.send(piece)
          if (typeof request !== 'string') await sleep(2)
        }
        const reply = await connection.reply()
        const what = typeof reply === 'string' ? reply : `${reply.line.split(' ')[1]} ${reply.body}`
        const key = what === `200 ${expected}` ? 'right' : what.slice(0, 20)
        seen[key] = (seen[key] ?? 0) + 1
        if (key !== 'right') break
      }
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return seen
}

describe('no request is lost', { concurrency: 3, skip: skipWithoutPhpFpm() }, () => {
  for (const reuse of ['never', 'safe', 'aggressive', 'always']) {
    it(`when a worker is replaced after five requests, http-reuse ${reuse}`, async (t) => {
      const { port } = await system(t, { children: 8, maxRequests: 5 }, [`http-reuse ${reuse}`])
      for (const request of [post('/'), get('/'), late('/')]) {
        for (const each of [1, 20]) {
          const count = reuse === 'safe' ? 300 : 100
          const seen = await ask(port, { count, clients: 4, each }, request)
          assert.deepEqual(seen, { right: count }, `${String(request)} ${each}`)
        }
      }
    })
  }

  it('when php-fpm is reloaded twice, three times', async (t) => {
    const { php, port } = await system(t, { children: 8 })
    for (let round = 0; round < 3; round++) {
      const asked = ask(port, { count: 350, clients: 4, each: 20 }, post('/?ms=5'))
      for (let reload = 0; reload < 2; reload++) {
        await sleep(150)
        php.signal('SIGUSR2')
      }
      assert.deepEqual(await asked, { right: 350 })
    }
  })

  // With HAProxy connections without a request keep the workers from those that wait, until `timeout server`.
  for (const reuse of ['never', 'safe', 'always']) {
    it(`when there are more clients than workers, http-reuse ${reuse}`, async (t) => {
      const { port } = await system(t, { children: 2 }, [`http-reuse ${reuse}`])
      for (const each of [1, 3]) {
        assert.deepEqual(await ask(port, { count: 30, clients: 10, each }, post('/?ms=100')), { right: 30 })
      }
    })
  }
})

/** A connection that has carried `before` requests, and what its next one gets. */
async function next(port: number, before: number, request: string): Promise<string> {
  const connection = new RawHttp(port)
  for (let at = 0; at < before; at++) {
    connection.send(get('/'))
    await connection.reply()
  }
  connection.send(request)
  const reply = await connection.reply()
  connection.close()
  return typeof reply === 'string' ? reply : (reply.line.split(' ')[1] ?? '')
}

// A script that dies leaves the empty STDIN unread, so its end looks like that of a connection which nobody has read.
describe('a script that kills its worker', { concurrency: 3, skip: skipWithoutPhpFpm() }, () => {
  for (const reuse of ['safe', 'always']) {
    it(`has run once behind a POST, http-reuse ${reuse}`, async (t) => {
      const { php, port } = await system(t, { children: 4 }, [`http-reuse ${reuse}`])
      let count = 0
      for (const request of [
        post('/dies.php'),
        post('/dies.php').replace(body, '').replace(`: ${body.length}`, ': 0'),
      ]) {
        for (const before of [0, 1, 3]) {
          assert.equal(await next(port, before, request), '502')
          assert.equal(runs(php), ++count, `${before} requests before ${request}`)
        }
      }
      assert.equal(await next(port, 1, post('/')), '200')
    })
  }

  it('has run twice at most behind a GET', async (t) => {
    const { php, port } = await system(t, { children: 4 })
    await next(port, 2, get('/dies.php'))
    assert.ok(runs(php) <= 2, String(runs(php)))
  })
})
