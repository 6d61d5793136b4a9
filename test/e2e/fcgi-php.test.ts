/** The client against the real php-fpm. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { buffer, json, text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFcgiClient, deriveEnvironment, resolveFcgiApp } from 'sluice/fcgi'
import type { FcgiBody, FcgiClient, FcgiClientOptions, FcgiError, FcgiRequestInit } from 'sluice/fcgi'
import { HeaderList } from '#src/http1/index.js'
import { freePorts } from '../support/ports.js'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.js'
import type { PhpFpm, PhpFpmOptions } from '../support/php-fpm.js'

const scripts = {
  'info.php': `<?php
    header('Content-Type: application/json');
    $in = file_get_contents('php://input');
    echo json_encode(['pid' => getmypid(), 'server' => $_SERVER, 'size' => strlen($in), 'md5' => md5($in)]);`,
  'big.php': `<?php
    $piece = str_repeat('0123456789abcdef', 4096);
    for ($i = 0; $i < (int)$_GET['pieces']; $i++) {
      echo $piece;
      if (isset($_GET['progress'])) { file_put_contents(__DIR__ . '/progress', '.', FILE_APPEND); flush(); }
    }`,
  'status.php': `<?php
    http_response_code((int)$_GET['status']);
    header('X-Test: yes');
    echo 'body';`,
  'location.php': `<?php header('Location: /elsewhere');`,
  'stderr.php': `<?php
    error_log("first\\nFORGED line \\x1b[31m");
    echo 'a';
    error_log('second');
    echo 'b';`,
  'fatal.php': `<?php ini_set('display_errors', '0'); undefined_function();`,
  'late.php': `<?php echo str_repeat('x', 100000); flush(); ini_set('display_errors', '0'); undefined_function();`,
  'slow.php': `<?php echo getmypid(), "\\n"; flush(); usleep((int)$_GET['ms'] * 1000); echo 'done';`,
  'endless.php': `<?php echo getmypid(), "\\n"; for (;;) { echo str_repeat('x', 1000); flush(); usleep(2000); }`,
}

interface Info {
  readonly pid: number
  readonly server: Readonly<Record<string, string>>
  readonly size: number
  readonly md5: string
}

const md5 = (bytes: Buffer | string): string => createHash('md5').update(bytes).digest('hex')

function createClient(t: TestContext, php: PhpFpm, options: FcgiClientOptions = {}): FcgiClient {
  const client = createFcgiClient({ endpoint: php.socket, ...options })
  t.after(() => client.destroy())
  return client
}

/** A request as a proxy would send it. */
function http(
  php: PhpFpm,
  target: string,
  { method = 'GET', headers = [] as [string, string][], body = undefined as FcgiBody | undefined } = {},
): FcgiRequestInit {
  const app = resolveFcgiApp({
    docroot: php.docroot,
    index: 'info.php',
    pathInfo: String.raw`^(/.+\.php)(/.*)?$`,
  })
  const params = deriveEnvironment(
    {
      method,
      target,
      version: 'HTTP/1.1',
      headers: HeaderList.from([['Host', 'example.com'], ...headers]),
      remoteAddress: '192.0.2.7',
      remotePort: 50_000,
      localAddress: '192.0.2.1',
      localPort: 80,
      tls: false,
    },
    app,
  )
  // A body whose length no header says is measured by the client.
  if (body !== undefined && !headers.some(([name]) => name === 'Content-Length'))
    params.delete('CONTENT_LENGTH')
  return { params, body }
}

const info = async (client: FcgiClient, init: FcgiRequestInit): Promise<Info> =>
  (await json((await client.request(init)).body)) as Info

