/** The client and the responder against implementations other than php-fpm: Go's net/http/fcgi, libfcgi, HAProxy. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, json, text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFcgiClient, createFcgiResponder } from 'sluice/fcgi'
import type { FcgiBody, FcgiClient, FcgiClientOptions, FcgiRequestInit } from 'sluice/fcgi'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.js'

/** For the `skip` option: these two are extras, so their absence is said and no failure, under CI neither. */
function skipWithout(program: string, packages: string): false | string {
  if (spawnSync('which', [program], { stdio: 'ignore' }).status === 0) return false
  const reason = `${program} is not installed (Debian: apt-get install ${packages})`
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

const md5 = (bytes: Buffer | string): string => createHash('md5').update(bytes).digest('hex')

function createClient(t: TestContext, options: FcgiClientOptions): FcgiClient {
  const client = createFcgiClient(options)
  t.after(() => client.destroy())
  return client
}

const request = (target: string, body?: FcgiBody): FcgiRequestInit => ({
  params: new Map([
    ['REQUEST_METHOD', body === undefined ? 'GET' : 'POST'],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['HTTP_HOST', 'example.com'],
    ['REQUEST_URI', target],
    ['REMOTE_ADDR', '192.0.2.7'],
  ]),
  body,
})

/** A child process that listens on a socket in a folder of its own. */
class Child {
  readonly dir = mkdtempSync(join(tmpdir(), 'fcgi-peer-'))
  readonly socket = join(this.dir, 'peer.sock')
  #child: ChildProcess | undefined

  async start(command: string, args: readonly string[]): Promise<void> {
    const child = spawn(command, args, { stdio: 'ignore' })
    this.#child = child
    for (let tries = 0; tries < 500 && child.exitCode === null; tries++) {
      if (existsSync(this.socket)) return
      await sleep(20)
    }
    throw new Error(`${command} did not start`)
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child !== undefined && child.exitCode === null) {
      const exited = new Promise((resolve) => {
        child.once('exit', resolve)
      })
      child.kill('SIGKILL')
      await exited
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}

const goProgram = `package main

import (
	"crypto/md5"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	var active, most int64
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		now := atomic.AddInt64(&active, 1)
		defer atomic.AddInt64(&active, -1)
		for {
			seen := atomic.LoadInt64(&most)
			if now <= seen || atomic.CompareAndSwapInt64(&most, seen, now) {
				break
			}
		}
		wait, _ := time.ParseDuration(r.URL.Query().Get("wait"))
		time.Sleep(wait)
		sum := md5.New()
		size, _ := io.Copy(sum, r.Body)
		w.Header().Set("X-Method", r.Method)
		fmt.Fprintf(w, "{\\"size\\":%d,\\"md5\\":\\"%x\\",\\"most\\":%d}", size, sum.Sum(nil), atomic.LoadInt64(&most))
	})
	http.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		piece := make([]byte, 65536)
		for i := 0; i < 100; i++ {
			w.Write(piece)
		}
	})
	http.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 200; i++ {
			fmt.Fprintln(w, i)
			w.(http.Flusher).Flush()
			time.Sleep(2 * time.Millisecond)
		}
	})
	panic(fcgi.Serve(listener, nil))
}
`

interface GoAnswer {
  readonly size: number
  readonly md5: string
  readonly most: number
}

describe('Go net/http/fcgi', { skip: skipWithout('go', 'golang-go') }, () => {
  const go = new Child()

  before(async () => {
    const program = join(go.dir, 'peer')
    writeFileSync(`${program}.go`, goProgram)
    const env = {
      ...process.env,
      GOFLAGS: '-mod=mod',
      GO111MODULE: 'off',
      GOCACHE: join(tmpdir(), 'sluice-go-cache'),
    }
    const built = spawnSync('go', ['build', '-o', program, `${program}.go`], { env, encoding: 'utf8' })
    assert.equal(built.status, 0, built.stderr)
    await go.start(program, [go.socket])
  })
  after(() => go.stop())

  const ask = async (client: FcgiClient, target: string, body?: FcgiBody): Promise<GoAnswer> =>
    (await json((await client.request(request(target, body))).body)) as GoAnswer

  it('runs many requests at a time on one connection', async (t) => {
    const options = { endpoint: go.socket, getValues: true, maxRequests: 50, maxConnections: 1 }
    const client = createClient(t, options)
    await ask(client, '/')
    // Without bodies: Go reads no record while a handler leaves its body unread.
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => ask(client, `/?wait=${at % 7}ms`)),
    )
    assert.ok(Math.max(...answers.map((each) => each.most)) > 10, 'at the same time')
    assert.deepEqual([client.stats.opened, client.stats.failed], [1, 0])
  })

  it('reads large bodies that are interleaved, and sends large responses', async (t) => {
    const client = createClient(t, {
      endpoint: go.socket,
      multiplex: true,
      maxRequests: 8,
      maxConnections: 1,
    })
    const bodies = Array.from({ length: 6 }, () => randomBytes(500_000))
    const answers = await Promise.all(bodies.map((body) => ask(client, '/', body)))
    assert.deepEqual(
      answers.map((each) => each.md5),
      bodies.map(md5),
    )
    // Each is read as it comes: one that is not read stops them all.
    const big = async () => (await buffer((await client.request(request('/big'))).body)).length
    const sizes = await Promise.all([big(), big(), big()])
    assert.deepEqual(sizes, [6_553_600, 6_553_600, 6_553_600])
    assert.equal(client.stats.opened, 1)
  })

  it('goes on with the others when one is aborted; what it still sends is skipped', async (t) => {
    const client = createClient(t, {
      endpoint: go.socket,
      multiplex: true,
      maxRequests: 8,
      maxConnections: 1,
    })
    const endless = await client.request(request('/endless'))
    const other = ask(client, '/?wait=50ms')
    await new Promise((resolve) => {
      endless.body.once('data', resolve)
    })
    endless.body.destroy()
    await other
    for (let count = 0; count < 20; count++) await ask(client, '/?wait=5ms')
    assert.deepEqual([client.stats.opened, client.stats.failed], [1, 0])
  })

  it('closes after one request without keepConn', async (t) => {
    const client = createClient(t, { endpoint: go.socket, keepConn: false })
    for (let count = 0; count < 3; count++) await ask(client, '/')
    assert.equal(client.stats.opened, 3)
  })
})

describe('libfcgi (fcgiwrap)', { skip: skipWithout('fcgiwrap', 'fcgiwrap') }, () => {
  const wrap = new Child()
  const script = join(wrap.dir, 'script.sh')

  before(async () => {
    writeFileSync(
      script,
      `#!/bin/sh
echo "complaint" >&2
printf 'Status: 201 Made\\n\\n'
printf '%s %s ' "$REQUEST_METHOD" "$CONTENT_LENGTH"
[ "$CONTENT_LENGTH" = 0 ] || cat
exit 7
`,
    )
    chmodSync(script, 0o755)
    await wrap.start('fcgiwrap', ['-f', '-s', `unix:${wrap.socket}`])
  })
  after(() => wrap.stop())

  const cgi = (body?: FcgiBody): FcgiRequestInit => {
    const { params } = request('/', body)
    return { params: new Map([...params, ['SCRIPT_FILENAME', script]]), body }
  }

  it('runs a script whose lines end with LF, and tells its exit status', async (t) => {
    const lines: string[] = []
    const client = createClient(t, { endpoint: wrap.socket, onStderr: (line) => lines.push(line) })
    for (const body of [undefined, 'hello', 'x'.repeat(100_000)]) {
      const response = await client.request(cgi(body))
      assert.deepEqual([response.status, response.reason], [201, 'Made'])
      const method = body === undefined ? 'GET 0' : `POST ${body.length}`
      assert.equal(await text(response.body), `${method} ${body ?? ''}`)
      assert.equal((await response.ended).protocolStatus, 0)
    }
    assert.match(lines.join('|'), /complaint/)
    assert.equal(client.stats.failed, 0)
  })

  it('is not brought to a stand by GET_VALUES, which it answers late', async (t) => {
    const client = createClient(t, { endpoint: wrap.socket, getValues: true, maxRequests: 5 })
    const responses = await Promise.all([1, 2, 3].map(() => client.request(cgi())))
    assert.deepEqual(await Promise.all(responses.map((each) => text(each.body))), [
      'GET 0 ',
      'GET 0 ',
      'GET 0 ',
    ])
  })
})

interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