describe('php-fpm', { skip: skipWithoutPhpFpm() }, () => {
  let php: PhpFpm

  before(async () => {
    php = await startPhpFpm({ scripts, children: 3 })
  })
  after(() => php.stop())

  it('answers GET with the parameters that it was given', async (t) => {
    const client = createClient(t, php)
    const response = await client.request(
      http(php, '/info.php/path%20info?a=1', {
        headers: [
          ['X-Multi', 'a'],
          ['X-Multi', 'b'],
          ['Cookie', 'c=1'],
          ['Proxy', 'http://evil/'],
        ],
      }),
    )
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'application/json')
    const { server } = (await json(response.body)) as Info
    assert.deepEqual(await response.ended, { appStatus: 0, protocolStatus: 0 })
    assert.equal(server['SCRIPT_FILENAME'], `${php.docroot}/info.php`)
    assert.equal(server['SCRIPT_NAME'], '/info.php')
    assert.equal(server['PATH_INFO'], '/path info')
    assert.equal(server['QUERY_STRING'], 'a=1')
    assert.equal(server['HTTP_X_MULTI'], 'a, b')
    assert.equal(server['HTTP_PROXY'], undefined)
    assert.equal(server['REMOTE_ADDR'], '192.0.2.7')
  })

  it('reads a POST of 1 MB that streams', async (t) => {
    const client = createClient(t, php)
    const bytes = randomBytes(1_000_000)
    const body = (async function* () {
      for (let at = 0; at < bytes.length; at += 33_333) {
        await sleep(1)
        yield bytes.subarray(at, at + 33_333)
      }
    })()
    const headers: [string, string][] = [['Content-Length', '1000000']]
    const answer = await info(client, http(php, '/info.php', { method: 'POST', headers, body }))
    assert.deepEqual([answer.size, answer.md5], [1_000_000, md5(bytes)])
    assert.equal(answer.server['REQUEST_METHOD'], 'POST')
  })

  it('reads a body whose length nobody said', async (t) => {
    const client = createClient(t, php)
    const body = (async function* () {
      for (const piece of ['chunked ', 'as it ', 'were']) {
        await sleep(1)
        yield piece
      }
    })()
    const answer = await info(client, http(php, '/info.php', { method: 'POST', body }))
    assert.deepEqual([answer.size, answer.server['CONTENT_LENGTH']], [18, '18'])
    assert.equal(answer.md5, md5('chunked as it were'))
  })

  it('reads a large one, twice, without memory for it', async (t) => {
    const client = createClient(t, php, { unsizedBodyMemory: 1000, maxUnsizedBody: 7_000_000 })
    const piece = randomBytes(100_000)
    for (let round = 0; round < 2; round++) {
      const body = (async function* () {
        for (let at = 0; at < 70; at++) {
          if (at % 50 === 0) await sleep(1)
          yield piece
        }
      })()
      const answer = await info(client, http(php, '/info.php', { method: 'POST', body }))
      assert.deepEqual([answer.size, answer.server['CONTENT_LENGTH']], [7_000_000, '7000000'])
      assert.equal(answer.md5, md5(Buffer.concat(Array.from({ length: 70 }, () => piece))))
    }
  })

  it('sends a response of 16 MB', async (t) => {
    const client = createClient(t, php)
    const response = await client.request(http(php, '/big.php?pieces=256'))
    const body = await buffer(response.body)
    assert.equal(body.length, 16_777_216)
    assert.equal(md5(body), md5('0123456789abcdef'.repeat(1_048_576)))
  })

  it('waits for a slow reader', async (t) => {
    const client = createClient(t, php)
    const response = await client.request(http(php, '/big.php?pieces=400&progress=1'))
    await sleep(300)
    const progress = () => statSync(join(php.docroot, 'progress')).size
    // 400 pieces are 26 MB; what fits into the buffers between is some hundred kilobytes.
    const stopped = progress()
    assert.ok(stopped < 100, `${stopped} of 400 pieces`)
    assert.equal((await buffer(response.body)).length, 400 * 65_536)
    assert.equal(progress(), 400)
  })

  it('writes to STDERR, and cannot forge lines with it', async (t) => {
    const lines: string[] = []
    const client = createClient(t, php, { onStderr: (line) => lines.push(line) })
    const response = await client.request(http(php, '/stderr.php'))
    assert.equal(await text(response.body), 'ab')
    const all = lines.join('|')
    assert.match(all, /first/)
    assert.match(all, /second/)
    assert.match(all, /FORGED line \.\[31m/)
    // oxlint-disable-next-line no-control-regex -- they are what must not be there
    assert.doesNotMatch(all, /[\0-\x1f]/)
  })

  it('gives its status, its redirects, and no body where none belongs', async (t) => {
    const client = createClient(t, php)
    for (const [status, reason, body] of [
      [404, 'Not Found', 'body'],
      [503, 'Service Unavailable', 'body'],
      [204, 'No Content', ''],
      [304, 'Not Modified', ''],
    ] as const) {
      const response = await client.request(http(php, `/status.php?status=${status}`))
      assert.deepEqual([response.status, response.reason], [status, reason])
      assert.equal(response.headers.get('x-test'), 'yes')
      assert.equal(await text(response.body), body)
    }
    const missing = await client.request(http(php, '/nothing.php'))
    assert.deepEqual([missing.status, await text(missing.body)], [404, 'File not found.\n'])
    const redirect = await client.request(http(php, '/location.php'))
    assert.deepEqual([redirect.status, redirect.headers.get('location')], [302, '/elsewhere'])
    await text(redirect.body)
    const head = await client.request(http(php, '/status.php?status=200', { method: 'HEAD' }))
    assert.equal(await text(head.body), '')
    assert.equal(client.stats.opened, 1)
  })

  it('serves all requests of a kept connection with one worker', async (t) => {
    const client = createClient(t, php)
    const pids = new Set<number>()
    for (let count = 0; count < 20; count++) pids.add((await info(client, http(php, '/'))).pid)
    assert.equal(pids.size, 1)
    assert.deepEqual([client.stats.opened, client.stats.reused], [1, 19])
  })

  it('gets parameters that take several records', async (t) => {
    const client = createClient(t, php)
    const headers = ['A', 'B', 'C', 'D', 'E'].map((name): [string, string] => [
      `X-${name}`,
      name.repeat(30_000),
    ])
    const { server } = await info(client, http(php, '/', { headers }))
    for (const [name, value] of headers) assert.equal(server[`HTTP_${name.replace('-', '_')}`], value)
  })

  it('answers GET_VALUES that comes with the first request, and is not sent two at a time', async (t) => {
    const client = createClient(t, php, { getValues: true, maxRequests: 10, maxConnections: 2 })
    await info(client, http(php, '/'))
    const answers = await Promise.all(Array.from({ length: 10 }, () => info(client, http(php, '/'))))
    assert.ok(new Set(answers.map((each) => each.pid)).size <= 2)
    assert.ok(client.stats.opened <= 2)
  })

  it('serves more requests at a time than it has workers', async (t) => {
    const client = createClient(t, php, { maxConnections: 16 })
    const answers = await Promise.all(Array.from({ length: 60 }, () => info(client, http(php, '/'))))
    assert.equal(answers.length, 60)
    assert.ok(new Set(answers.map((each) => each.pid)).size <= 3)
  })

  it('reports a fatal error, and serves the next request', async (t) => {
    const lines: string[] = []
    const client = createClient(t, php, { onStderr: (line) => lines.push(line) })
    const response = await client.request(http(php, '/fatal.php'))
    assert.deepEqual([response.status, await text(response.body)], [500, ''])
    assert.match(lines.join('|'), /undefined_function/)
    // A response that is under way ends there, and nothing shows it but the log.
    const late = await client.request(http(php, '/late.php'))
    assert.equal((await text(late.body)).length, 100_000)
    await info(client, http(php, '/'))
    assert.equal(client.stats.failed, 0)
  })

  it('whose worker dies breaks the response off, and nothing else', async (t) => {
    const client = createClient(t, php)
    const response = await client.request(http(php, '/slow.php?ms=5000'))
    const pid = await new Promise<string>((resolve) => {
      response.body.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    })
    process.kill(Number(pid), 'SIGKILL')
    await assert.rejects(text(response.body), { code: 'ERR_FCGI_CONNECTION_LOST' })
    await info(client, http(php, '/'))
  })

  it('is told of a client that has gone, and its worker is free again', async (t) => {
    const own = await start(t, { children: 1 })
    const client = createClient(t, own, { maxConnections: 4 })
    const response = await client.request(http(own, '/endless.php'))
    await new Promise((resolve) => {
      response.body.once('data', resolve)
    })
    response.body.destroy()
    // One worker: this is served only when the endless script has ended.
    await info(client, http(own, '/'))
  })

  it('answers too late', async (t) => {
    const client = createClient(t, php, { responseTimeout: 60 })
    await assert.rejects(
      client.request(http(php, '/slow.php?ms=400')).then((response) => text(response.body)),
      (error: FcgiError) => error.code === 'ERR_FCGI_RESPONSE_TIMEOUT',
    )
  })
})