function http(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body = undefined as Buffer | undefined } = {},
) {
  return new Promise<HttpAnswer>((resolve, reject) => {
    const sent = httpRequest({ port, path, method, headers, agent: false }, (response) => {
      buffer(response).then(
        (whole) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole }),
        reject,
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('HAProxy asks our responder', { skip: skipWithoutHaproxy() }, () => {
  it('over kept and over multiplexed connections', async (t) => {
    let most = 0
    let active = 0
    const connections = new Set<number>()
    const responder = createFcgiResponder({
      onRequest: async ({ params, stdin }) => {
        most = Math.max(most, ++active)
        const body = await buffer(stdin)
        await sleep(Number(/wait=(\d+)/.exec(params.get('QUERY_STRING') ?? '')?.[1] ?? 0))
        active--
        return {
          status: params.get('SCRIPT_NAME') === '/missing.php' ? 404 : 200,
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ params: Object.fromEntries(params), md5: md5(body), size: body.length }),
        }
      },
    })
    t.after(() => responder.destroy())
    const endpoint = await responder.listen('127.0.0.1:0')
    assert.ok(endpoint.type === 'tcp')
    const backend = (name: string, options: string) => `
frontend fe_${name}
  bind 127.0.0.1:\${${name}}
  default_backend be_${name}
backend be_${name}
  use-fcgi-app ${name}
  http-reuse always
  server s 127.0.0.1:${endpoint.port} proto fcgi
fcgi-app ${name}
  docroot /srv/www
  index index.php
  path-info ^(/.+\\.php)(/.*)?$
  ${options}
`
    const haproxy = await startHaproxy({
      ports: ['kept', 'mpx'],
      config: ({ kept, mpx }) =>
        `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  option http-buffer-request
${backend('kept', 'option keep-conn')}${backend('mpx', 'option get-values\n  option max-reqs 20')}`
          .replace('${kept}', String(kept))
          .replace('${mpx}', String(mpx)),
    })
    t.after(() => haproxy.stop())

    for (const port of [haproxy.ports.kept, haproxy.ports.mpx]) {
      const answer = await http(port, '/a.php/info?x=1', { headers: { 'X-Multi': ['a', 'b'] } })
      assert.equal(answer.status, 200, haproxy.logs())
      const { params } = JSON.parse(answer.body.toString()) as { params: Record<string, string> }
      assert.equal(params['SCRIPT_FILENAME'], '/srv/www/a.php')
      assert.equal(params['PATH_INFO'], '/info')
      assert.equal(params['GATEWAY_INTERFACE'], 'CGI/1.1')
      assert.equal((await http(port, '/missing.php')).status, 404)
      const body = randomBytes(200_000)
      const posted = await http(port, '/p.php', {
        method: 'POST',
        headers: { 'Content-Length': 200_000 },
        body,
      })
      assert.equal((JSON.parse(posted.body.toString()) as { md5: string }).md5, md5(body))
      connections.add(responder.stats.connections)
    }
    most = 0
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => http(haproxy.ports.mpx, `/?wait=${20 + at}`)),
    )
    assert.deepEqual(
      answers.map((each) => each.status),
      answers.map(() => 200),
    )
    assert.ok(most > 4, `${most} at a time`)
    assert.ok(
      responder.stats.connections < 12,
      `${responder.stats.connections} connections for 12 requests at a time`,
    )
    await responder.close()
  })

  it('and ours gives the parameters that HAProxy gives', async (t) => {
    const { deriveEnvironment, resolveFcgiApp } = await import('sluice/fcgi')
    const { HeaderList } = await import('#src/http1/index.js')
    const responder = createFcgiResponder({
      onRequest: ({ params }) => ({ body: JSON.stringify([...params]) }),
    })
    t.after(() => responder.destroy())
    const endpoint = await responder.listen('127.0.0.1:0')
    assert.ok(endpoint.type === 'tcp')
    const haproxy = await startHaproxy({
      ports: ['fe'],
      config: ({ fe }) => `defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen fe
  bind 127.0.0.1:${fe}
  use-fcgi-app app
  server s 127.0.0.1:${endpoint.port} proto fcgi
fcgi-app app
  docroot /srv/www
  index index.php
  path-info ^(/.+\\.php)(/.*)?$
  set-param MY_PARAM %[path]
  set-param EMPTY_ONE %[var(txn.none)]
  pass-header upgrade
`,
    })
    t.after(() => haproxy.stop())
    const app = resolveFcgiApp({
      docroot: '/srv/www',
      index: 'index.php',
      pathInfo: String.raw`^(/.+\.php)(/.*)?$`,
    })
    const cases: [target: string, method: string, headers: Record<string, string>, body: string][] = [
      ['/', 'GET', {}, ''],
      ['/dir/?', 'GET', {}, ''],
      ['/a.php', 'GET', { Cookie: 'a=1', 'X-Thing_2': 'x', Proxy: 'p', 'Keep-Alive': '5' }, ''],
      ['/a.php/p%20i/n?q=%20&r=?', 'GET', { 'Accept-Language': 'de', Upgrade: 'x' }, ''],
      ['/a.php/', 'POST', { 'Content-Type': 'text/x', 'Content-Length': '3' }, 'abc'],
      [
        '/no%2fsplit+x.txt',
        'HEAD',
        { Authorization: `Basic ${Buffer.from('joe:pw').toString('base64')}` },
        '',
      ],
      ['/d.php', 'DELETE', { Authorization: 'Bearer t', TE: 'trailers' }, ''],
      ['/%C3%A9.php/x%C3%A9', 'GET', {}, ''],
    ]
    for (const [target, method, headers, body] of cases) {
      const given = { Host: 'example.com:8080', ...headers }
      const answer = await http(haproxy.ports.fe, target, {
        method: method === 'HEAD' ? 'OPTIONS' : method,
        headers: given,
        body: body === '' ? undefined : Buffer.from(body),
      })
      assert.equal(answer.status, 200, `${target}\n${haproxy.logs()}`)
      const theirs = new Map(JSON.parse(answer.body.toString()) as [string, string][])
      const path = target.replace(/\?.*$/, '')
      const ours = deriveEnvironment(
        {
          method: method === 'HEAD' ? 'OPTIONS' : method,
          target,
          version: 'HTTP/1.1',
          headers: HeaderList.from(Object.entries(given)),
          remoteAddress: '127.0.0.1',
          remotePort: Number(theirs.get('REMOTE_PORT')),
          localAddress: '127.0.0.1',
          localPort: haproxy.ports.fe,
          tls: false,
        },
        { ...app, serverSoftware: theirs.get('SERVER_SOFTWARE') ?? '' },
        {
          passHeaders: new Set(['upgrade']),
          setParams: [
            ['MY_PARAM', path],
            ['EMPTY_ONE', ''],
          ],
        },
      )
      assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs), target)
    }
  })
})