async function start(t: TestContext, options: Omit<PhpFpmOptions, 'scripts'>): Promise<PhpFpm> {
  const php = await startPhpFpm({ scripts, ...options })
  t.after(() => php.stop())
  return php
}

describe('php-fpm that replaces its workers', { skip: skipWithoutPhpFpm() }, () => {
  it('after some requests: none fails', async (t) => {
    const php = await start(t, { children: 2, maxRequests: 3 })
    const client = createClient(t, php)
    const pids = new Set<number>()
    for (let count = 0; count < 30; count++) pids.add((await info(client, http(php, '/'))).pid)
    assert.ok(pids.size >= 10, `${pids.size} workers`)
    await Promise.all(Array.from({ length: 30 }, () => info(client, http(php, '/'))))
    const post = () => info(client, http(php, '/', { method: 'POST', body: 'abc' }))
    for (let count = 0; count < 60; count++) assert.equal((await post()).size, 3)
    await Promise.all(Array.from({ length: 60 }, post))
    assert.equal(client.stats.failed, 0)
  })

  it('when it is reloaded: kept connections are replaced, and nobody notices', async (t) => {
    const php = await start(t, { children: 2 })
    const client = createClient(t, php)
    const old = await info(client, http(php, '/'))
    php.signal('SIGUSR2')
    for (let tries = 0; tries < 100; tries++) {
      await sleep(20)
      if ((await info(client, http(php, '/'))).pid !== old.pid) break
    }
    assert.notEqual((await info(client, http(php, '/'))).pid, old.pid)
    assert.equal(client.stats.failed, 0)
  })
})

describe('php-fpm over TCP', { skip: skipWithoutPhpFpm() }, () => {
  it('answers, and reads bodies', async (t) => {
    const [port = 0] = await freePorts(1)
    const php = await start(t, { port })
    const client = createClient(t, php)
    const bytes = randomBytes(300_000)
    const answer = await info(client, http(php, '/', { method: 'PUT', body: bytes }))
    assert.equal(answer.md5, md5(bytes))
    assert.equal((await info(client, http(php, '/'))).pid, answer.pid)
  })
})
